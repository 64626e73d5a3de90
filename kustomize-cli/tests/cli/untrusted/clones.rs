//! Repositories of this machine are not cloned.

use super::{POD, SECRET, repository, try_all};
use crate::support::stderr;

#[test]
fn what_is_cloned_does_not_clone_others_from_this_machine() {
    let place = repository();
    place.write("other/kustomization.yaml", "configMapGenerator: [{name: a, files: [secret]}]\n");
    place.write("other/secret", SECRET);
    let url = |name: &str| format!("file://{}", place.path(name).display());
    let base = format!("resources: ['{}']\n", url("other"));
    place.write("given/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("given/pod.yaml", POD);
    place.write("given/evil/kustomization.yaml", &base);
    for name in ["other", "given"] {
        place.git(&["init", "--quiet", name]);
        place.git(&["-C", name, "add", "."]);
        place.git(&["-C", name, "commit", "--quiet", "--message=x"]);
    }
    let evil = format!("{}//evil", url("given"));
    for sides in [[evil.as_str(), "o"], ["o", &evil]] {
        let output = place.run_in("repo", &["diff", sides[0], sides[1]]);
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("which is on this machine, is not allowed"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    // The one that was named is cloned, and no file takes its place.
    let given = url("given");
    place.write(&format!("repo/{given}"), "apiVersion: v1\nkind: Pod\nmetadata: {name: other}\n");
    let output = place.run_in("repo", &["diff", &given, "o"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        stderr(&output)
    );
}

#[test]
fn submodules_of_clones_are_not_cloned_from_this_machine() {
    let place = repository();
    place.write("other/secret", SECRET);
    place.write("up/kustomization.yaml", "configMapGenerator: [{name: a, files: [sub/secret]}]\n");
    for name in ["other", "up"] {
        place.git(&["init", "--quiet", name]);
        if name == "up" {
            let other = place.path("other").display().to_string();
            place.git(&[
                "-c",
                "protocol.file.allow=always",
                "-C",
                "up",
                "submodule",
                "--quiet",
                "add",
                &other,
                "sub",
            ]);
        }
        place.git(&["-C", name, "add", "."]);
        place.git(&["-C", name, "commit", "--quiet", "--message=x"]);
    }
    let url = format!("file://{}", place.path("up").display());
    // As whoever runs the tests may have told git for purposes of their own.
    let always = [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "protocol.file.allow"),
        ("GIT_CONFIG_VALUE_0", "always"),
    ];
    for environment in [&always[..], &[("GIT_ALLOW_PROTOCOL", "file:https:ext")]] {
        let run = |arguments: &[&str]| {
            let mut command = crate::support::program(arguments);
            command.envs(environment.iter().copied()).current_dir(place.path("repo")).output().unwrap()
        };
        let output = run(&["diff", &url, "o"]);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(stderr(&output).contains("transport 'file' not allowed"), "{}", stderr(&output));
        // A build goes by what git allows, as with kustomize.
        let output = run(&["build", &url]);
        assert!(String::from_utf8_lossy(&output.stdout).contains("hunter2"), "{}", stderr(&output));
    }
}

#[test]
fn repositories_of_this_machine_are_not_cloned() {
    let place = repository();
    place.write("other/kustomization.yaml", "configMapGenerator: [{name: a, files: [secret]}]\n");
    place.write("other/secret", SECRET);
    place.git(&["init", "--quiet", "other"]);
    place.git(&["-C", "other", "add", "."]);
    place.git(&["-C", "other", "commit", "--quiet", "--message=x"]);
    for scheme in ["file://", "git::FILE://"] {
        let url = format!("{scheme}{}", place.path("other").display());
        place.write("repo/o/kustomization.yaml", &format!("resources: ['{url}']\n"));
        try_all(&place, &[], "which is on this machine, is not allowed");
    }
}
