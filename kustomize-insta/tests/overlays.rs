//! The macro at work: on the repository's fixtures, and on overlays that changed, in test processes
//! of their own.

#![allow(clippy::unwrap_used)] // a test that unwraps in vain has failed

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use kustomize_insta::assert_overlay;

/// The variable that names the overlay of [`child`].
const OVERLAY: &str = "KUSTOMIZE_INSTA_TEST_OVERLAY";

#[test]
fn fixtures_render_as_kustomize_renders_them() {
    for fixture in ["apps/base", "apps/overlays/production", "components/full", "diamond/top", "vars"] {
        assert_overlay!(format!("../fixtures/{fixture}"));
    }
}

/// What the other tests run in a process of its own; by itself it does nothing.
#[test]
fn child() {
    if let Some(overlay) = std::env::var_os(OVERLAY) {
        assert_overlay!(Path::new(&overlay));
    }
}

/// An overlay whose golden file has this content.
fn overlay(golden: Option<&str>) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write("kustomization.yaml", "namePrefix: my-\nresources: [pod.yaml]\n");
    write("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n");
    if let Some(golden) = golden {
        write("kustomization.snap.yaml", golden);
    }
    directory
}

/// What kustomize makes of it.
const EXPECTED: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: my-web\n";

/// Runs the macro on an overlay in a process of its own.
fn run(overlay: &Path, update: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env(OVERLAY, overlay);
    command.env("INSTA_UPDATE", update).env_remove("INSTA_FORCE_PASS").env_remove("CI").output().unwrap()
}

/// The files of an overlay, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn golden(directory: &Path) -> String {
    fs::read_to_string(directory.join("kustomization.snap.yaml")).unwrap()
}

#[test]
fn what_is_as_expected_passes_without_a_trace() {
    let directory = overlay(Some(EXPECTED));
    assert!(run(directory.path(), "always").status.success());
    assert_eq!(names(directory.path()), ["kustomization.snap.yaml", "kustomization.yaml", "pod.yaml"]);
}

#[test]
fn what_differs_fails_by_resource_and_field_and_writes_nothing() {
    let directory = overlay(Some("apiVersion: v1\nkind: Pod\nmetadata:\n  labels: {a: b}\n  name: my-web\n"));
    let output = run(directory.path(), "no");
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("changed Pod my-web\n    - metadata.labels: {a: b}\n"), "{said}");
    assert_eq!(names(directory.path()), ["kustomization.snap.yaml", "kustomization.yaml", "pod.yaml"]);
    assert!(golden(directory.path()).contains("labels"));
}

#[test]
fn insta_keeps_it_for_review() {
    let directory = overlay(None);
    let output = run(directory.path(), "new");
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("has no golden file"), "{said}");
    let wanted = ["kustomization.snap.new", "kustomization.snap.new.yaml", "kustomization.yaml", "pod.yaml"];
    assert_eq!(names(directory.path()), wanted);
}

#[test]
fn what_was_kept_for_review_goes_when_all_is_well_again() {
    let directory = overlay(Some(EXPECTED));
    let pod = directory.path().join("pod.yaml");
    let right = fs::read_to_string(&pod).unwrap();
    fs::write(&pod, right.replace("web", "wrong")).unwrap();
    assert!(!run(directory.path(), "new").status.success());
    assert_eq!(names(directory.path()).len(), 5);
    fs::write(&pod, right).unwrap();
    assert!(run(directory.path(), "new").status.success());
    assert_eq!(names(directory.path()), ["kustomization.snap.yaml", "kustomization.yaml", "pod.yaml"]);
}

#[test]
fn insta_accepts_by_writing_the_golden_file() {
    for before in [None, Some("apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n"), Some("no: [yaml")] {
        let directory = overlay(before);
        run(directory.path(), "always");
        assert_eq!(golden(directory.path()), EXPECTED);
        assert!(run(directory.path(), "no").status.success());
        // With insta's own notes beside it, and without.
        fs::remove_file(directory.path().join("kustomization.snap")).unwrap();
        assert!(run(directory.path(), "no").status.success());
    }
}

