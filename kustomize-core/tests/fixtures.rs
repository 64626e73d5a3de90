//! The overlays in `fixtures/`, against what kustomize makes of them (`cargo xtask goldens`).

#![allow(clippy::unwrap_used)] // a test that unwraps in vain has failed
#![allow(clippy::disallowed_methods, reason = "tests read their fixtures")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kustomize_core::host::OsHost;
use kustomize_core::{BuildOptions, build};

/// What stands in the golden file of a fixture that kustomize refuses.
const REFUSED: &str = "# kustomize refuses this\n";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").canonicalize().unwrap()
}

#[test]
fn fixtures_render_as_kustomize_renders_them() {
    let mut wrong = Vec::new();
    for golden in fixtures().join("expected").read_dir().unwrap() {
        let golden = golden.unwrap().path();
        let name = golden.file_stem().unwrap().to_str().unwrap().to_owned();
        let expected = fs::read_to_string(&golden).unwrap();
        let directory = fixtures().join(name.replace('.', "/"));
        let rendered = build(&OsHost::new(), directory.to_str().unwrap(), &BuildOptions::default());
        match rendered.and_then(|rendered| rendered.yaml()) {
            Ok(yaml) if yaml == expected => {}
            Ok(yaml) => wrong.push(format!("{name} renders as\n{yaml}")),
            Err(_) if expected == REFUSED => {}
            Err(error) => wrong.push(format!("{name} is refused: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_kustomization_has_a_golden_file() {
    let mut found = BTreeSet::new();
    collect(&fixtures(), &mut found);
    for directory in found {
        let name = directory.strip_prefix(fixtures()).unwrap().to_str().unwrap().replace('/', ".");
        let golden = fixtures().join(format!("expected/{name}.yaml"));
        assert!(golden.is_file(), "cargo xtask goldens: {name}");
    }
}

/// Directories with a kustomization that is no component.
fn collect(directory: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in directory.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case("kustomization"))
            && !fs::read_to_string(&path).unwrap().contains("kind: Component")
        {
            found.insert(directory.to_owned());
        }
    }
}
