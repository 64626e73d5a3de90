//! Running the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The fixtures of the repository.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").canonicalize().unwrap()
}

/// What kustomize makes of the fixture in a directory.
pub(crate) fn expected(directory: &str) -> String {
    std::fs::read_to_string(fixtures().join(directory).join("kustomization.snap.yaml")).unwrap()
}

/// The program, started among the fixtures, with an environment that cannot change what it does.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kustomize-rs"));
    command.args(arguments).current_dir(fixtures());
    command.env_remove("NO_COLOR").env_remove("KUSTOMIZE_ENABLE_MANAGEDBY_LABEL");
    command
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

/// Standard output of a run that has to succeed.
pub(crate) fn stdout(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Standard error of a run.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
