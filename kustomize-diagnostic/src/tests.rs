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

#[test]
fn commands_of_continuous_integration_are_none() {
    for (text, wanted) in [
        ("a\n  ::set-output name=a::b\n", "a\n  \\u{3a}:set-output name=a::b\n"),
        ("::error::x", "\\u{3a}:error::x"),
        ("x ##vso[task] ###[group]y", "x \\u{23}#vso[task] \\u{23}\\u{23}#[group]y"),
        // What is none.
        ("a::b ## [x]\n# x ##\n##vso", "a::b ## [x]\n# x ##\n##vso"),
    ] {
        assert_eq!(inert_for_people(text), wanted);
    }
}

#[test]
fn names_and_messages_give_no_commands() {
    let error = Diagnostic::error("there is no 'a\n::add-mask::b'");
    let origin = Origin { file: "x\n::error::y".to_owned(), line: None };
    let error = Diagnostic { origin: Some(origin), ..error };
    let text = Renderer::new(Style::Plain).render(&error);
    assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
    assert!(text.contains("--> x\\n::error::y\n"), "{text}");
}

#[test]
fn what_reorders_or_breaks_lines_is_escaped() {
    assert_eq!(fit("a\u{61c}b\u{2028}c\u{2029}d\u{202e}e"), "a\\u{61c}b\\u{2028}c\\u{2029}d\\u{202e}e");
}
