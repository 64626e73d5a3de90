//! `kustomize-rs test --since REV`.

use crate::golden::told;
use crate::support::stderr;
use crate::workplace::Workplace;

/// What testing the overlays that changed since a revision comes to.
fn since(place: &Workplace, revision: &str) -> String {
    let output = place.run(&["test", "--since", revision]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
    text.lines().find(|line| line.starts_with(|first: char| first.is_ascii_digit())).unwrap().to_owned()
}

#[test]
fn only_what_changed_since_a_revision_is_tested() {
    let place = Workplace::with_apps();
    place.write("other/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("other/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n");
    place.write("other/kustomization.snap.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n");
    place.write(".gitignore", "ignored.yaml\n");
    place.commit_all();
    assert_eq!(since(&place, "HEAD"), "3 overlays: 3 unchanged");

    // Nothing that it is made of.
    place.write("other/README", "new\n");
    place.write("apps/base/README", "new\n");
    assert_eq!(since(&place, "HEAD"), "3 overlays: 3 unchanged");

    // Committed, staged and plain; a base, an overlay, and what stands in a golden file.
    place.write("apps/base/service.yaml", &format!("# remark\n{}", place.read("apps/base/service.yaml")));
    place.commit_all();
    assert_eq!(since(&place, "HEAD"), "3 overlays: 3 unchanged");
    assert_eq!(since(&place, "HEAD~1"), "3 overlays: 2 ok, 1 unchanged");
    place.write("other/pod.yaml", &format!("# remark\n{}", place.read("other/pod.yaml")));
    assert_eq!(since(&place, "HEAD"), "3 overlays: 1 ok, 2 unchanged");
    place.git(&["add", "other/pod.yaml"]);
    assert_eq!(since(&place, "HEAD"), "3 overlays: 1 ok, 2 unchanged");
    place.commit_all();
    place.edit("other/kustomization.snap.yaml", "name: a", "name: b");
    assert_eq!(since(&place, "main"), "3 overlays: 1 different, 2 unchanged");
    place.git(&["checkout", "--quiet", "--", "."]);

    // New and gone: an untracked overlay, a removed file, a removed base.
    place.write("new/kustomization.yaml", "resources: [../other]\n");
    std::fs::remove_file(place.path("other/pod.yaml")).unwrap();
    let text = told(&place, &["test", "--since=HEAD"], 1);
    assert!(text.contains("failed new\n"), "{text}");
    place.git(&["checkout", "--quiet", "--", "."]);
    std::fs::remove_dir_all(place.path("new")).unwrap();
    std::fs::remove_dir_all(place.path("apps/base")).unwrap();
    assert_eq!(since(&place, "HEAD"), "3 overlays: 2 failed, 1 unchanged");
}

#[test]
fn since_needs_a_revision_that_is_there() {
    let place = Workplace::with_apps();
    let outside = place.run(&["test", "--since", "main"]);
    assert_eq!(outside.status.code(), Some(2));
    assert!(stderr(&outside).contains("is in no working tree of a git repository"), "{}", stderr(&outside));
    place.commit_all();
    let unknown = place.run(&["test", "--since", "nowhere"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("unknown revision \"nowhere\""), "{}", stderr(&unknown));
    let option = place.run(&["test", "--since=--output=x"]);
    assert_eq!(option.status.code(), Some(2));
    assert!(!place.exists("x"));
}

#[test]
fn a_repository_within_the_repository_counts_as_a_whole() {
    let place = Workplace::with_apps();
    place.write("own/base/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("own/base/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n");
    place.write("on-own/kustomization.yaml", "resources: [../own/base]\n");
    place.write("on-own/kustomization.snap.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n");
    let commit_own = || {
        place.git(&["-C", "own", "add", "--all"]);
        place.git(&["-C", "own", "commit", "--quiet", "--message=own"]);
    };
    place.git(&["init", "--quiet", "--initial-branch=main"]);
    place.git(&["-C", "own", "init", "--quiet"]);
    commit_own();
    place.git(&["add", "apps", "on-own"]);
    place.git(&["commit", "--quiet", "--message=all"]);
    // Not tracked: it may be another one than at the revision.
    assert_eq!(since(&place, "HEAD"), "3 overlays: 1 ok, 2 unchanged");

    // A submodule: as it was, with changes of its own, at another commit.
    place.commit_all();
    assert_eq!(since(&place, "HEAD"), "3 overlays: 3 unchanged");
    place.edit("own/base/pod.yaml", "name: a", "name: b");
    assert_eq!(since(&place, "HEAD"), "3 overlays: 1 different, 2 unchanged");
    commit_own();
    assert_eq!(since(&place, "HEAD"), "3 overlays: 1 different, 2 unchanged");
    place.commit_all();
    assert_eq!(since(&place, "HEAD"), "3 overlays: 3 unchanged");
    assert_eq!(since(&place, "HEAD~1"), "3 overlays: 1 different, 2 unchanged");
    std::fs::remove_dir_all(place.path("own")).unwrap();
    assert_eq!(since(&place, "HEAD"), "3 overlays: 1 failed, 2 unchanged");
}

#[cfg(unix)]
#[test]
fn nothing_that_a_submodule_names_is_run() {
    let place = Workplace::with_apps();
    place.write("own/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("own/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n");
    place.write("own/.gitattributes", "* filter=x\n");
    std::os::unix::fs::symlink("pod.yaml", place.path("own/link")).unwrap();
    place.write("on-own/kustomization.yaml", "resources: [../own]\n");
    place.write("on-own/kustomization.snap.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n");
    place.git(&["init", "--quiet", "own"]);
    place.git(&["-C", "own", "add", "--all"]);
    place.git(&["-C", "own", "commit", "--quiet", "--message=own"]);
    place.commit_all();
    let ran = place.path("ran");
    let program = format!("touch {}; cat", ran.display());
    for name in ["filter.x.clean", "filter.x.process", "core.fsmonitor", "core.sshCommand", "core.pager"] {
        place.git(&["-C", "own", "config", name, &program]);
    }
    for (text, wanted) in [
        ("metadata: {name: a}", "3 overlays: 3 unchanged"),
        ("metadata: {name: a} #", "3 overlays: 1 ok, 2 unchanged"),
        // As long as it was.
        ("metadata: {name: b}", "3 overlays: 1 different, 2 unchanged"),
    ] {
        place.write("own/pod.yaml", &format!("apiVersion: v1\nkind: Pod\n{text}\n"));
        assert_eq!(since(&place, "HEAD"), wanted);
        assert!(!ran.exists(), "{text}: a program ran");
    }
    // Objects that are missing are not fetched.
    for (name, value) in [
        ("remote.origin.url", format!("ext::sh -c {program:?}")),
        ("remote.origin.promisor", "true".to_owned()),
        ("protocol.ext.allow", "always".to_owned()),
        ("extensions.partialClone", "origin".to_owned()),
        ("core.repositoryFormatVersion", "1".to_owned()),
    ] {
        place.git(&["-C", "own", "config", name, &value]);
    }
    std::fs::rename(place.path("own/.git/objects"), place.path("own/.git/gone")).unwrap();
    std::fs::create_dir(place.path("own/.git/objects")).unwrap();
    assert_eq!(since(&place, "HEAD"), "3 overlays: 1 different, 2 unchanged");
    assert!(!ran.exists(), "a program ran to fetch");
}

#[test]
fn the_repository_is_that_of_the_overlays_whatever_git_was_told() {
    let place = Workplace::with_apps();
    place.commit_all();
    place.edit("apps/base/service.yaml", "kind: Service", "kind:  Service");
    for (name, value) in [("GIT_DIR", "../.git"), ("GIT_INDEX_FILE", "nothing"), ("GIT_WORK_TREE", "..")] {
        let mut command = crate::support::program(&["test", "--since=HEAD", "."]);
        let output = command.env(name, value).current_dir(place.path("apps")).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(text, "2 overlays: 2 ok\n", "{name}: {}", stderr(&output));
    }
}

#[test]
fn overlays_outside_of_the_repository_are_tested_whatever_changed() {
    let (place, other) = (Workplace::with_apps(), Workplace::with_apps());
    place.commit_all();
    let other = other.path("apps/overlays/staging");
    let text = told(&place, &["test", "apps", other.to_str().unwrap(), "--since=HEAD"], 0);
    assert_eq!(text, "3 overlays: 1 ok, 2 unchanged\n");
}

#[cfg(unix)]
#[test]
fn what_a_link_points_at_counts() {
    let place = Workplace::new();
    place.write("o/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("o/files/real.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n");
    place.write("o/kustomization.snap.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n");
    std::os::unix::fs::symlink("files/real.yaml", place.path("o/pod.yaml")).unwrap();
    place.commit_all();
    place.edit("o/files/real.yaml", "name: a", "name: b");
    assert_eq!(since(&place, "HEAD"), "1 overlay: 1 different");
}

#[test]
fn a_change_of_where_golden_files_stand_counts() {
    let place = Workplace::with_apps();
    place.write("kustomize-golden.yaml", "exclude: []\n");
    place.commit_all();
    assert_eq!(since(&place, "HEAD"), "2 overlays: 2 unchanged");
    place.write("kustomize-golden.yaml", "file: expected.yaml\n");
    assert_eq!(since(&place, "HEAD"), "2 overlays: 2 missing");
}

#[test]
fn files_that_git_does_not_look_at_count() {
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        let place = Workplace::with_apps();
        place.commit_all();
        let base = "apps/base/service.yaml";
        let staging = "apps/overlays/staging/kustomization.snap.yaml";
        place.git(&["update-index", flag, base, staging]);
        assert_eq!(since(&place, "HEAD"), "2 overlays: 2 unchanged", "{flag}");
        place.write(staging, &place.read(staging).replace("kind: Deployment", "kind: DaemonSet"));
        assert_eq!(since(&place, "HEAD"), "2 overlays: 1 different, 1 unchanged", "{flag}");
        std::fs::remove_file(place.path(base)).unwrap();
        assert_eq!(since(&place, "HEAD"), "2 overlays: 2 failed", "{flag}");
    }
}
