//! Several kustomizations at once, and watching them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::support::{expected, fixtures, run, stderr, stdout};

const STAGING: &str = "apps/overlays/staging";
const PRODUCTION: &str = "apps/overlays/production";

#[test]
fn several_are_printed_in_the_order_given() {
    for order in [[STAGING, PRODUCTION], [PRODUCTION, STAGING]] {
        let all = order.map(expected).join("---\n");
        assert_eq!(stdout(&["build", order[0], order[1]]), all);
    }
}

#[test]
fn nothing_is_printed_when_one_of_several_fails() {
    let output = run(&["build", STAGING, "mistakes/unknown-field", "mistakes/nowhere", PRODUCTION]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = stderr(&output);
    assert!(said.contains("2 of 4 kustomizations cannot be built"), "{said}");
    assert!(said.contains("mistakes/unknown-field/kustomization.yaml:"), "{said}");
}

/// A program that watches, and the lines that it prints.
struct Watching {
    program: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(directory: &Path, targets: &[&str]) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_kustomize-rs"))
            .arg("watch")
            .args(targets)
            .current_dir(directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        for pipe in [
            Box::new(program.stdout.take().unwrap()) as Box<dyn std::io::Read + Send>,
            Box::new(program.stderr.take().unwrap()),
        ] {
            let sender = sender.clone();
            std::thread::spawn(move || {
                BufReader::new(pipe).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
            });
        }
        Watching { program, lines }
    }

    /// Waits for a line that contains a text.
    fn expect(&self, text: &str) {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line.contains(text) => return,
                Ok(line) => seen.push(line),
                Err(error) => panic!("no `{text}` ({error}) in {seen:#?}"),
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to)
        } else {
            fs::write(&to, fs::read(entry.path()).unwrap()).unwrap()
        }
    }
}

#[test]
fn a_change_is_shown_with_what_it_changes() {
    let site = tempfile::tempdir().unwrap();
    copy(&fixtures().join("apps"), site.path());
    let base = site.path().join("base/service.yaml");
    let service = fs::read_to_string(&base).unwrap();
    let watching = Watching::start(site.path(), &["overlays/staging", "overlays/production"]);
    watching.expect("watching 2 kustomizations");

    // In the base: both overlays change.
    fs::write(&base, service.replace("port: 80\n", "port: 8081\n")).unwrap();
    watching.expect("overlays/staging (in ");
    watching.expect("8081");
    watching.expect("overlays/production (in ");
    watching.expect("8081");

    // Broken, and mended by a file that takes its place.
    fs::write(&base, "kind: [\n").unwrap();
    watching.expect("base/service.yaml:");
    let beside = site.path().join("base/service.yaml.new");
    fs::write(&beside, &service).unwrap();
    fs::rename(&beside, &base).unwrap();
    watching.expect("8081 → 80");

    // A file that appears where it was missed.
    let overlay = site.path().join("overlays/staging/kustomization.yaml");
    let text = fs::read_to_string(&overlay).unwrap();
    fs::write(&overlay, text.replace("resources:\n", "resources:\n- extra.yaml\n")).unwrap();
    watching.expect("extra.yaml");
    let extra = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\n";
    fs::write(site.path().join("overlays/staging/extra.yaml"), extra).unwrap();
    watching.expect("added ConfigMap");
}

#[test]
fn what_is_nowhere_is_not_watched_and_what_is_broken_is() {
    let output = run(&["watch", STAGING, "apps/overlays/stagign"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(
        stderr(&output).contains("apps/overlays/stagign: no such file or directory"),
        "{}",
        stderr(&output)
    );
    assert!(
        stderr(&output).ends_with("help: did you mean 'apps/overlays/staging'?\n"),
        "{}",
        stderr(&output)
    );

    let site = tempfile::tempdir().unwrap();
    fs::write(site.path().join("kustomization.yaml"), "resources: [missing.yaml]\n").unwrap();
    let watching = Watching::start(site.path(), &["."]);
    watching.expect("watching 1 kustomization, 0 of them built");
    fs::write(site.path().join("missing.yaml"), "kind: Pod\nmetadata: {name: here}\n").unwrap();
    watching.expect("added Pod here");
}

/// A base whose ConfigMap holds a value.
fn write_base(directory: &Path, value: &str) {
    fs::create_dir_all(directory).unwrap();
    fs::write(directory.join("kustomization.yaml"), "resources: [cm.yaml]\n").unwrap();
    let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: cm}}\ndata: {{v: {value}}}\n");
    fs::write(directory.join("cm.yaml"), map).unwrap();
}

#[test]
fn directories_that_others_take_the_place_of_are_watched_on() {
    let site = tempfile::tempdir().unwrap();
    let (base, other) = (site.path().join("base"), site.path().join("other"));
    write_base(&base, "one");
    fs::create_dir(site.path().join("overlay")).unwrap();
    fs::write(site.path().join("overlay/kustomization.yaml"), "resources: [../base]\n").unwrap();
    let watching = Watching::start(site.path(), &["overlay"]);
    watching.expect("watching 1 kustomization, 1 of them built");

    // As a checkout does it.
    fs::remove_dir_all(&base).unwrap();
    write_base(&base, "two");
    watching.expect("one → two");
    write_base(&base, "three");
    watching.expect("two → three");

    write_base(&other, "four");
    fs::rename(&base, site.path().join("former")).unwrap();
    fs::rename(&other, &base).unwrap();
    watching.expect("three → four");
}

