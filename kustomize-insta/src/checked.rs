//! The comparison behind the macro, and what is handed to insta.

use std::fs;
use std::io;
use std::path::Path;

use insta::Settings;
use kustomize_core::host::{mask, path};
use kustomize_core::yaml::{self, FileId};
use kustomize_core::{BuildError, BuildOptions, ErrorKind};
use kustomize_diagnostic::{Diagnostic, Renderer, Style, fit, inert_for_people};
use kustomize_golden::{Layout, Mismatch, Outcome, Update, discover};
use kustomize_host::OsHost;

/// A rendering that is not as expected, for insta to fail with and to keep for review.
pub struct Pending {
    /// Settings by which insta's file is the golden file.
    pub settings: Settings,
    /// The snapshot's name and extension.
    pub name: String,
    /// What the overlay renders as.
    pub content: Vec<u8>,
}

/// Compares an overlay with its golden file. `None` when all is well.
///
/// # Panics
/// The overlay does not render, or differs from a golden file that insta cannot write.
#[must_use]
pub fn check(base: &str, overlay: &Path, options: &BuildOptions) -> Option<Pending> {
    let host = host(options);
    let Some(overlay) = OsHost::path(&Path::new(base).join(overlay)) else {
        panic!("the path {} is not Unicode text", overlay.display());
    };
    let layout = or_panic(Layout::find(&host, &overlay));
    let cases = or_panic(discover(&host, &layout, &[&overlay]));
    let Some(case) = cases.iter().find(|case| same_place(&case.overlay, &overlay)) else {
        panic!("there is no overlay in {overlay}");
    };
    let outcome = case.check(&host, options);
    let (what, content) = match (&outcome, outcome.update(case)) {
        (Outcome::Equal, _) => {
            forget_pending(&case.golden, layout.file_name());
            return None;
        }
        (Outcome::Failed(error), _) if *error.kind() == ErrorKind::Golden => panic!("{}", text(error)),
        (Outcome::Failed(error), _) => panic!("{overlay} does not render\n{}", text(error)),
        (Outcome::Different(mismatch), Some(Update::Write { content, .. })) => {
            (format!("{overlay} does not render as {} says\n{}", case.golden, difference(mismatch)), content)
        }
        (Outcome::Unreadable { error, .. }, Some(Update::Write { content, .. })) => (text(error), content),
        (Outcome::Missing { .. }, Some(Update::Write { content, .. })) => {
            (format!("{overlay} has no golden file {}", case.golden), content)
        }
        _ => panic!("{} has no overlay", case.golden),
    };
    let Some(name) = snapshot_name(layout.file_name()) else {
        panic!("{}\nhelp: accept with `kustomize-rs test --update`", fit_lines(&what));
    };
    if case.golden.contains(char::is_control) || inert_for_people(&case.golden) != case.golden {
        panic!(
            "{}\nhelp: insta prints the names of files as they are: rename it",
            inert_for_people(&fit(&case.golden))
        );
    }
    refuse_odd_files(&case.golden, layout.file_name());
    refuse_odd_note(&case.golden, layout.file_name());
    show(&what);
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(OsHost::machine_path(path::parent(&case.golden)));
    settings.set_prepend_module_to_snapshot(false);
    Some(Pending { settings, name, content: content.as_bytes().to_vec() })
}

/// A host that may do what the options say.
fn host(options: &BuildOptions) -> OsHost {
    let host = if options.enable_remote { OsHost::new().allow_git() } else { OsHost::new() };
    #[cfg(feature = "fetch")]
    let host = if options.enable_remote { host.allow_http() } else { host };
    if options.enable_helm || options.enable_plugins { host.allow_programs() } else { host }
}

/// Whether a case is about this directory. A case has its links resolved.
fn same_place(case: &str, overlay: &str) -> bool {
    let resolved = OsHost::machine_path(overlay).canonicalize().ok();
    resolved.and_then(|resolved| OsHost::path(&resolved)).is_some_and(|resolved| resolved == case)
}

/// The name and extension by which insta writes a file: `kustomization.yaml` for
/// `kustomization.snap.yaml`.
fn snapshot_name(file: &str) -> Option<String> {
    let (name, extension) = file.split_once(".snap.")?;
    let fits =
        !name.is_empty() && !name.contains('.') && extension != "new" && !extension.starts_with("new.");
    fits.then(|| format!("{name}.{extension}"))
}

