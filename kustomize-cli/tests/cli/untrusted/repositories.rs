//! What is outside of the repository, and what git keeps in it, is neither read nor written.

use std::fs;
use std::os::unix::fs::symlink;

use super::{POD, SECRET, repository, try_all};
use crate::golden::told;
use crate::support::stderr;
use crate::workplace::Workplace;

#[test]
fn overlays_do_not_read_the_repositories_of_others() {
    let place = repository();
    place.write("other/.git/config", SECRET);
    for path in ["other/a", "other/z", "none/a", "none/z", "victim/z"] {
        place.write(&format!("{path}/kustomization.yaml"), "resources: [pod.yaml]\n");
        place.write(&format!("{path}/pod.yaml"), &format!("{POD}  annotations: {{a: hunter2}}\n"));
    }
    for base in ["../../other/a", "../../none/a", "../../other/.git"] {
        place.write("repo/o/kustomization.yaml", &format!("resources: [{base}]\n"));
        for paths in [&["."][..], &["repo", "other", "none"], &["none", "other", "repo"]] {
            let output = place.run_in(".", &[&["test"], paths].concat());
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains("outside of the repository"), "{base} {paths:?}: {text}");
            assert!(text.contains(" 1 failed"), "{base} {paths:?}: {text}");
        }
    }
}

#[test]
fn golden_files_are_not_among_what_git_keeps() {
    let place = repository();
    fs::create_dir(place.path("repo/.git/hooks")).unwrap();
    place.write("repo/.git/hooks/pre-commit", SECRET);
    for (link, directory) in [(".git/hooks", "g"), (".git", "g/hooks"), ("o/../.git", "g")] {
        symlink(link, place.path("repo/g")).unwrap();
        place.write("repo/kustomize-golden.yaml", &format!("directory: {directory}\nfile: pre-commit\n"));
        try_all(&place, &[], "to what git keeps");
        fs::remove_file(place.path("repo/g")).unwrap();
    }
}

