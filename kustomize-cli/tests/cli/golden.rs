//! `kustomize-rs test`.

use crate::support::{expected, stderr};
use crate::workplace::Workplace;

const STAGING: &str = "apps/overlays/staging/kustomization.snap.yaml";

/// A golden file whose overlay is gone.
const GONE: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: gone\n";

/// What a run prints, which has to end with this status.
pub(crate) fn told(place: &Workplace, arguments: &[&str], status: i32) -> String {
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
    place.write("apps/overlays/gone/kustomization.snap.yaml", GONE);
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
    place.write("apps/overlays/gone/kustomization.snap.yaml", GONE);
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
    for arguments in [
        &["test"][..],
        &["test", "nowhere"],
        &["test", "--frob"],
        &["test", "--diff=colour"],
        &["test", "--golden-dir=."],
    ] {
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

#[test]
fn a_golden_file_that_cannot_be_written_is_in_the_way_of_no_other() {
    let place = Workplace::with_apps();
    let production = "apps/overlays/production/kustomization.snap.yaml";
    std::fs::remove_file(place.path(production)).unwrap();
    std::fs::create_dir(place.path(production)).unwrap();
    place.edit(STAGING, "kind: ", "kind: X");
    let output = place.run(&["test", "--update"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("production/kustomization.snap.yaml: is a directory"));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("\nwritten {STAGING}\n2 overlays: 1 written, 1 unreadable\n")), "{text}");
    assert_eq!(place.read(STAGING), expected("apps/overlays/staging"));
}

#[test]
fn what_cures_an_orphan_is_said() {
    let place = Workplace::with_apps();
    place.write("apps/overlays/gone/kustomization.snap.yaml", GONE);
    let text = told(&place, &["test"], 1);
    assert!(text.ends_with("\nhelp: with --update, golden files without an overlay are removed\n"), "{text}");
}

#[test]
fn only_golden_files_are_removed() {
    let place = Workplace::with_apps();
    place.write("kustomize-golden.yaml", "file: README.md\n");
    place.write("docs/README.md", "# Docs\n");
    place.write("list/README.md", "- a\n");
    place.write("empty/README.md", "");
    place.write("source/README.md", "# By hand\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n");
    place.write("gone/README.md", GONE);
    let text = told(&place, &["test", "--update"], 1);
    assert!(text.contains("has the name of a golden file but does not contain rendered output"), "{text}");
    assert!(text.ends_with("\n7 overlays: 2 written, 1 removed, 4 failed\n"), "{text}");
    for kept in ["docs", "list", "empty", "source"] {
        assert!(place.exists(&format!("{kept}/README.md")), "{kept}");
    }
    assert!(!place.exists("gone/README.md"));
}

/// An overlay with a Secret, whose golden file has another value.
fn with_secret() -> Workplace {
    let place = Workplace::new();
    place.write("kustomization.yaml", "resources: [secret.yaml]\n");
    let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  namespace: prod\nstringData:\n  password: hunter2\n";
    place.write("secret.yaml", secret);
    place.write("kustomization.snap.yaml", &secret.replace("hunter2", "hunter3"));
    place
}

#[test]
fn values_of_secrets_are_hidden() {
    let place = with_secret();
    for style in ["--diff=fields", "--diff=text"] {
        let all = ["test", style, "--junit=report.xml"];
        let hidden = told(&place, &all, 1) + &place.read("report.xml");
        assert!(hidden.contains("*** (before)") && !hidden.contains("hunter"), "{hidden}");
        let shown = told(&place, &[&all[..], &["--show-secrets"]].concat(), 1);
        assert!(shown.contains("hunter2") && shown.contains("hunter3"), "{shown}");
    }
}

#[test]
fn a_golden_file_with_a_secret_is_warned_of_when_it_is_written() {
    let place = with_secret();
    let output = place.run(&["test", "--update"]);
    assert_eq!(output.status.code(), Some(0));
    let said = stderr(&output);
    assert!(
        said.starts_with("warning: kustomization.snap.yaml has the values of Secret prod/s\nhelp: "),
        "{said}"
    );
    // Nothing is written, and nothing said.
    assert_eq!(told(&place, &["test", "--update"], 0), "1 overlay: 1 ok\n");
}

#[test]
fn junit_goes_to_standard_output_alone() {
    let place = Workplace::with_apps();
    place.edit(STAGING, "kind: Deployment", "kind: DaemonSet");
    let output = place.run(&["test", "--junit", "-"]);
    assert_eq!(output.status.code(), Some(1));
    let document = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(document.starts_with("<?xml ") && document.ends_with("</testsuites>\n"), "{document}");
    assert!(stderr(&output).contains("different apps/overlays/staging\n"), "{}", stderr(&output));
    assert!(!place.exists("-"));
}

#[cfg(unix)]
#[test]
fn nothing_that_is_shown_is_a_command_of_continuous_integration() {
    let place = Workplace::new();
    let map = |value: &str| {
        format!(
            "apiVersion: v1\ndata:\n  a: |\n    ::set-output name=a::b\n    {value}\nkind: ConfigMap\nmetadata:\n  name: a\n"
        )
    };
    for directory in ["::error::a", "b\n::error::b", "c##vso[task.setvariable variable=c]d"] {
        place.write(&format!("{directory}/kustomization.yaml"), "resources: [map.yaml]\n");
        place.write(&format!("{directory}/map.yaml"), &map("new ##[group]x"));
        place.write(&format!("{directory}/kustomization.snap.yaml"), &map("old ##vso[x]y"));
    }
    place.write("d\n::error::d/kustomization.yaml", "resources: [\"x\\n::error::y\"]\n");
    let (a, b) = ("./::error::a", "./b\n::error::b/kustomization.snap.yaml");
    for arguments in [
        &["test", "--diff=text"][..],
        &["test"],
        &["test", "--junit=-"],
        &["diff", a, b],
        &["diff", a, b, "--diff=text"],
        &["diff", a, b, "--format=markdown"],
        &["diff", a, b, "--format=json"],
        &["diff", "./d\n::error::d", b],
        &["test", "--update"],
    ] {
        let output = place.run(arguments);
        for text in [String::from_utf8_lossy(&output.stdout).as_ref(), &stderr(&output)] {
            let is_command = |line: &&str| {
                line.trim_start().starts_with("::") || line.contains("##vso[") || line.contains("##[")
            };
            assert_eq!(text.lines().find(is_command), None, "{arguments:?}: {text}");
        }
    }
}
