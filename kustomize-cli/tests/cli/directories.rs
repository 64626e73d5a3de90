//! Working directories that are gone, or have names that are not text.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use crate::support::stderr;
use crate::workplace::Workplace;

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n";

#[test]
fn nothing_is_done_in_a_directory_that_is_gone() {
    let place = Workplace::new();
    place.write("app/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("app/pod.yaml", POD);
    let app = place.path("app");
    let app = app.to_str().unwrap();
    for (arguments, status) in
        [(&["build"][..], 1), (&["build", ".."], 1), (&["build", app], 1), (&["test", "--update"], 2)]
    {
        let gone = place.path("gone");
        fs::create_dir(&gone).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "rmdir \"$PWD\" && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_kustomize-rs")]);
        let output = command.args(arguments).current_dir(&gone).env("PWD", &gone).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        assert!(said.contains("cannot tell the current directory: no such file or directory"), "{said}");
        assert!(output.stdout.is_empty() && !gone.exists());
    }
    assert!(!place.exists("app/kustomization.snap.yaml"));
}

#[test]
fn directories_may_have_any_name() {
    let place = Workplace::new();
    let name = OsStr::from_bytes(b"a\xff");
    place.write("app/kustomization.yaml", "resources: [../base]\n");
    place.write("base/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("base/pod.yaml", POD);
    let odd = place.path("").join(name);
    fs::create_dir(&odd).unwrap();
    for directory in ["app", "base"] {
        fs::rename(place.path(directory), odd.join(directory)).unwrap();
    }
    place.commit_all();
    let run = |directory: &OsStr, arguments: &[&OsStr]| {
        let mut command = crate::support::program(&[]);
        let output = command.args(arguments).current_dir(place.path("").join(directory)).output().unwrap();
        assert_eq!(stderr(&output), "", "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let app = odd.join("app");
    assert_eq!(run(app.as_os_str(), &["build".as_ref()]), POD);
    assert_eq!(run("".as_ref(), &["build".as_ref(), app.as_os_str()]), POD);
    let relative = OsStr::from_bytes(b"a\xff/app");
    assert_eq!(run("".as_ref(), &["diff".as_ref(), relative, app.as_os_str()]), "");
    let updated = run("".as_ref(), &["test".as_ref(), "--update".as_ref()]);
    assert_eq!(updated, "written a\\xff/app/kustomization.snap.yaml\n1 overlay: 1 written\n");
    assert_eq!(fs::read_to_string(app.join("kustomization.snap.yaml")).unwrap(), POD);
    assert_eq!(run(name, &["test".as_ref()]), "1 overlay: 1 ok\n");
    place.commit_all();
    assert_eq!(run(name, &["test".as_ref(), "--since=HEAD".as_ref()]), "1 overlay: 1 unchanged\n");
    fs::write(odd.join("base/pod.yaml"), POD.replace("name: a", "name: b")).unwrap();
    let changed = run(name, &["test".as_ref(), "--since=HEAD".as_ref()]);
    assert!(
        changed.ends_with("1 overlay: 1 different\nhelp: with --update, the new output is accepted\n"),
        "{changed}"
    );
    let old = OsStr::from_bytes(b"HEAD:a\xff/app");
    let changed = run("".as_ref(), &["diff".as_ref(), old, app.as_os_str()]);
    assert_eq!(changed, "added Pod b\nremoved Pod a\n");
    assert_eq!(fs::read_dir(place.path("")).unwrap().count(), 2, "the directory and .git");
}

#[test]
fn parents_are_those_of_the_link_that_led_here() {
    let place = Workplace::new();
    for (directory, prefix) in [("base", "outer-"), ("real/base", "inner-")] {
        place.write(
            &format!("{directory}/kustomization.yaml"),
            &format!("namePrefix: {prefix}\nresources: [pod.yaml]\n"),
        );
        place.write(&format!("{directory}/pod.yaml"), POD);
    }
    fs::create_dir(place.path("real/sub")).unwrap();
    std::os::unix::fs::symlink("real/sub", place.path("link")).unwrap();
    let built = |pwd: &str| {
        let mut command = crate::support::program(&["build", "../base"]);
        let output =
            command.current_dir(place.path("real/sub")).env("PWD", place.path(pwd)).output().unwrap();
        assert_eq!(stderr(&output), "");
        String::from_utf8(output.stdout).unwrap()
    };
    // As kustomize does; what does not lead here says nothing.
    assert_eq!(built("link"), POD.replace("name: a", "name: outer-a"));
    for pwd in ["real/sub", "base", "nowhere"] {
        assert_eq!(built(pwd), POD.replace("name: a", "name: inner-a"), "{pwd}");
    }
}

#[test]
fn resources_may_come_from_standard_input() {
    use std::io::Write;
    use std::process::Stdio;

    let place = Workplace::new();
    place.write("kustomization.yaml", "namePrefix: p-\nresources: [/dev/stdin]\n");
    let build = |arguments: &[&str]| {
        let mut command = crate::support::program(&[&["build", "."], arguments].concat());
        command
            .current_dir(place.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut program = command.spawn().unwrap();
        // It may end without reading.
        let _ = program.stdin.take().unwrap().write_all(POD.as_bytes());
        program.wait_with_output().unwrap()
    };
    let built = build(&["--load-restrictor=LoadRestrictionsNone"]);
    assert_eq!(
        String::from_utf8_lossy(&built.stdout),
        POD.replace("name: a", "name: p-a"),
        "{}",
        stderr(&built)
    );
    assert_eq!(build(&[]).status.code(), Some(1));
}
