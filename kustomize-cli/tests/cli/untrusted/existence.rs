//! Messages do not tell what exists outside of the repository.

use std::fs;
use std::os::unix::fs::symlink;

use super::{POD, SECRET, repository};
use crate::support::stderr;
use crate::workplace::Workplace;

#[test]
fn what_is_found_does_not_tell_of_files_elsewhere() {
    let place = repository();
    place.write("victim/k.yaml", "resources: [../o]\n");
    place.write("repo/.git/k.yaml", "resources: [../o]\n");
    fs::create_dir(place.path("repo/k")).unwrap();
    for target in ["../../victim/k.yaml", "../.git/k.yaml"] {
        let link = place.path("repo/k/kustomization.yaml");
        symlink(target, &link).unwrap();
        // The overlay in `o` is found although that file names it.
        let output = place.run_in("repo", &["test"]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("2 overlays: 1 missing, 1 failed"), "{text}");
        fs::remove_file(link).unwrap();
    }
}

#[test]
fn what_is_refused_does_not_tell_of_files_elsewhere() {
    let place = repository();
    // What is there and what is not must look the same.
    place.write("victim/presence/kustomization.yaml", "resources: []\n");
    place.write("victim/presence.yaml", "resources: []\n");
    fs::create_dir_all(place.path("repo/k")).unwrap();
    let seen = |name: &str, link: Option<&str>, kustomization: &str| {
        let link = link.map(|link| place.path(link));
        if let Some(link) = &link {
            symlink(place.path("victim").join(name), link).unwrap();
        }
        place.write("repo/o/kustomization.yaml", kustomization);
        let output = place.run_in("repo", &["test"]);
        if let Some(link) = link {
            fs::remove_file(link).unwrap();
        }
        format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output))
    };
    let elsewhere = place.path("victim").display().to_string();
    for end in ["", ".yaml"] {
        for (link, kustomization) in [
            (Some("repo/k/kustomization.yaml"), "resources: [pod.yaml]\n"),
            (Some("repo/k/kustomization.snap.yaml"), "resources: [pod.yaml]\n"),
            (Some("repo/kustomize-golden.yaml"), "resources: [pod.yaml]\n"),
            (Some("repo/o/link"), "resources: [link]\n"),
            (Some("repo/o/link"), "resources: [link/kustomization.yaml]\n"),
            (Some("repo/link"), "resources: [../link]\n"),
            (Some("repo/o/link"), "configMapGenerator: [{name: a, files: [link]}]\n"),
            (Some("repo/o/link"), "patches: [{path: link}]\n"),
            (None, "resources: [../../victim/NAME]\n"),
            (None, "resources: [ELSEWHERE/NAME]\n"),
            (None, "configMapGenerator: [{name: a, envs: [ELSEWHERE/NAME]}]\n"),
            (None, "components: [../../victim/NAME]\n"),
        ] {
            let texts = ["presence", "nowhere0"].map(|name| {
                let name = format!("{name}{end}");
                let kustomization = kustomization.replace("NAME", &name).replace("ELSEWHERE", &elsewhere);
                let text = seen(&name, link, &kustomization);
                text.replace(&name, "NAME")
                    .lines()
                    .filter(|line| !line.contains("^^"))
                    .collect::<Vec<_>>()
                    .join("\n")
            });
            assert_eq!(texts[0], texts[1], "{link:?} {kustomization}");
            assert!(!texts[0].contains(" ok"), "{}", texts[0]);
        }
    }
}

#[test]
fn links_to_nothing_look_like_links_out_of_the_repository() {
    // What is there and what is not must look the same.
    let told = |prepare: &dyn Fn(&Workplace, &str), arguments: &[&str], update: bool| {
        let texts = ["presence", "nowhere0"].map(|name| {
            let place = repository();
            place.write("victim/presence/kustomization.yaml", "resources: [pod.yaml]\n");
            place.write("victim/presence/pod.yaml", POD);
            place.write("victim/presence/secret.txt", SECRET);
            prepare(&place, name);
            let before = place.files();
            let output = place.run_in("repo", arguments);
            if !update {
                assert!(place.files() == before, "{arguments:?} wrote something");
            }
            let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
            let top = place.path("").display().to_string();
            (output.status.code(), text.replace(&top, "/").replace(name, "NAME"))
        });
        assert_eq!(texts[0], texts[1], "{arguments:?}");
        assert!(!texts[0].1.contains("hunter2"), "{}", texts[0].1);
        texts[0].1.clone()
    };
    let elsewhere = |place: &Workplace, link: &str, name: &str| {
        let link = place.path(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(place.path("victim").join(name), link).unwrap();
    };
    for arguments in [&["test"][..], &["test", "o"], &["test", "--update"]] {
        for file in ["", "file: secret.txt\n", "file: pod.yaml\n"] {
            let text = told(
                &|place, name| {
                    place.write("repo/kustomize-golden.yaml", &format!("directory: goldens\n{file}"));
                    elsewhere(place, "repo/goldens/o", name);
                },
                arguments,
                false,
            );
            assert!(text.contains("a link leads to the golden file"), "{text}");
            let text = told(
                &|place, name| {
                    place.write("repo/kustomize-golden.yaml", &format!("directory: goldens\n{file}"));
                    elsewhere(place, "repo/goldens", name);
                },
                arguments,
                false,
            );
            assert!(text.contains("leads out of the repository"), "{text}");
        }
    }
    // A golden file whose overlay would be a link.
    told(
        &|place, name| {
            place.write("repo/kustomize-golden.yaml", "directory: goldens\n");
            place.write("repo/goldens/link/kustomization.snap.yaml", POD);
            elsewhere(place, "repo/link", name);
        },
        &["test", "goldens/link/kustomization.snap.yaml"],
        false,
    );
    // Links that are given.
    for arguments in [
        &["test", "link"][..],
        &["test", "o", "link"],
        &["test", "--golden-dir=link", "o"],
        &["test", "o", "--junit=link"],
        &["test", "o", "--junit=link/report.xml"],
        &["diff", "link", "o"],
        &["diff", "link/pod.yaml", "o"],
        &["build", "o", "-o", "link"],
        &["build", "o", "-o", "link/pod.yaml"],
    ] {
        let text = told(&|place, name| elsewhere(place, "repo/link", name), arguments, false);
        assert!(text.contains("leads out of the repository"), "{arguments:?}: {text}");
    }
}

#[test]
fn revisions_do_not_tell_of_directories_elsewhere() {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(elsewhere.path().join("presence")).unwrap();
    let place = Workplace::new();
    place.write("o/kustomization.yaml", "namePrefix: a-\n");
    symlink(elsewhere.path(), place.path("link")).unwrap();
    place.commit_all();
    place.write("later/kustomization.yaml", "namePrefix: a-\n");

    let said = |path: &str| {
        let output = place.run(&["diff", &format!("HEAD:{path}"), "HEAD:o"]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        stderr(&output)
    };
    let missing = |path: &str| format!("error: there is no directory {path:?} at revision HEAD\n");
    for path in ["link", "link/presence", "link/presenc", "link/nowhere"] {
        assert_eq!(said(path), missing(path));
    }
    assert!(said("later").contains("it is there in the working tree"));
}
