//! Files and directories that are not what they should be.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::trial::{CONFIG_MAP, Trial, build_in, refused};

#[test]
fn missing_ones() {
    Trial::of_kustomization("resources: [none.yaml]\n")
        .is_refused("there is no file or directory 'none.yaml'");
    Trial::of_kustomization("resources: [r.yaml]\npatches: [{path: none.yaml}]\n").is_refused("no such file");
    Trial::of_kustomization("configMapGenerator: [{name: a, files: [none]}]\n")
        .is_refused("none: no such file");
    Trial::new(&[("a", "b")]).is_refused("has no kustomization file");
    Trial::new(&[]).part_is_refused("nowhere", "nowhere: no such file or directory");
}

#[test]
fn outside_of_the_root() {
    let trial = Trial::new(&[("r.yaml", CONFIG_MAP), ("in/kustomization.yaml", "resources: [../r.yaml]\n")]);
    trial.part_is_refused("in", "is not in or below");
    Trial::of_kustomization("resources: [/etc/passwd]\n").is_refused("is not in or below");
    Trial::of_kustomization("configMapGenerator: [{name: a, files: [/etc/passwd]}]\n")
        .is_refused("is not in or below");
}

#[test]
fn links() {
    let trial = Trial::of_kustomization("resources: [link.yaml]\n");
    let link = trial.path("link.yaml");
    for (target, says) in [
        ("/etc/passwd", "it resolves to /etc/passwd"),
        ("link.yaml", "link.yaml: too many levels of symbolic links"),
        ("gone.yaml", "there is no file or directory 'link.yaml'"),
        (".", "refers to itself"),
    ] {
        symlink(target, &link).unwrap();
        trial.is_refused(says);
        fs::remove_file(&link).unwrap();
    }
}

#[test]
fn directories_for_files_and_files_for_directories() {
    let trial = Trial::new(&[("kustomization.yaml", "resources: [r.yaml]\n")]);
    fs::create_dir(trial.path("r.yaml")).unwrap();
    trial.is_refused("'r.yaml' has no kustomization file");

    let trial = Trial::of_kustomization("resources: [r.yaml]\npatches: [{path: p}]\n");
    fs::create_dir(trial.path("p")).unwrap();
    trial.is_refused("p: is a directory");

    let trial = Trial::new(&[]);
    fs::create_dir(trial.path("kustomization.yaml")).unwrap();
    trial.is_refused("is a directory");
    Trial::of_kustomization("resources: [r.yaml]\n").part_is_refused("r.yaml", "is not a directory");
}

#[test]
fn what_is_no_file_at_all_is_not_waited_for() {
    let trial = Trial::of_kustomization("resources: [pipe.yaml]\n");
    let made = Command::new("mkfifo").arg(trial.path("pipe.yaml")).status().unwrap();
    assert!(made.success());
    trial.is_refused("is a device, socket or pipe");
    let endless = Trial::of_kustomization("configMapGenerator: [{name: a, files: [zero=/dev/zero]}]\n");
    let output = endless.build(&[".", "--load-restrictor", "LoadRestrictionsNone"]);
    refused(&output, "is a device, socket or pipe");
    // Nor is a pipe that nobody reads from.
    let fine = Trial::of_kustomization("resources: [r.yaml]\n");
    assert!(Command::new("mkfifo").arg(fine.path("pipe")).status().unwrap().success());
    refused(&fine.build(&[".", "-o", "pipe"]), "nobody reads from this pipe");
}

#[test]
fn no_permission() {
    let trial = Trial::new(&[
        ("file/kustomization.yaml", "resources: [r.yaml]\n"),
        ("file/r.yaml", CONFIG_MAP),
        ("base/kustomization.yaml", "resources: [closed]\n"),
        ("base/closed/kustomization.yaml", "namePrefix: a-\n"),
        ("fine/kustomization.yaml", "resources: [r.yaml]\n"),
        ("fine/r.yaml", CONFIG_MAP),
    ]);
    let root = trial.directory.path();
    // The program stands where nobody may enter, when the tests are root's.
    let program = trial.path("kustomize-rs");
    fs::copy(env!("CARGO_BIN_EXE_kustomize-rs"), &program).unwrap();
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(root, 0o755);
    mode(&trial.path("file/r.yaml"), 0o000);
    mode(&trial.path("base/closed"), 0o000);
    mode(&trial.path("fine"), 0o555);

    let is_root = fs::read(trial.path("file/r.yaml")).is_ok();
    let build = |arguments: &[&str]| {
        build_in(root, &program, arguments, &|command| {
            if is_root {
                command.uid(65534).gid(65534);
            }
        })
    };
    refused(&build(&["file"]), "r.yaml: permission denied");
    refused(&build(&["base"]), "the directory 'base/closed' cannot be read: permission denied");
    refused(&build(&["fine", "-o", "fine/out.yaml"]), "cannot write fine/out.yaml: permission denied");
    assert_eq!(fs::read_dir(trial.path("fine")).unwrap().count(), 2);
    mode(&trial.path("base/closed"), 0o755);
}

#[test]
fn full_standard_output() {
    let trial = Trial::of_resource(CONFIG_MAP);
    let shell = |redirection: &str| {
        let line = format!("exec \"$0\" build . {redirection}");
        let mut command = Command::new("sh");
        command.args(["-c", &line, env!("CARGO_BIN_EXE_kustomize-rs")]);
        command.current_dir(trial.directory.path()).output().unwrap()
    };
    if cfg!(target_os = "linux") {
        refused(&shell(">/dev/full"), "cannot write to standard output: no space left on device");
    }
    assert_eq!(shell(">/dev/null").status.code(), Some(0));
}
