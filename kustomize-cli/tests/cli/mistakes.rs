//! Mistakes that people make, and what they are told.

use std::fs;
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
    "helm",
    "indentation",
    "json-patch",
    "listed-twice",
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

/// Kustomizations each of which is built on the next; what is said of the first.
fn chain(levels: usize, field: &str, kind: &str) -> (Option<i32>, String) {
    let directory = tempfile::tempdir().unwrap();
    for level in 0..levels {
        let base = directory.path().join(level.to_string());
        fs::create_dir(&base).unwrap();
        let kind = if level == 0 { "" } else { kind };
        let rest = match level + 1 {
            next if next == levels => "namePrefix: a-".to_owned(),
            next => format!("{field}: [../{next}]"),
        };
        fs::write(base.join("kustomization.yaml"), format!("{kind}{rest}\n")).unwrap();
    }
    let output = run(&["build", directory.path().join("0").to_str().unwrap()]);
    (output.status.code(), stderr(&output))
}

#[test]
fn bases_without_end() {
    let component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n";
    for (field, kind) in [("resources", ""), ("components", component)] {
        let (status, said) = chain(100, field, kind);
        assert_eq!(status, Some(0), "{said}");
        let (status, said) = chain(300, field, kind);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("more than 100 levels deep"), "{said}");
        assert!(said.contains("more steps") && said.lines().count() < 30, "{said}");
    }
}

#[test]
fn a_line_is_not_repeated_however_long() {
    let directory = tempfile::tempdir().unwrap();
    let text = format!("resources: [{}]\n", "x".repeat(1 << 20));
    fs::write(directory.path().join("kustomization.yaml"), text).unwrap();
    let output = run(&["build", directory.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.len() < 5000, "{} bytes", output.stderr.len());
}

#[test]
fn what_was_meant_is_suggested_as_it_would_be_written() {
    for (target, help) in [
        ("apps/base/deployment.yaml", "name a directory: did you mean 'apps/base'?"),
        ("apps/base/kustomization.yaml", "name the directory that holds it: 'apps/base'"),
        ("../README.md", "name a directory that has a kustomization.yaml"),
        ("apps/overlays/produktion", "did you mean 'apps/overlays/production'?"),
        ("aps/overlays/production", "did you mean 'apps/overlays/production'?"),
        ("apps/overlays", "these directories in it have one: broken, production, staging"),
    ] {
        let said = said(target);
        assert!(said.ends_with(&format!("help: {help}\n")), "{target}: {said}");
    }
}

#[test]
fn passwords_in_urls_are_not_shown() {
    let place = crate::workplace::Workplace::new();
    place.write("kustomization.yaml", "resources: ['https://me:hunter2@127.0.0.1:1/a.git']\n");
    let output = place.run(&["build"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("https://me:***@127.0.0.1:1/a.git") && !said.contains("hunter2"), "{said}");
}
