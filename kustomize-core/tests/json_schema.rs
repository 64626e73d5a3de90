//! The JSON schema of the kustomization file: checked in, current, and satisfied by every fixture.

#![allow(clippy::unwrap_used)] // a test that unwraps in vain has failed
#![allow(clippy::disallowed_methods, reason = "tests read their fixtures")]

use std::path::{Path, PathBuf};

use kustomize_core::kustomization::json_schema;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

#[test]
fn the_schema_in_the_repository_is_current() {
    let path = root().join("kustomize-core/kustomization.schema.json");
    let expected = format!("{:#}\n", json_schema().to_value());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let current = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(current == expected, "{} is out of date: run this test with UPDATE_SCHEMA=1", path.display());
}

fn kustomizations(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            kustomizations(&path, found);
        } else if path.ends_with("kustomization.yaml") {
            found.push(path);
        }
    }
}

/// Fixtures that kustomize accepts and the schema does not.
const BEYOND_THE_SCHEMA: &[&str] = &["fixtures/vars/kustomization.yaml"];

#[test]
fn fixtures_satisfy_the_schema() {
    let validator = jsonschema::validator_for(&json_schema().to_value()).unwrap();
    let root = root();
    let mut files = Vec::new();
    kustomizations(&root.join("fixtures"), &mut files);
    assert!(files.len() > 40, "{}", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let Ok(value) = serde_yaml::from_str::<Value>(&std::fs::read_to_string(&file).unwrap()) else {
            continue;
        };
        // What is wrong in these is not always a matter of the schema.
        let is_mistake = name.starts_with("fixtures/mistakes/") || name.contains("/broken/");
        let is_valid = validator.is_valid(&value);
        if !is_mistake && is_valid == BEYOND_THE_SCHEMA.contains(&name.as_str()) {
            let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            wrong.push(format!("{name}: {}", errors.join("; ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_schema_refuses_mistakes() {
    let validator = jsonschema::validator_for(&json_schema().to_value()).unwrap();
    for (text, is_valid) in [
        ("resources: [a.yaml]", true),
        ("resource: [a.yaml]", false),
        ("images: [{name: nginx, newTag: '1.30'}]", true),
        ("images: [{name: nginx, newTag: 1.30}]", false),
        ("labels: [{pairs: {a: b}, images: []}]", false),
    ] {
        let value: Value = serde_yaml::from_str(text).unwrap();
        assert_eq!(validator.is_valid(&value), is_valid, "{text}");
    }
}
