//! `kustomize-rs diff`.

use crate::support::{run, stderr};
use crate::workplace::Workplace;

const PRODUCTION: &str = "apps/overlays/production";

fn told(place: &Workplace, arguments: &[&str], status: i32) -> String {
    let output = place.run(arguments);
    assert_eq!(output.status.code(), Some(status), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn two_overlays_differ_by_resource_and_field() {
    let output = run(&["diff", "apps/overlays/staging", PRODUCTION]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn an_overlay_is_compared_with_itself_at_a_revision() {
    let place = Workplace::with_apps();
    place.commit_all();
    place.git(&["tag", "v1"]);
    assert_eq!(told(&place, &["diff", "v1:apps/overlays/production", PRODUCTION], 0), "");
    place.edit("apps/base/service.yaml", "port: ", "port: 1");
    place.commit_all();
    place.edit("apps/base/service.yaml", "port: ", "port: 2");

    let committed =
        told(&place, &["diff", "v1:apps/overlays/production", "HEAD:apps/overlays/production"], 1);
    let uncommitted = told(&place, &["diff", "HEAD:apps/overlays/production", PRODUCTION], 1);
    insta::assert_snapshot!(format!("{committed}\n{uncommitted}"));

    // As in git: from the top, or with a dot from here.
    let below = place.run_in("apps/overlays", &["diff", "v1:apps/overlays/production", "v1:./production"]);
    assert_eq!(below.status.code(), Some(0), "{}", stderr(&below));
    let text = told(&place, &["diff", "--diff=text", "v1:apps/overlays/production", PRODUCTION], 1);
    assert!(
        text.starts_with("--- v1:apps/overlays/production\n+++ apps/overlays/production\n@@ -"),
        "{text}"
    );
}

#[test]
fn a_revision_is_read_without_writing_anything() {
    let place = Workplace::with_apps();
    place.commit_all();
    place.edit("apps/base/service.yaml", "port: ", "port: 1");
    let before = place.files();
    told(&place, &["diff", "HEAD:apps/overlays/production", PRODUCTION], 1);
    assert_eq!(place.files(), before);
}

#[cfg(unix)]
#[test]
fn links_in_a_revision_are_followed() {
    let place = Workplace::with_apps();
    std::os::unix::fs::symlink("overlays/production", place.path("apps/current")).unwrap();
    std::os::unix::fs::symlink("circle", place.path("apps/circle")).unwrap();
    place.commit_all();
    assert_eq!(told(&place, &["diff", "HEAD:apps/current", PRODUCTION], 0), "");
    let circle = place.run(&["diff", "HEAD:apps/circle", PRODUCTION]);
    assert_eq!(circle.status.code(), Some(2));
}

#[test]
fn a_kept_rendering_is_a_side_too() {
    let place = Workplace::with_apps();
    let golden = "apps/overlays/production/kustomization.snap.yaml";
    assert_eq!(told(&place, &["diff", golden, PRODUCTION], 0), "");
    place.edit(golden, "kind: Namespace", "kind: Project");
    assert_eq!(
        told(&place, &["diff", golden, PRODUCTION], 1),
        "added Namespace production\nremoved Project production\n"
    );
}

#[test]
fn what_is_in_a_submodule_is_not_at_hand() {
    let place = Workplace::with_apps();
    place.write("own/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n");
    place.write("own/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("on-own/kustomization.yaml", "resources: [../own]\n");
    place.git(&["init", "--quiet", "own"]);
    place.git(&["-C", "own", "add", "--all"]);
    place.git(&["-C", "own", "commit", "--quiet", "--message=own"]);
    place.commit_all();
    let output = place.run(&["diff", "HEAD:on-own", "on-own"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("own is a submodule"), "{}", stderr(&output));
}

#[test]
fn what_cannot_be_compared_ends_with_status_2() {
    let place = Workplace::with_apps();
    place.commit_all();
    place.write("apps/base/untracked/kustomization.yaml", "resources: []\n");
    for (side, message) in [
        ("nowhere:apps", "unknown revision \"nowhere\""),
        ("--evil:apps", ""),
        ("HEAD:nowhere", "there is no directory \"nowhere\" at HEAD:"),
        ("HEAD:apps/base/untracked", "there is no directory"),
        ("HEAD:apps", "error: 'HEAD:/apps' has no kustomization file"),
        ("nowhere", ""),
        ("apps/overlays/production/kustomization.yaml", ""),
    ] {
        let output = place.run(&["diff", side, PRODUCTION]);
        assert_eq!(output.status.code(), Some(2), "{side}");
        assert!(output.stdout.is_empty() && stderr(&output).contains(message), "{side}: {}", stderr(&output));
    }
    let help = place.run_in("apps", &["diff", "HEAD:base", "base"]);
    assert!(stderr(&help).contains("write HEAD:./base"), "{}", stderr(&help));
    let outside = Workplace::new().run(&["diff", "HEAD:a", "b"]);
    assert!(stderr(&outside).contains("is in no working tree of a git repository"), "{}", stderr(&outside));
    for (side, help) in [
        ("HEAD:appps", "did you mean HEAD:apps?"),
        ("HEAD:apps/overlays/prodction/", "did you mean HEAD:apps/overlays/production?"),
        ("HEAD:apps/base/service.yaml", "it is a file: name a directory, such as HEAD:apps/base"),
        (
            "HEAD:apps/base/untracked",
            "it is there in the working tree: was it committed later, or not at all?",
        ),
    ] {
        let said = stderr(&place.run(&["diff", side, PRODUCTION]));
        assert!(said.ends_with(&format!("help: {help}\n")), "{side}: {said}");
    }
    let helm = place.run(&["diff", "--enable-helm", "HEAD:apps/base", "apps/base"]);
    assert!(stderr(&helm).contains("cannot be rendered with programs"), "{}", stderr(&helm));
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_are_not_in_the_way() {
    use std::os::unix::ffi::OsStrExt;
    let place = Workplace::with_apps();
    let odd = place.path("").join(std::ffi::OsStr::from_bytes(b"odd-\xff"));
    std::fs::write(&odd, "1").unwrap();
    place.commit_all();
    assert_eq!(told(&place, &["diff", "HEAD:apps/overlays/production", PRODUCTION], 0), "");
    std::fs::write(&odd, "2").unwrap();
    assert_eq!(told(&place, &["test", "--since", "HEAD"], 0), "2 overlays: 2 unchanged\n");
}
