//! Mistakes that people make, and what they are told.

use std::path::Path;

use crate::support::{fixtures, run, stderr};

/// The mistakes, by their directory among the fixtures.
const MISTAKES: &[&str] = &[
    "ambiguous",
    "bad-patch",
    "bad-resource",
    "behavior",
    "component",
    "cycle/a",
    "deep/top",
    "empty",
    "generator",
    "indentation",
    "json-patch",
    "missing-file",
    "no-name",
    "no-target",
    "nothing",
    "outside",
    "replacement",
    "twice",
    "unknown-field",
    "var",
];

/// What is said of one of the fixtures; paths are shown as seen from there.
fn said(directory: &str) -> String {
    let output = run(&["build", directory]);
    assert_eq!(output.status.code(), Some(1), "{directory}");
    assert!(output.stdout.is_empty(), "{directory}");
    stderr(&output).replace(fixtures().to_str().unwrap(), "FIXTURES")
}

#[test]
fn what_people_are_told() {
    for mistake in MISTAKES {
        insta::assert_snapshot!(mistake.replace('/', "-"), said(&format!("mistakes/{mistake}")));
    }
    insta::assert_snapshot!("overlay", said("apps/overlays/broken"));
}

#[test]
fn no_mistake_is_forgotten() {
    for entry in fixtures().join("mistakes").read_dir().unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = MISTAKES.iter().any(|mistake| Path::new(mistake).starts_with(&name));
        assert!(known || name == "ok", "{name}");
    }
}
