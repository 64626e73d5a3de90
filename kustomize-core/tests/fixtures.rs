//! The overlays in `fixtures/`, against what kustomize makes of them (`cargo xtask goldens`).

#![allow(clippy::unwrap_used)] // a test that unwraps in vain has failed
#![allow(clippy::disallowed_methods, reason = "tests read their fixtures")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kustomize_core::{BuildOptions, build};
use kustomize_golden::{Layout, Outcome, Sessions, check_all, discover};
use kustomize_host::OsHost;

fn fixtures() -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").canonicalize().unwrap();
    OsHost::path(&fixtures).unwrap()
}

#[test]
fn fixtures_render_as_kustomize_renders_them() {
    let (host, options) = (OsHost::new(), BuildOptions::default());
    let layout = Layout::find(&host, &fixtures()).unwrap();
    let cases = discover(&host, &layout, &[&fixtures()]).unwrap();
    let mut sessions = Sessions::new(&host, options);
    assert!(cases.len() > 20, "{cases:?}");
    let mut wrong = Vec::new();
    for (case, outcome) in cases.iter().zip(check_all(&mut sessions, &cases, |_, _| {})) {
        match outcome {
            Outcome::Equal => {}
            Outcome::Different(mismatch) => {
                let difference = mismatch.difference().unwrap();
                wrong.push(format!("{} differs\n{difference}{}", case.overlay, mismatch.actual));
            }
            Outcome::Failed(error) => wrong.push(format!("{} is refused: {error}", case.overlay)),
            other => wrong.push(format!("{}: {other:?}", case.overlay)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_kustomize_refuses_is_refused() {
    let host = OsHost::new();
    let layout = Layout::find(&host, &fixtures()).unwrap();
    assert!(layout.excluded().len() > 20);
    for directory in layout.excluded() {
        let rendered = build(&host, directory, &BuildOptions::default());
        assert!(rendered.and_then(|rendered| rendered.yaml()).is_err(), "{directory}");
    }
}

#[test]
fn every_kustomization_has_a_golden_file_or_is_refused() {
    let layout = Layout::find(&OsHost::new(), &fixtures()).unwrap();
    let mut found = BTreeSet::new();
    collect(Path::new(&fixtures()), &mut found);
    for directory in found {
        let directory = OsHost::path(&directory).unwrap();
        let has_golden = Path::new(&layout.golden_of(&directory).unwrap()).is_file();
        assert!(has_golden != layout.excluded().contains(&directory), "cargo xtask goldens: {directory}");
    }
}

/// Directories with a kustomization that is no component.
fn collect(directory: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in directory.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap_or_default();
        if path.is_dir() {
            collect(&path, found);
        } else if stem.eq_ignore_ascii_case("kustomization")
            && !fs::read_to_string(&path).unwrap().contains("kind: Component")
        {
            found.insert(directory.to_owned());
        }
    }
}
