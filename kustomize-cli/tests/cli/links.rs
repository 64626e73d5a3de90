//! Links in what `kustomize-rs test` is run on, which may come from someone who is not trusted.

use std::fs;
use std::os::unix::fs::symlink;

use crate::golden::told;
use crate::support::stderr;
use crate::workplace::Workplace;

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n";
const SECRET: &str = "PASSWORD=hunter2\n";

/// A repository in `repo` with one overlay in `o`, and files beside it that are none of its own.
fn repository() -> Workplace {
    let place = Workplace::new();
    place.write("repo/.git/config", SECRET);
    place.write("repo/o/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("repo/o/pod.yaml", POD);
    place.write("victim/secret", SECRET);
    place.write("victim/gone/kustomization.snap.yaml", POD);
    place.write("victim/new/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("victim/new/pod.yaml", POD);
    place
}

/// Runs tests in all ways that read or write, none of which may do either elsewhere.
fn try_all(place: &Workplace, paths: &[&str], wanted: &str) {
    let before = place.files();
    for way in [&["--diff=text"][..], &["--update"], &["--update", "--junit=/dev/stdout"]] {
        let output = place.run_in("repo", &[&["test"], way, paths].concat());
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
        assert!(matches!(output.status.code(), Some(1 | 2)), "{way:?}: {text}");
        assert!(text.contains(wanted), "{way:?}: {text}");
        assert!(!text.contains("hunter2"), "{way:?}: {text}");
        assert!(place.files() == before, "{way:?} wrote something: {text}");
    }
}

#[test]
fn golden_files_are_no_links() {
    for target in
        ["../../victim/secret", "/proc/self/environ", "../.git/config", "pod.yaml", "../../victim/nothing"]
    {
        let place = repository();
        symlink(target, place.path("repo/o/kustomization.snap.yaml")).unwrap();
        try_all(&place, &[], "kustomization.snap.yaml is a link");
        assert!(!place.path("victim/nothing").exists());
    }
}

#[test]
fn golden_files_without_an_overlay_are_no_links_either() {
    let place = repository();
    place.write("repo/o/kustomization.snap.yaml", POD);
    fs::create_dir(place.path("repo/gone")).unwrap();
    symlink("../../victim/gone/kustomization.snap.yaml", place.path("repo/gone/kustomization.snap.yaml"))
        .unwrap();
    try_all(&place, &[], "kustomization.snap.yaml is a link");
    assert!(fs::symlink_metadata(place.path("repo/gone/kustomization.snap.yaml")).is_ok());
}

#[test]
fn what_is_compared_is_no_link_out_of_the_repository() {
    for (target, wanted) in [
        ("../victim/new", "leads out of the repository"),
        ("../victim/secret", "leads out of the repository"),
        ("/proc/self/environ", "leads out of the repository"),
        ("/dev/stdin", "leads out of the repository"),
        (".git/config", "to what git keeps"),
    ] {
        let place = repository();
        place.write("victim/new/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: hunter2\n");
        symlink(target, place.path("repo/link")).unwrap();
        symlink("..", place.path("repo/up")).unwrap();
        for sides in [["o", "link"], ["link", "o"], ["o", "up/repo/link"], ["o", "./o/../link"]] {
            let output = place.run_in("repo", &["diff", "--diff=text", sides[0], sides[1]]);
            let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
            assert_eq!(output.status.code(), Some(2), "{target} {sides:?}: {text}");
            assert!(text.contains(wanted) || text.contains("leads out of"), "{target} {sides:?}: {text}");
            assert!(!text.contains("hunter2"), "{target} {sides:?}: {text}");
        }
    }
    // A link within the repository is fine.
    let place = repository();
    symlink("o", place.path("repo/link")).unwrap();
    assert_eq!(place.run_in("repo", &["diff", "o", "link"]).status.code(), Some(0));
}

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
fn the_tree_of_golden_files_is_in_the_repository() {
    let place = repository();
    place.write("repo/kustomize-golden.yaml", "directory: g\n");
    symlink("../victim", place.path("repo/g")).unwrap();
    try_all(&place, &[], "leads out of the repository");
    fs::remove_file(place.path("repo/g")).unwrap();
    fs::create_dir(place.path("repo/g")).unwrap();
    symlink("../../victim", place.path("repo/g/o")).unwrap();
    try_all(&place, &[], "a link leads to the golden file");
    place.write("repo/kustomize-golden.yaml", "directory: .git/hooks\n");
    try_all(&place, &[], "goldens stand in a directory of their own");
    place.write("repo/kustomize-golden.yaml", "file: x.yaml\n");
    fs::remove_file(place.path("repo/g/o")).unwrap();
    fs::remove_dir(place.path("repo/g")).unwrap();
    symlink("../victim", place.path("repo/g")).unwrap();
    try_all(&place, &["--golden-dir=g"], "leads out of the repository");
    // A link within the repository is fine.
    fs::remove_file(place.path("repo/g")).unwrap();
    fs::create_dir(place.path("repo/real")).unwrap();
    symlink("real", place.path("repo/g")).unwrap();
    place.write("repo/kustomize-golden.yaml", "directory: g\n");
    let output = place.run_in("repo", &["test", "--update"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(place.read("repo/real/o/kustomization.snap.yaml"), POD);
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
fn links_do_not_lead_out_of_where_there_is_no_repository() {
    let place = repository();
    fs::rename(place.path("repo/.git"), place.path("elsewhere")).unwrap();
    symlink("../victim", place.path("repo/apps")).unwrap();
    symlink("../../victim", place.path("repo/o/below")).unwrap();
    for path in ["apps", "apps/new", "o/below/new"] {
        try_all(&place, &[path], "is a link that leads out of the current directory");
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
fn golden_files_have_one_kind_of_separator() {
    let place = repository();
    for directory in ["a\\..\\..\\victim", "g\\h", "..", "a/../../victim", "/tmp", ".", "a/.Git/b"] {
        place.write("repo/kustomize-golden.yaml", &format!("directory: '{directory}'\n"));
        try_all(&place, &[], "goldens stand in a directory of their own");
    }
    for file in ["../x", "a\\b", "..", "a/b", "kustomization.yaml", "kustomize-golden.yaml"] {
        place.write("repo/kustomize-golden.yaml", &format!("file: '{file}'\n"));
        try_all(&place, &[], "");
    }
    // What git takes for a repository, or would on another file system.
    for file in [".git", ".GIT", ".git.", ".git ", ".g\u{200c}it", ".git::$INDEX_ALLOCATION", "git~1"] {
        place.write("repo/kustomize-golden.yaml", &format!("file: '{file}'\n"));
        try_all(&place, &[], "golden files cannot be called");
    }
    place.write("repo/kustomize-golden.yaml", &format!("directory: {}\n", "a/".repeat(100_000)));
    try_all(&place, &[], "goldens stand in a directory of their own");
}

#[test]
fn reports_are_not_written_through_links() {
    let place = repository();
    symlink("../victim/secret", place.path("repo/junit.xml")).unwrap();
    symlink("../victim", place.path("repo/reports")).unwrap();
    for report in ["--junit=junit.xml", "--junit=reports/new.xml", "--junit=o/../reports/secret"] {
        let before = place.files();
        let output = place.run_in("repo", &["test", "--update", report]);
        assert_eq!(output.status.code(), Some(2), "{report}");
        assert!(
            stderr(&output).contains("is a link that leads out of the repository"),
            "{}",
            stderr(&output)
        );
        assert!(place.files() == before, "{report} wrote something");
    }
    // Nor to what git keeps.
    symlink(".git/config", place.path("repo/config.xml")).unwrap();
    symlink(".git", place.path("repo/kept")).unwrap();
    for report in ["--junit=config.xml", "--junit=kept/config", "--junit=kept/new.xml"] {
        let before = place.files();
        let output = place.run_in("repo", &["test", "--update", report]);
        assert_eq!(output.status.code(), Some(2), "{report}");
        assert!(stderr(&output).contains("to what git keeps"), "{}", stderr(&output));
        assert!(place.files() == before, "{report} wrote something");
    }
}

#[test]
fn output_is_not_written_through_links_out_of_the_repository() {
    let place = repository();
    place.write("repo/p/kustomization.yaml", "resources: [../o]\n");
    symlink("../victim", place.path("repo/out")).unwrap();
    symlink("../victim/secret", place.path("repo/out.yaml")).unwrap();
    fs::create_dir(place.path("repo/dir")).unwrap();
    symlink("../../victim/secret", place.path("repo/dir/v1_pod_a.yaml")).unwrap();
    symlink("../../victim", place.path("repo/dir/o")).unwrap();
    symlink("../.git/config", place.path("repo/dir/config")).unwrap();
    for (place_of_output, paths) in [
        ("out", &["o"][..]),
        ("out.yaml", &["o"]),
        ("out/secret", &["o"]),
        ("dir", &["o"]),
        ("dir", &["o", "p"]),
        ("dir/config", &["o"]),
        ("out.yaml", &["o", "p"]),
    ] {
        let before = place.files();
        let output = place.run_in("repo", &[&["build", "--output", place_of_output], paths].concat());
        assert!(!output.status.success(), "{place_of_output} {paths:?}");
        assert!(stderr(&output).contains("is a link "), "{}", stderr(&output));
        assert!(place.files() == before, "{place_of_output} {paths:?} wrote something");
    }
    // Links within it are fine, and so is what they lead to.
    symlink("real.yaml", place.path("repo/within.yaml")).unwrap();
    place.write("repo/real.yaml", "");
    let real = place.path("victim/secret");
    for place_of_output in ["within.yaml", real.to_str().unwrap()] {
        let output = place.run_in("repo", &["build", "o", "--output", place_of_output]);
        assert!(output.status.success(), "{}", stderr(&output));
    }
    assert_eq!((place.read("repo/real.yaml"), place.read("victim/secret")), (POD.to_owned(), POD.to_owned()));
}

#[test]
fn the_configuration_is_no_link() {
    let place = repository();
    symlink("../victim/secret", place.path("repo/kustomize-golden.yaml")).unwrap();
    try_all(&place, &[], "the configuration is a link");
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

#[test]
fn output_is_where_its_path_seems_to_lead() {
    let place = repository();
    // Seen from the machine, `..` is what holds the place that a link leads to.
    symlink("../victim/new", place.path("repo/away")).unwrap();
    symlink(".", place.path("repo/here")).unwrap();
    symlink("o", place.path("repo/near")).unwrap();
    fs::rename(place.path("victim/secret"), place.path("secret")).unwrap();
    fs::create_dir(place.path("repo/sub")).unwrap();
    for output in ["away/../secret", "here/../secret", "sub/../here/../new"] {
        for arguments in [["build", "o", "-o", output], ["test", "--update", "--junit", output]] {
            let before = place.files();
            let done = place.run_in("repo", &arguments);
            assert!(!done.status.success(), "{arguments:?}");
            assert!(place.files() == before, "{arguments:?} wrote something: {}", stderr(&done));
        }
    }
    // The machine goes the way it always went where that makes no difference.
    let done = place.run_in("repo", &["build", "o", "-o", "near/../new.yaml"]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(place.read("repo/new.yaml"), POD);
    let done = place.run_in("repo/o", &["build", ".", "-o", "../../beside.yaml"]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert_eq!(place.read("beside.yaml"), POD);
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
