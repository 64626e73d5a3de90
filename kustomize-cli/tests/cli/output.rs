//! Where output goes.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{expected, fixtures, program, run, stderr, stdout};

const OVERLAY: &str = "apps/overlays/production";

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn standard_output_has_what_kustomize_prints() {
    assert_eq!(stdout(&["build", OVERLAY]), expected(OVERLAY));
}

#[test]
fn a_file_is_replaced_whole_or_left() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.yaml");
    let path = file.to_str().unwrap();
    assert_eq!(stdout(&["build", OVERLAY, "-o", path]), "");
    assert_eq!(fs::read_to_string(&file).unwrap(), expected(OVERLAY));

    let failed = run(&["build", "mistakes/unknown-field", "-o", path]);
    assert_eq!(failed.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&file).unwrap(), expected(OVERLAY));
    assert_eq!(names(directory.path()), ["out.yaml"]);
}

#[test]
fn a_directory_gets_one_file_for_each_resource() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(stdout(&["build", OVERLAY, "--output", directory.path().to_str().unwrap()]), "");
    assert_eq!(
        names(directory.path()),
        [
            "apps_v1_deployment_nginx.yaml",
            "v1_configmap_nginx-config-d7c9296m7m.yaml",
            "v1_namespace_production.yaml",
            "v1_service_nginx.yaml"
        ]
    );
    let service = fs::read_to_string(directory.path().join("v1_service_nginx.yaml")).unwrap();
    let all = expected(OVERLAY);
    assert_eq!(all.split("---\n").nth(2), Some(service.as_str()));
}

#[test]
fn several_namespaces_stand_in_the_file_names() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(stdout(&["build", "transformers", "-o", directory.path().to_str().unwrap()]), "");
    let found = names(directory.path());
    assert!(found.contains(&"fixed_apps_v1_deployment_app.yaml".to_owned()), "{found:?}");
    assert!(found.contains(&"chosen_batch_v1_job_once.yaml".to_owned()), "{found:?}");
}

#[test]
fn a_custom_schema_says_what_is_in_no_namespace() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    file("kustomization.yaml", "resources: [r.yaml]\nopenapi: {path: schema.json}\n");
    let kind = r#"{"group": "example.com", "version": "v1", "kind": "Widget"}"#;
    file(
        "schema.json",
        &format!(
            r#"{{"definitions": {{"v1.Widget": {{"type": "object", "x-kubernetes-group-version-kind": [{kind}]}}}},
            "paths": {{"/apis/example.com/v1/widgets/{{name}}":
                {{"get": {{"x-kubernetes-action": "get", "x-kubernetes-group-version-kind": {kind}}}}}}}}}"#
        ),
    );
    let secret = |namespace: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: {namespace}}}\n---\n")
    };
    let widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n";
    file("r.yaml", &[secret("a"), secret("b"), widget.to_owned()].concat());
    let out = directory.path().join("out");
    fs::create_dir(&out).unwrap();
    stdout(&["build", directory.path().to_str().unwrap(), "-o", out.to_str().unwrap()]);
    assert_eq!(names(&out), ["a_v1_secret_s.yaml", "b_v1_secret_s.yaml", "example.com_v1_widget_w.yaml"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_limit_on_the_size_of_files_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.yaml");
    fs::write(&file, "old").unwrap();
    let line = format!("ulimit -f 0; exec \"$0\" build {OVERLAY} -o {}", file.display());
    let program = env!("CARGO_BIN_EXE_kustomize-rs");
    let output = Command::new("sh").args(["-c", &line, program]).current_dir(fixtures()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("file too large"), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(names(directory.path()), ["out.yaml"]);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("no/such/file");
    let output = run(&["build", OVERLAY, "-o", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output).replace(directory.path().to_str().unwrap(), "DIR");
    assert_eq!(
        message,
        "error: cannot write DIR/no/such/file: no such file or directory\n\
         help: there is no directory DIR/no/such: make it first (mkdir -p DIR/no/such)\n"
    );
}

#[test]
fn a_reader_that_went_away_is_nothing_to_talk_about() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = program(&["build", OVERLAY]).stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output), "");
}

#[cfg(unix)]
#[test]
fn a_discarded_output_is_no_failure() {
    let shell = |redirection: &str| {
        let line = format!("exec \"$0\" build {OVERLAY} {redirection}");
        let program = env!("CARGO_BIN_EXE_kustomize-rs");
        Command::new("sh").args(["-c", &line, program]).current_dir(fixtures()).output().unwrap()
    };
    // Whoever throws the output away, opened in whichever way, wants to know whether it builds.
    for discarded in [">/dev/null", "1<>/dev/null", ">/dev/null <&- 2>&-"] {
        assert_eq!(shell(discarded).status.code(), Some(0), "{discarded}");
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.yaml");
    assert_eq!(shell(&format!("-o {} >&-", file.display())).status.code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = program(&["build", OVERLAY]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output), "error: cannot write to standard output: no space left on device\n");
}

/// Where memory runs out, the command says so and ends with a status, not by a signal.
#[cfg(target_os = "linux")]
#[test]
fn without_memory_builds_end_with_a_status() {
    use std::fmt::Write as _;
    let place = crate::workplace::Workplace::new();
    place.write("small/kustomization.yaml", "resources: [r.yaml]\n");
    place.write("large/kustomization.yaml", "resources: [r.yaml]\n");
    let mut resource = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n".to_owned();
    place.write("small/r.yaml", &format!("{resource}  a: b\n"));
    (0..100_000).for_each(|i| writeln!(resource, "  key{i}: value").unwrap());
    place.write("large/r.yaml", &resource);
    let build = |directory: &str, megabytes: usize| {
        let line = format!("ulimit -v {}; exec \"$0\" build {directory}", megabytes << 10);
        let mut command = Command::new("sh");
        command.args(["-c", &line]).arg(env!("CARGO_BIN_EXE_kustomize-rs")).current_dir(place.path(""));
        command.output().unwrap()
    };
    let enough = (8..4096).step_by(8).find(|megabytes| build("small", *megabytes).status.success()).unwrap();
    let told = (enough..enough + 32).step_by(4).filter(|megabytes| {
        let output = build("large", *megabytes);
        let text = stderr(&output);
        assert!(output.status.code().is_some(), "{megabytes} MB: {:?} {text}", output.status);
        let ran_out = text.contains("memory allocation of");
        assert!(!ran_out || output.status.code() == Some(2), "{megabytes} MB: {:?} {text}", output.status);
        ran_out
    });
    assert!(told.count() > 0);
}
