//! Renderings, whole.

use super::*;

fn at(file: &str, number: usize, column: usize, text: &str) -> Origin {
    Origin { file: file.to_owned(), line: Some(Line { number, column, text: text.to_owned() }) }
}

fn remark(message: &str, origin: Origin) -> Remark {
    Remark { message: message.to_owned(), origin: Some(origin) }
}

fn full() -> Diagnostic {
    Diagnostic {
        origin: Some(at("/here/base/deployment.yaml", 12, 3, "  naem: web")),
        about: vec![("resource", "Deployment web".to_owned()), ("field", "spec.replicas".to_owned())],
        notes: vec![remark("the first one stands here", at("/else/where.yaml", 3, 9, "  name: web"))],
        chain: vec![
            remark("resources", at("/here/overlay/kustomization.yaml", 4, 3, "- ../base")),
            remark("", at("/here/top/kustomization.yaml", 2, 3, "- ../overlay")),
        ],
        ..Diagnostic::error("two lines\nof message").with_help("rename one of them")
    }
}

fn render(style: Style, diagnostic: &Diagnostic) -> String {
    Renderer::new(style).seen_from("/here").render(diagnostic)
}

#[test]
fn everything_at_once() {
    insta::assert_snapshot!(render(Style::Plain, &full()));
}

#[test]
fn in_colours() {
    insta::assert_snapshot!(render(Style::Ansi, &full()).replace('\x1b', "ESC"));
}

#[test]
fn a_warning_names_its_line_only() {
    let warning = Diagnostic {
        origin: Some(at("/here/kustomization.yaml", 7, 1, "bases:")),
        ..Diagnostic::warning("'bases' is deprecated.").with_help("use resources")
    };
    insta::assert_snapshot!(render(Style::Plain, &warning));
}

#[test]
fn nothing_escapes_to_the_terminal() {
    let error = Diagnostic {
        origin: Some(at("/here/\x1b]0;x\x07.yaml", 1, 1, "\x1b[2Jx: \u{202e}y")),
        about: vec![("field", "a\x1b[1m".to_owned())],
        ..Diagnostic::error("bad \x1b[31m")
    };
    let shown = render(Style::Plain, &error);
    assert!(!shown.contains(['\x1b', '\x07', '\u{202e}']), "{shown}");
}