#[test]
fn files_that_insta_cannot_write_are_compared_all_the_same() {
    let directory = overlay(Some(EXPECTED));
    fs::write(directory.path().join("kustomize-golden.yaml"), "file: expected.yaml\n").unwrap();
    let output = run(directory.path(), "always");
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("has no golden file") && said.contains("kustomize-rs test --update"), "{said}");
    fs::write(directory.path().join("expected.yaml"), EXPECTED).unwrap();
    assert!(run(directory.path(), "no").status.success());
}

#[test]
fn what_does_not_render_fails_with_its_place() {
    let directory = overlay(Some(EXPECTED));
    fs::remove_file(directory.path().join("pod.yaml")).unwrap();
    let output = run(directory.path(), "always");
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("does not render") && said.contains("kustomization.yaml:2:13"), "{said}");
    assert_eq!(golden(directory.path()), EXPECTED);
}

#[cfg(unix)]
#[test]
fn names_of_golden_files_are_no_lines_of_their_own() {
    let directory = overlay(None);
    fs::create_dir(directory.path().join(".git")).unwrap();
    let configuration = "directory: \"g\\n::error::x\"\n";
    fs::write(directory.path().join("kustomize-golden.yaml"), configuration).unwrap();
    let output = run(directory.path(), "no");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("::error::x"), "{said}");
    assert!(!said.lines().any(|line| line.trim_start().starts_with("::")), "{said}");
}

#[test]
fn insta_prints_no_commands() {
    // A text snapshot of insta's, and the name of a directory.
    for (name, note) in [("o", "---\nsource: x\n---\n##vso[task.complete]x\n"), ("##vso[task.complete]x", "")]
    {
        let directory = overlay(Some(EXPECTED));
        let place = directory.path().join(name);
        fs::create_dir(&place).unwrap();
        if !note.is_empty() {
            fs::write(place.join("kustomization.snap"), note).unwrap();
        }
        let base = directory.path().join("base");
        fs::create_dir(&base).unwrap();
        for file in ["kustomization.yaml", "pod.yaml"] {
            fs::rename(directory.path().join(file), base.join(file)).unwrap();
        }
        fs::write(place.join("kustomization.yaml"), "resources: [../base]\n").unwrap();
        let output = run(&place, "no");
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        assert!(!output.status.success() && !said.contains("##vso["), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn nothing_is_read_or_written_through_links() {
    use std::os::unix::fs::symlink;
    let victim = tempfile::tempdir().unwrap();
    let secret = victim.path().join("secret");
    fs::write(&secret, "PASSWORD: hunter2\n").unwrap();
    for name in [
        "kustomization.snap.yaml",
        "kustomization.snap",
        "kustomization.snap.new",
        "kustomization.snap.new.yaml",
    ] {
        for update in ["always", "new", "no"] {
            let directory = overlay(None);
            symlink(&secret, directory.path().join(name)).unwrap();
            let output = run(directory.path(), update);
            assert!(!output.status.success(), "{name} {update}");
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.contains("is a link") && !said.contains("hunter2"), "{name} {update}: {said}");
            assert_eq!(fs::read_to_string(&secret).unwrap(), "PASSWORD: hunter2\n", "{name} {update}");
        }
    }
    // Notes of insta that name another file, which would be read for ever.
    for update in ["always", "new", "no"] {
        let directory = overlay(None);
        let notes = "---\nsource: a.rs\nexpression: b\nextension: other\nsnapshot_kind: binary\n---\n";
        fs::write(directory.path().join("kustomization.snap"), notes).unwrap();
        symlink("/dev/zero", directory.path().join("kustomization.snap.other")).unwrap();
        let output = run(directory.path(), update);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains("is a link"), "{said}");
    }
}