#[test]
fn a_directory_that_looks_like_a_repository_is_none() {
    let place = Workplace::new();
    place.write("repo/o/kustomize-golden.yaml", "");
    place.write("repo/o/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("repo/o/pod.yaml", POD);
    place.commit_all();
    // Its own repository, without `.git`: git finds it, and runs what its configuration names.
    fs::rename(place.path(".git"), place.path("old")).unwrap();
    let git = |arguments: &[&str]| {
        let done = std::process::Command::new("git")
            .args(["-c", "user.name=n", "-c", "user.email=e@example.com"])
            .args(arguments)
            .current_dir(place.path("repo/o"))
            .env("GIT_DIR", place.path("repo/o"))
            .env("GIT_WORK_TREE", place.path("repo/o"))
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", stderr(&done));
    };
    git(&["init", "--quiet"]);
    git(&["add", "pod.yaml"]);
    git(&["commit", "--quiet", "--message=x"]);
    git(&["config", "core.bare", "false"]);
    git(&["config", "core.worktree", "."]);
    git(&["config", "filter.x.clean", "touch ../../ran; cat"]);
    place.write("repo/o/.gitattributes", "* filter=x\n");
    place.write("repo/o/pod.yaml", &POD.replace("name: a", "name: b"));
    fs::rename(place.path("old"), place.path(".git")).unwrap();
    for arguments in [&["test", "--since=HEAD", "."][..], &["diff", "HEAD", "."]] {
        let output = place.run_in("repo/o", arguments);
        assert!(!output.status.success(), "{}", stderr(&output));
        assert!(!place.exists("ran"), "{arguments:?} ran a program");
    }
}

#[test]
fn overlays_are_in_the_repository() {
    let place = repository();
    symlink("../victim", place.path("repo/apps")).unwrap();
    try_all(&place, &["apps"], "apps is a link that leads out of the repository");
    let absolute = place.path("repo/apps/new");
    try_all(&place, &[absolute.to_str().unwrap()], "apps is a link that leads out of the repository");
    // Those who mean what it leads to can say so, and links to the repository are theirs.
    symlink("repo", place.path("alias")).unwrap();
    assert_eq!(
        told(&place, &["test", "--update", "alias"], 0),
        "written repo/o/kustomization.snap.yaml\n1 overlay: 1 written\n"
    );
}

#[test]
fn what_is_rendered_is_in_the_repository() {
    let place = repository();
    // Files, so that nothing but the place is in the way.
    place.write("victim/new/secret", SECRET);
    place.write("victim/new/kustomization.yaml", "configMapGenerator: [{name: a, files: [secret]}]\n");
    symlink("../../victim/new", place.path("repo/o/link")).unwrap();
    for (base, wanted) in [
        ("../../victim/new", "victim/new, which is outside of the repository, is not allowed"),
        ("link", "o/link, a link out of the repository, to what git keeps, or to nothing, is not allowed"),
    ] {
        place.write("repo/o/kustomization.yaml", &format!("resources: [{base}]\n"));
        try_all(&place, &[], wanted);
    }
    place.write("repo/kustomization.yaml", "configMapGenerator: [{name: a, files: [.git/config]}]\n");
    try_all(&place, &["."], ".git/config, which git keeps for itself, is not allowed");
    // Whoever trusts what is rendered can say so.
    let trusted = ["test", "--diff=text", "--load-restrictor=LoadRestrictionsNone", "o"];
    let output = place.run_in("repo", &trusted);
    assert!(String::from_utf8_lossy(&output.stdout).contains("missing o"), "{}", stderr(&output));
}

#[test]
fn what_is_compared_is_in_the_repository() {
    let place = Workplace::new();
    place.write("victim/kustomization.yaml", "configMapGenerator: [{name: a, files: [secret]}]\n");
    place.write("victim/secret", SECRET);
    place.write("repo/pod.yaml", POD);
    place.write("repo/o/kustomization.yaml", "resources: [../../victim]\n");
    symlink("../../victim", place.path("repo/o/link")).unwrap();
    place.write("repo/p/kustomization.yaml", "resources: [../o/link]\n");
    place.write("repo/kustomization.yaml", "configMapGenerator: [{name: a, files: [.git/config]}]\n");
    place.git(&["init", "--quiet", "repo"]);
    place.git(&["-C", "repo", "config", "a.b", "hunter2"]);
    place.git(&["-C", "repo", "add", "o", "p"]);
    place.git(&["-C", "repo", "commit", "--quiet", "--message=x"]);
    for directory in ["o", "p", "."] {
        let output = place.run_in("repo", &["diff", directory, "pod.yaml"]);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(stderr(&output).contains("is not allowed"), "{}", stderr(&output));
    }
    // At a revision, directories of the machine may be named from its root.
    let victim = place.path("victim");
    let climbing = format!("resources: ['../..{}']\n", victim.display());
    place.write("repo/q/kustomization.yaml", &climbing);
    symlink(&victim, place.path("repo/q/link")).unwrap();
    place.write("repo/r/kustomization.yaml", "resources: [../q/link]\n");
    place.git(&["-C", "repo", "add", "q", "r"]);
    place.git(&["-C", "repo", "commit", "--quiet", "--message=y"]);
    for side in ["HEAD:q", "HEAD:r"] {
        let output = place.run_in("repo", &["diff", side, "pod.yaml"]);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(stderr(&output).contains("is not allowed"), "{}", stderr(&output));
    }
}

#[test]
fn the_configuration_is_about_its_own_repository() {
    // A submodule, and another checkout beside the repository.
    for (other, paths) in [("repo/other", &[][..]), ("other", &["repo", "other"])] {
        let place = repository();
        place.write(&format!("{other}/.git/HEAD"), "");
        place.write(&format!("{other}/app/kustomization.yaml"), "namePrefix: x-\nresources: [web.yaml]\n");
        place.write(&format!("{other}/app/web.yaml"), POD);
        place.write(&format!("{other}/alone/web.yaml"), POD);
        let before = place.files();
        for config in [
            "file: web.yaml\n",
            "file: web.yaml\ndirectory: other/app\n",
            "file: web.yaml\ndirectory: other\n",
        ] {
            place.write("repo/kustomize-golden.yaml", config);
            place.run_in(
                if paths.is_empty() { "repo" } else { "." },
                &[&["test", "--update"], paths].concat(),
            );
            for (file, content) in &before {
                let now = fs::read(file).unwrap_or_else(|_| b"gone".to_vec());
                assert!(
                    now == *content || file.ends_with("kustomize-golden.yaml"),
                    "{config}{}",
                    file.display()
                );
            }
        }
    }
    // Each has a configuration of its own.
    let place = repository();
    place.write("repo/kustomize-golden.yaml", "file: mine.yaml\n");
    place.write("repo/sub/.git", "gitdir: ../.git/modules/sub\n");
    place.write("repo/sub/kustomize-golden.yaml", "file: theirs.yaml\ndirectory: g\nexclude: [old]\n");
    for directory in ["sub/p", "sub/old/p"] {
        place.write(&format!("repo/{directory}/kustomization.yaml"), "resources: [pod.yaml]\n");
        place.write(&format!("repo/{directory}/pod.yaml"), POD);
    }
    place.write("repo/sub/g/gone/theirs.yaml", POD);
    let output = place.run_in("repo", &["test", "--update"]);
    let wanted = "written o/mine.yaml\nremoved sub/g/gone/theirs.yaml\nwritten sub/g/p/theirs.yaml\n\
                  3 overlays: 2 written, 1 removed\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), wanted, "{}", stderr(&output));
}

#[test]
fn what_git_keeps_may_be_anywhere() {
    // As after `git init --separate-git-dir=kept`, or in a repository of jj.
    for kept in ["kept", ".kept", "apps/.kept/store"] {
        let place = repository();
        fs::remove_dir_all(place.path("repo/.git")).unwrap();
        place.write("repo/.git", &format!("gitdir: {kept}\n"));
        for (name, content) in
            [("HEAD", "ref: refs/heads/main\n"), ("config", SECRET), ("refs/heads/main", "")]
        {
            place.write(&format!("repo/{kept}/{name}"), content);
        }
        fs::create_dir(place.path(&format!("repo/{kept}/objects"))).unwrap();
        let reads = format!("configMapGenerator: [{{name: a, files: [../{kept}/config]}}]\n");
        place.write("repo/o/kustomization.yaml", &reads);
        try_all(&place, &[], "which git keeps for itself");
        let reads = format!("configMapGenerator: [{{name: a, files: [{kept}/config]}}]\n");
        place.write("repo/kustomization.yaml", &reads);
        try_all(&place, &["."], "which git keeps for itself");
        fs::remove_file(place.path("repo/kustomization.yaml")).unwrap();
        symlink(format!("../{kept}/config"), place.path("repo/o/link")).unwrap();
        place.write("repo/o/kustomization.yaml", "configMapGenerator: [{name: a, files: [link]}]\n");
        try_all(&place, &[], "to what git keeps");

        // A file of git does not become a golden file, nor its directory that of golden files.
        place.write(&format!("repo/{kept}/kustomization.yaml"), "resources: [pod.yaml]\n");
        place.write(&format!("repo/{kept}/pod.yaml"), POD);
        place.write(&format!("repo/{kept}/o/config"), POD);
        place.write("repo/kustomize-golden.yaml", "file: config\n");
        let before = place.files();
        let output = place.run_in("repo", &["test", "--update"]);
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
        assert!(text.contains("1 overlay: 1 failed"), "{text}");
        assert!(place.files() == before, "{text}");
        try_all(&place, &[kept], "there are no overlays");
        try_all(&place, &[&format!("{kept}/o")], "would be among what git keeps");
        for directory in [kept, &format!("{kept}/o")] {
            let config = format!("file: config\ndirectory: {directory}\n");
            place.write("repo/kustomize-golden.yaml", &config);
            try_all(&place, &[], "goldens stand in a directory of their own below this file's");
        }
        symlink(kept, place.path("repo/g")).unwrap();
        place.write("repo/kustomize-golden.yaml", "file: config\ndirectory: g\n");
        try_all(&place, &[], "to what git keeps");
    }
    // In the tree of golden files.
    let place = repository();
    place.write("repo/kustomize-golden.yaml", "file: config\ndirectory: g\n");
    place.write("repo/g/o/HEAD", "");
    place.write("repo/g/o/config", POD);
    place.write("repo/g/o/refs/x", "");
    place.write("repo/g/o/objects/x", "");
    place.write("repo/g/o/gone/config", POD);
    try_all(&place, &[], "would be among what git keeps");
}