#[cfg(unix)]
#[test]
fn links_that_are_set_anew_are_followed() {
    use std::os::unix::fs::symlink;
    let site = tempfile::tempdir().unwrap();
    let path = |name: &str| site.path().join(name);
    write_base(&path("one"), "one");
    write_base(&path("two"), "two");
    // As Kubernetes mounts ConfigMaps: files are links through a link.
    fs::create_dir(path("mounted")).unwrap();
    symlink("../one", path("mounted/data")).unwrap();
    symlink("data/cm.yaml", path("mounted/cm.yaml")).unwrap();
    fs::write(path("mounted/kustomization.yaml"), "resources: [cm.yaml]\n").unwrap();
    // And a base that is a link.
    symlink("one", path("base")).unwrap();
    fs::create_dir(path("overlay")).unwrap();
    fs::write(path("overlay/kustomization.yaml"), "resources: [../base]\nnamePrefix: pre-\n").unwrap();
    let watching = Watching::start(site.path(), &["overlay"]);
    watching.expect("watching 1 kustomization, 1 of them built");
    symlink("two", path("new")).unwrap();
    fs::rename(path("new"), path("base")).unwrap();
    watching.expect("one → two");
    write_base(&path("two"), "three");
    watching.expect("two → three");

    let restrictor = "--load-restrictor=LoadRestrictionsNone";
    let watching = Watching::start(site.path(), &["mounted", restrictor]);
    watching.expect("watching 1 kustomization, 1 of them built");
    symlink("../two", path("mounted/new")).unwrap();
    fs::rename(path("mounted/new"), path("mounted/data")).unwrap();
    watching.expect("one → three");
}

/// The files below a directory.
fn below(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(below(&path).iter().map(|rest| format!("{name}/{rest}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

#[test]
fn several_go_to_a_directory_each() {
    let out = tempfile::tempdir().unwrap();
    let place = out.path().to_str().unwrap();
    assert_eq!(stdout(&["build", STAGING, PRODUCTION, "-o", place]), "");
    for (overlay, name) in [(STAGING, "staging"), (PRODUCTION, "production")] {
        let alone = tempfile::tempdir().unwrap();
        stdout(&["build", overlay, "-o", alone.path().to_str().unwrap()]);
        let files = below(alone.path());
        assert!(!files.is_empty());
        assert_eq!(below(&out.path().join(name)), files);
        for file in files {
            let path = Path::new(name).join(&file);
            let (one, other) = (fs::read(out.path().join(path)), fs::read(alone.path().join(&file)));
            assert_eq!(one.unwrap(), other.unwrap());
        }
    }
}

#[test]
fn none_of_several_is_written_when_one_fails() {
    let out = tempfile::tempdir().unwrap();
    let place = out.path().to_str().unwrap();
    let failed = run(&["build", STAGING, "mistakes/unknown-field", "-o", place]);
    assert_eq!(failed.status.code(), Some(1));
    let twice = run(&["build", STAGING, "apps/../apps/overlays/staging", "-o", place]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(stderr(&twice).contains("is given twice"), "{}", stderr(&twice));
    assert!(below(out.path()).is_empty());
}

/// Waits until a file has a text in it, or is gone.
fn wait_for(file: &Path, text: Option<&str>) {
    let until = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let found = fs::read_to_string(file).ok();
        match (text, &found) {
            (None, None) => return,
            (Some(text), Some(found)) if found.contains(text) => return,
            _ if std::time::Instant::now() > until => panic!("{}: {found:?}", file.display()),
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

#[test]
fn what_is_watched_is_written_again() {
    let site = tempfile::tempdir().unwrap();
    let (one, two) = (site.path().join("one"), site.path().join("two"));
    write_base(&one, "first");
    write_base(&two, "other");
    let out = site.path().join("out");
    fs::create_dir(&out).unwrap();
    let file = site.path().join("all.yaml");
    let to_file = Watching::start(site.path(), &["one", "two", "-o", "all.yaml"]);
    let to_files = Watching::start(site.path(), &["one", "two", "-o", "out"]);
    to_file.expect("watching 2 kustomizations");
    to_files.expect("watching 2 kustomizations");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("v: first") && text.contains("---\n") && text.contains("v: other"), "{text}");
    wait_for(&out.join("one/v1_configmap_cm.yaml"), Some("v: first"));

    // What is broken leaves what was written last.
    fs::write(one.join("cm.yaml"), "kind: [\n").unwrap();
    to_file.expect("one/cm.yaml:");
    to_files.expect("one/cm.yaml:");
    write_base(&one, "second");
    wait_for(&file, Some("v: second"));
    wait_for(&out.join("one/v1_configmap_cm.yaml"), Some("v: second"));

    // A resource of another name: what was written for the former goes, and nothing else does.
    fs::write(out.join("one/by-hand.yaml"), "kept").unwrap();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: renamed}\n";
    fs::write(one.join("cm.yaml"), map).unwrap();
    wait_for(&out.join("one/v1_configmap_renamed.yaml"), Some("name: renamed"));
    wait_for(&out.join("one/v1_configmap_cm.yaml"), None);
    assert_eq!(
        below(&out),
        ["one/by-hand.yaml", "one/v1_configmap_renamed.yaml", "two/v1_configmap_cm.yaml"]
    );
}
