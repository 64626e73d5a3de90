//! What is said of wrong kustomizations: message, location, resource, field, the way there, and help.
//!
//! Each file in `cases/` has the mistakes of one subject, and each snapshot in `snapshots/` what is said
//! of them. A mistake starts with `### name`; its files start with `=== path` and follow each other. The
//! kustomization in the directory `app` is built.

#![allow(clippy::unwrap_used)] // a test that unwraps in vain has failed
#![allow(clippy::disallowed_methods, reason = "tests read their cases")]

use std::fmt::Write;
use std::path::Path;

use kustomize_core::host::MemoryHost;
use kustomize_core::{BuildError, BuildOptions, build};

/// What is said of the mistakes in a file.
fn said_of(cases: &str) -> String {
    let mut said = String::new();
    for case in cases.split("### ").skip(1) {
        let (name, files) = case.split_once('\n').unwrap();
        let files = files.split("=== ").skip(1).map(|file| file.split_once('\n').unwrap());
        let host = MemoryHost::from_iter(files.map(|(path, text)| (format!("/{path}"), text.to_owned())));
        writeln!(said, "### {name}").unwrap();
        match build(&host, "/app", &BuildOptions::default()).and_then(|rendered| rendered.yaml()) {
            Err(error) => {
                writeln!(said, "{}: {error:?}", error.kind().name()).unwrap();
                writeln!(said, "{}", line(&error)).unwrap();
            }
            Ok(text) => panic!("{name} is no mistake:\n{text}"),
        }
    }
    said
}

/// The line that is shown.
fn line(error: &BuildError) -> String {
    error.location().map_or_else(String::new, |location| format!("    | {}\n", location.text))
}

#[test]
fn what_is_said_of_mistakes() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors/cases");
    let mut subjects: Vec<_> = directory
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    subjects.sort();
    for subject in subjects {
        let cases = std::fs::read_to_string(directory.join(&subject)).unwrap();
        insta::assert_snapshot!(subject.trim_end_matches(".txt"), said_of(&cases));
    }
}
