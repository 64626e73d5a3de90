//! Links are not followed out of the repository.

use std::fs;
use std::os::unix::fs::symlink;

use super::{POD, repository, try_all};
use crate::support::stderr;

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
fn links_do_not_lead_out_of_where_there_is_no_repository() {
    let place = repository();
    fs::rename(place.path("repo/.git"), place.path("elsewhere")).unwrap();
    symlink("../victim", place.path("repo/apps")).unwrap();
    symlink("../../victim", place.path("repo/o/below")).unwrap();
    for path in ["apps", "apps/new", "o/below/new"] {
        try_all(&place, &[path], "is a link that leads out of the current directory");
    }
}
