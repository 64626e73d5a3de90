//! `kustomize-rs test`.

use crate::support::{expected, stderr};
use crate::workplace::Workplace;

const STAGING: &str = "apps/overlays/staging/kustomization.snap.yaml";

/// What a run prints, which has to end with this status.
fn told(place: &Workplace, arguments: &[&str], status: i32) -> String {
    let output = place.run(arguments);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(status), "{text}{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    text
}

#[test]
fn overlays_that_render_as_expected_pass() {
    let place = Workplace::with_apps();
    assert_eq!(told(&place, &["test"], 0), "2 overlays: 2 ok\n");
    assert_eq!(told(&place, &["test", "apps/overlays/staging"], 0), "1 overlay: 1 ok\n");
    let here = place.run_in("apps/overlays/staging", &["test"]);
    assert_eq!(String::from_utf8(here.stdout).unwrap(), "1 overlay: 1 ok\n");
}

#[test]
fn the_fixtures_pass() {
    let output = crate::support::run(&["test"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.ends_with(" ok\n"), "{text}");
}

#[test]
fn what_is_wrong_is_shown_by_resource_and_field_and_nothing_is_written() {
    let place = Workplace::with_apps();
    place.edit("apps/overlays/staging/kustomization.snap.yaml", "replicas: ", "replicas: 4");
    place.write("apps/overlays/new/kustomization.yaml", "resources: [../../base]\n");
    place.write(
        "apps/overlays/broken/kustomization.yaml",
        "resources: [../../base]\nimages: [{nmae: nginx}]\n",
    );
    place.write("apps/overlays/gone/kustomization.snap.yaml", "kind: Pod\n");
    let before = place.files();
    insta::assert_snapshot!(told(&place, &["test"], 1));
    assert_eq!(place.files(), before);
}

#[test]
fn a_unified_diff_can_be_had() {
    let place = Workplace::with_apps();
    place.edit(STAGING, "kind: Deployment", "kind: DaemonSet");
    insta::assert_snapshot!(told(&place, &["test", "--diff=text"], 1));
}

#[test]
fn texts_that_mean_the_same_still_differ() {
    let place = Workplace::with_apps();
    place.write(STAGING, &format!("# kept\n{}", place.read(STAGING)));
    let text = told(&place, &["test"], 1);
    assert!(text.contains("the resources are the same, the golden file is written differently"), "{text}");
    place.write(STAGING, "a: [\n");
    let text = told(&place, &["test"], 1);
    assert!(text.contains("error: ") && text.contains("staging/kustomization.snap.yaml:"), "{text}");
}

#[test]
fn update_writes_what_kustomize_prints() {
    let place = Workplace::with_apps();
    std::fs::remove_file(place.path(STAGING)).unwrap();
    let production = "apps/overlays/production/kustomization.snap.yaml";
    place.edit(production, "kind: ", "kind: X");
    place.write("apps/overlays/gone/kustomization.snap.yaml", "kind: Pod\n");
    place.write("apps/overlays/broken/kustomization.yaml", "resources: [nowhere.yaml]\n");
    place.write("apps/overlays/broken/kustomization.snap.yaml", "kept: true\n");
    let text = told(&place, &["test", "--update"], 1);
    assert!(text.contains("\nwritten apps/overlays/production/kustomization.snap.yaml\n"), "{text}");
    assert!(text.ends_with("\n4 overlays: 2 written, 1 removed, 1 failed\n"), "{text}");
    assert_eq!(place.read(STAGING), expected("apps/overlays/staging"));
    assert_eq!(place.read(production), expected("apps/overlays/production"));
    assert!(!place.exists("apps/overlays/gone/kustomization.snap.yaml"));
    assert_eq!(place.read("apps/overlays/broken/kustomization.snap.yaml"), "kept: true\n");
    assert_eq!(
        told(&place, &["test", "apps/overlays/staging", "apps/overlays/production"], 0),
        "2 overlays: 2 ok\n"
    );
}

#[test]
fn golden_files_can_have_a_tree_of_their_own() {
    let place = Workplace::with_apps();
    place.commit_all();
    assert_eq!(told(&place, &["test", "--golden-dir=golden", "apps", "--update"], 0).lines().count(), 3);
    let staging = "golden/apps/overlays/staging/kustomization.snap.yaml";
    assert_eq!(place.read(staging), expected("apps/overlays/staging"));
    std::fs::rename(place.path(staging), place.path("golden/apps/overlays/staging/expected.yaml")).unwrap();
    let production = "golden/apps/overlays/production/";
    std::fs::rename(
        place.path(&format!("{production}kustomization.snap.yaml")),
        place.path(&format!("{production}expected.yaml")),
    )
    .unwrap();
    // The same, said once for all runners.
    place.write("kustomize-golden.yaml", "directory: golden\nfile: expected.yaml\n");
    let here = place.run_in("apps/overlays", &["test"]);
    assert_eq!(String::from_utf8(here.stdout).unwrap(), "2 overlays: 2 ok\n");
    place.write("kustomize-golden.yaml", "folder: golden\n");
    let wrong = place.run(&["test"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("--> kustomize-golden.yaml:1:1"), "{}", stderr(&wrong));
}

#[test]
fn junit_reports_what_the_terminal_shows() {
    let place = Workplace::with_apps();
    place.edit(STAGING, "kind: Deployment", "kind: Dæmon<Set>&");
    place.write("apps/overlays/broken/kustomization.yaml", "resources: [\"no\\ewhere.yaml\"]\n");
    told(&place, &["test", "--junit", "report.xml"], 1);
    let report = place.read("report.xml");
    let time = report.split("time=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(time.parse::<f64>().is_ok(), "{time}");
    insta::assert_snapshot!(report.replace(&format!("time=\"{time}\""), "time=\"…\""));
}

#[test]
fn what_cannot_be_tested_ends_with_status_2() {
    let place = Workplace::new();
    for arguments in [&["test"][..], &["test", "nowhere"], &["test", "--frob"], &["test", "--diff=colour"]] {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn many_overlays_are_rendered_in_order() {
    let place = Workplace::new();
    place.write("base/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("base/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n");
    for number in 0..200 {
        place.write(
            &format!("o{number:03}/kustomization.yaml"),
            &format!("namePrefix: p{number}-\nresources: [../base]\n"),
        );
    }
    let text = told(&place, &["test"], 1);
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("missing ")).collect();
    assert_eq!(names, (0..200).map(|number| format!("o{number:03}")).collect::<Vec<_>>());
    told(&place, &["test", "--update"], 0);
    assert_eq!(
        place.read("o007/kustomization.snap.yaml"),
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p7-a\n"
    );
    assert_eq!(told(&place, &["test"], 0), "200 overlays: 200 ok\n");
}

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