/// Refuses links and pipes among the files that insta reads and writes: it would follow the ones, and
/// wait for the others. Which files these are is up to insta's notes, which may not be its own.
fn refuse_odd_files(golden: &str, file: &str) {
    let Some((name, _)) = file.split_once(".snap.") else { return };
    let beginning = format!("{name}.snap");
    let entries = fs::read_dir(OsHost::machine_path(path::parent(golden))).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&beginning)) {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_symlink() => {
                panic!("{} is a link, which insta may follow: remove it", path.display())
            }
            Ok(kind) if kind.is_file() || kind.is_dir() => {}
            _ => panic!("{} is no file, and insta may read it: remove it", path.display()),
        }
    }
}

/// Refuses a note that is not one of insta about the golden file: what a text snapshot holds, insta
/// prints as it is.
fn refuse_odd_note(golden: &str, file: &str) {
    let Some((name, extension)) = file.split_once(".snap.") else { return };
    let note = path::join(path::parent(golden), &format!("{name}.snap"));
    match fs::read_to_string(OsHost::machine_path(&note)) {
        Ok(text) if is_about(&text, extension) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        _ => panic!("{note} is no note of insta about {golden}: remove it"),
    }
}

/// Whether a note says that a snapshot is in a binary file with this extension.
fn is_about(note: &str, extension: &str) -> bool {
    let mut lines = note.lines();
    if lines.next() != Some("---") {
        return false;
    }
    let metadata: Vec<&str> = lines.take_while(|line| line.trim_end() != "---").collect();
    let Ok(nodes) = yaml::read(&metadata.join("\n"), FileId::UNKNOWN) else { return false };
    let says = |field, wanted| match nodes.as_slice() {
        [node] => node.get(field).is_some_and(|value| value.text() == wanted),
        _ => false,
    };
    says("snapshot_kind", "binary") && says("extension", extension)
}

/// Removes what insta kept of an earlier run for review, as it does itself when a test passes:
/// accepted later, it would overwrite what is right.
fn forget_pending(golden: &str, file: &str) {
    let Some((name, extension)) = file.split_once(".snap.") else { return };
    for pending in [format!("{name}.snap.new"), format!("{name}.snap.new.{extension}")] {
        let _ = fs::remove_file(OsHost::machine_path(&path::join(path::parent(golden), &pending)));
    }
}

fn difference(mismatch: &Mismatch) -> String {
    match mismatch.difference() {
        Ok(difference) if difference.is_empty() => mismatch.remark().to_owned(),
        Ok(difference) => difference.mask_secrets().to_string(),
        Err(error) => text(&error),
    }
}

fn text(error: &BuildError) -> String {
    Renderer::new(Style::Plain).render(&Diagnostic::from(error))
}

fn or_panic<T>(outcome: Result<T, BuildError>) -> T {
    outcome.unwrap_or_else(|error| panic!("{}", text(&error)))
}

/// Text that names files, which may be called anything.
fn fit_lines(text: &str) -> String {
    inert_for_people(&mask(&text.lines().map(fit).collect::<Vec<_>>().join("\n")))
}

#[allow(clippy::print_stderr, reason = "the test harness shows it with the failure")]
fn show(what: &str) {
    eprintln!("{}", fit_lines(what));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_about_binary_files() {
        let note =
            "---\nsource: a\nexpression: \"b!(\\\"c\\\")\"\nextension: yaml\nsnapshot_kind: binary\n---\n";
        assert!(is_about(note, "yaml"));
        assert!(is_about(&note.replace('\n', "\r\n"), "yaml"));
        for other in [
            note.replace("binary", "text"),
            note.replace("yaml", "../x"),
            note.replace("---\nsource", "--- \n---\nsource"),
            note.replace("extension: yaml", "extension: yaml\nextension: other"),
            note.replacen("---\n", "", 1),
            String::new(),
        ] {
            assert!(!is_about(&other, "yaml"), "{other}");
        }
    }

    #[test]
    fn insta_writes_files_of_its_own_kind_only() {
        assert_eq!(snapshot_name("kustomization.snap.yaml").as_deref(), Some("kustomization.yaml"));
        for other in ["expected.yaml", "a.b.snap.yaml", ".snap.yaml", "a.snap.new", "a.snap.new.yaml"] {
            assert_eq!(snapshot_name(other), None, "{other}");
        }
    }
}
