//! `kustomize-rs diff`.

use crate::support::{run, stderr};
use crate::workplace::Workplace;

/// A Secret with a value.
fn secret(value: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  password: {value}\n")
}

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
fn a_directory_does_not_take_the_place_of_a_revision() {
    let place = Workplace::with_apps();
    place.commit_all();
    place.write("HEAD:apps/overlays/production/kustomization.yaml", "namePrefix: other-\n");
    let output = place.run(&["diff", "HEAD:apps/overlays/production", PRODUCTION]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("give the former as ./HEAD:apps/overlays/production"),
        "{}",
        stderr(&output)
    );
    let output = place.run(&["diff", "./HEAD:apps/overlays/production", PRODUCTION]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    // What is no revision is a directory still.
    place.write("a:b/kustomization.yaml", "namePrefix: other-\n");
    let output = place.run(&["diff", "a:b", PRODUCTION]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
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
        ("HEAD:nowhere", "there is no directory \"nowhere\" at revision HEAD\n"),
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

#[test]
fn passwords_in_urls_are_hidden() {
    let place = Workplace::new();
    place.write("up/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("up/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n");
    place.git(&["init", "--quiet", "up"]);
    place.git(&["-C", "up", "add", "."]);
    place.git(&["-C", "up", "commit", "--quiet", "--message=x"]);
    let url = format!("file://me:hunter2@localhost{}", place.path("up").display());
    let other = |password: &str| {
        let data = format!("data: {{url: 'https://me:{password}@example.com'}}");
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n{data}\n")
    };
    place.write("old.yaml", &other("hunter3"));
    place.write("new.yaml", &other("hunter4"));
    for style in [
        &["--diff=text"][..],
        &["--diff=text", "--format=markdown"],
        &["--format=markdown"],
        &[],
        &["--format=json"],
    ] {
        for sides in [[url.as_str(), "old.yaml"], ["old.yaml", &url], ["old.yaml", "new.yaml"]] {
            let text = told(&place, &[&["diff"], style, &sides].concat(), 1);
            assert!(!text.contains("hunter"), "{style:?} {sides:?}: {text}");
        }
        let text = told(&place, &[&["diff", "--show-secrets"], style, &["old.yaml", "new.yaml"]].concat(), 1);
        assert!(text.contains("hunter3"), "{style:?}: {text}");
    }
    let text = told(&place, &["diff", "--diff=text", &url, "old.yaml"], 1);
    assert!(text.starts_with("--- file://me:***@localhost"), "{text}");
}

#[test]
fn values_of_secrets_are_hidden() {
    let place = Workplace::new();
    place.write("old.yaml", &secret("hunter2"));
    place.write("new.yaml", &secret("hunter3"));
    for arguments in [
        &["--diff=fields"][..],
        &["--diff=text"],
        &["--format=json"],
        &["--format=markdown"],
        &["--format=markdown", "--diff=text"],
    ] {
        let all = [&["diff", "old.yaml", "new.yaml"], arguments].concat();
        let hidden = told(&place, &all, 1);
        assert!(hidden.contains("*** (before)") && !hidden.contains("hunter"), "{hidden}");
        let shown = told(&place, &[&all[..], &["--show-secrets"]].concat(), 1);
        assert!(shown.contains("hunter2") && shown.contains("hunter3"), "{shown}");
    }
    // What is not YAML may be anything.
    place.write("broken.yaml", "password: [hunter2\n\n");
    let output = place.run(&["diff", "--diff=text", "broken.yaml", "new.yaml"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn only_the_writing_of_a_secret_differs() {
    let place = Workplace::new();
    place.write("old.yaml", &secret("hunter2"));
    place.write("new.yaml", &secret("'hunter2'"));
    let text = told(&place, &["diff", "--diff=text", "old.yaml", "new.yaml"], 1);
    assert!(text.contains("only how Secrets are written differs"), "{text}");
}

#[test]
fn resources_come_on_standard_input_and_through_pipes() {
    use std::io::Write;
    use std::process::Stdio;

    let place = Workplace::with_apps();
    let golden = place.read("apps/overlays/production/kustomization.snap.yaml");
    let piped = |arguments: &[&str], text: &str| {
        let mut command = crate::support::program(arguments);
        command
            .current_dir(place.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut program = command.spawn().unwrap();
        // Where it refuses its arguments, it ends without reading.
        let _ = program.stdin.take().unwrap().write_all(text.as_bytes());
        program.wait_with_output().unwrap()
    };
    for input in ["-", "/dev/stdin"] {
        if input != "-" && cfg!(not(unix)) {
            continue;
        }
        let same = piped(&["diff", input, PRODUCTION], &golden);
        assert_eq!(same.status.code(), Some(0), "{}", stderr(&same));
        let other = piped(&["diff", PRODUCTION, input], &golden.replace("kind: Namespace", "kind: Project"));
        assert_eq!(other.status.code(), Some(1), "{}", stderr(&other));
        let text = String::from_utf8(other.stdout).unwrap();
        assert_eq!(text, "added Project production\nremoved Namespace production\n");
    }
    let both = piped(&["diff", "-", "-"], &golden);
    assert_eq!(both.status.code(), Some(2));
    assert!(stderr(&both).contains("standard input cannot be both sides"), "{}", stderr(&both));
}

#[cfg(target_os = "linux")]
#[test]
fn bash_substitutes_processes() {
    let place = Workplace::with_apps();
    let line = format!(
        "\"$0\" diff <(sed s/nginx:/caddy:/ {PRODUCTION}/kustomization.snap.yaml) \
         <(cat {PRODUCTION}/kustomization.snap.yaml)"
    );
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", &line, env!("CARGO_BIN_EXE_kustomize-rs")]).current_dir(place.path(""));
    let output = bash.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("image: caddy:"), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn pipes_of_a_repository_are_not_waited_for() {
    let place = Workplace::with_apps();
    let pipe = |name: &str| {
        let made = std::process::Command::new("mkfifo").arg(place.path(name)).status().unwrap();
        assert!(made.success());
    };
    pipe("pipe");
    std::fs::create_dir(place.path("app")).unwrap();
    pipe("app/kustomization.yaml");
    std::os::unix::fs::symlink("pipe", place.path("link")).unwrap();
    for side in ["pipe", "./pipe", "link", "app", "app/kustomization.yaml", "/dev/zero"] {
        for sides in [[side, PRODUCTION], [PRODUCTION, side]] {
            let output = place.run(&["diff", sides[0], sides[1]]);
            assert_eq!(output.status.code(), Some(2), "{side}: {}", stderr(&output));
        }
    }
    assert!(stderr(&place.run(&["diff", "pipe", PRODUCTION])).contains("is a device, socket or pipe"));
    let golden = format!("{PRODUCTION}/kustomization.snap.yaml");
    told(&place, &["diff", "/dev/null", &golden], 1);
}

#[test]
fn lists_give_way_to_their_items() {
    let place = Workplace::new();
    let pod = |name: &str| format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n");
    place.write("plain.yaml", &format!("{}---\n{}", pod("a"), pod("b")));
    let item = |name: &str| format!("- {}", pod(name).trim_end().replace('\n', "\n  "));
    place.write("list.yaml", &format!("apiVersion: v1\nkind: List\nitems:\n{}\n{}\n", item("a"), item("b")));
    assert_eq!(told(&place, &["diff", "plain.yaml", "list.yaml"], 0), "");
}

#[test]
fn differences_are_written_for_programs_and_pull_requests() {
    let place = Workplace::with_apps();
    let sides = ["diff", "apps/overlays/staging", PRODUCTION];
    let json = told(&place, &[&sides[..], &["--format=json"]].concat(), 1);
    let markdown = told(&place, &[&sides[..], &["--format=markdown"]].concat(), 1);
    insta::assert_snapshot!("as_json", json);
    insta::assert_snapshot!("as_markdown", markdown);
    let same = ["diff", PRODUCTION, PRODUCTION];
    let json = told(&place, &[&same[..], &["--format=json"]].concat(), 0);
    assert_eq!(json.split_whitespace().collect::<String>(), "{\"resources\":[],\"reordered\":false}");
    let markdown = told(&place, &[&same[..], &["--format=markdown"]].concat(), 0);
    assert_eq!(markdown, format!("`{PRODUCTION}` and `{PRODUCTION}` are the same.\n"));
    let refused = place.run(&[&sides[..], &["--format=json", "--diff=text"]].concat());
    assert_eq!(refused.status.code(), Some(2));
}
