//! The Python package: built as a wheel, installed into an empty environment, checked and tested
//! there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::steps::Outcome;
use crate::{Failure, conformance, workspace};

/// The package's directory, from the root of the repository.
const PACKAGE: &str = "kustomize-py";
/// Where its tests look for the recorded cases.
const CASES: &str = "KUSTOMIZE_CONFORMANCE";
/// Debian keeps this part of Python's standard library apart.
const DEBIAN_PACKAGE: &str = "python3-venv";

/// Builds, installs, checks and tests the package.
///
/// # Errors
/// Any of that fails.
pub fn check() -> Result<Outcome, Failure> {
    let environment = match Environment::create() {
        Ok(environment) => environment,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    environment.run("maturin", &["build", "--profile", "dev", "--out", &environment.wheels()])?;
    let wheel = environment.wheel()?;
    environment.run("python", &["-m", "pip", "install", "--quiet", "--no-deps", &wheel])?;
    environment.run("ruff", &["format", "--check", "--quiet", "."])?;
    environment.run("ruff", &["check", "--quiet", "."])?;
    environment.run("mypy", &[])?;
    environment.run("stubtest", &["kustomize_py", "--mypy-config-file", "pyproject.toml"])?;
    environment.run("pytest", &["--quiet"])?;
    Ok(Outcome::Done)
}

/// `cargo xtask python`.
///
/// # Errors
/// See [`check`].
pub fn run() -> Result<(), Failure> {
    if let Outcome::Skipped(reason) = check()? {
        println!("SKIPPED: {reason}");
    }
    Ok(())
}

/// A virtual environment below the target directory.
struct Environment {
    directory: PathBuf,
}

impl Environment {
    /// An empty one with the tools in it, or why there can be none.
    fn create() -> Result<Self, String> {
        let python = ["python3", "python"].iter().find_map(|name| workspace::find_program(name));
        let python = python.ok_or("there is no Python")?;
        let supported = ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"];
        if !succeeds(Command::new(&python).args(supported)) {
            return Err("Python is older than 3.10".to_owned());
        }
        let environment = Environment { directory: workspace::target().join("python") };
        let venv = environment.directory.join("venv");
        let create = || succeeds(Command::new(&python).args(["-m", "venv", "--clear"]).arg(&venv));
        if !(create() || install_from_debian() && create()) {
            return Err(format!("python3 -m venv fails (on Debian, {DEBIAN_PACKAGE} is missing)"));
        }
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        let mut pip = environment.command("python");
        pip.args(install).args(["--requirement", "requirements-dev.txt"]);
        match pip.status().is_ok_and(|status| status.success()) {
            true => Ok(environment),
            false => Err("pip cannot install requirements-dev.txt".to_owned()),
        }
    }

    /// Runs one of its programs in the package's directory.
    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), Failure> {
        println!("$ {program} {}", arguments.join(" "));
        match self.command(program).args(arguments).status()?.success() {
            true => Ok(()),
            false => Err(format!("{program} failed").into()),
        }
    }

    fn command(&self, program: &str) -> Command {
        let programs = self.directory.join("venv").join(if cfg!(windows) { "Scripts" } else { "bin" });
        let mut command = Command::new(programs.join(program));
        command.current_dir(workspace::root().join(PACKAGE));
        // Apart from all else: in another environment, cargo builds anew what depends on that.
        command.env("CARGO_TARGET_DIR", self.directory.join("cargo"));
        command.env("VIRTUAL_ENV", self.directory.join("venv")).env_remove("PYTHONPATH");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let helm = conformance::helm().as_deref().and_then(Path::parent).map(Path::to_owned);
        let path = [programs].into_iter().chain(helm).chain(std::env::split_paths(&path));
        if let Ok(path) = std::env::join_paths(path) {
            command.env("PATH", path);
        }
        if std::env::var_os(CASES).is_none() {
            command.env(CASES, workspace::root().join(conformance::CASES));
        }
        command
    }

    fn wheels(&self) -> String {
        self.directory.join("wheels").to_string_lossy().into_owned()
    }

    /// The wheel that was built last.
    fn wheel(&self) -> Result<String, Failure> {
        let wheels = std::fs::read_dir(self.directory.join("wheels"))?.flatten();
        let wheels = wheels.filter(|entry| entry.path().extension().is_some_and(|end| end == "whl"));
        let newest = wheels.max_by_key(|entry| entry.metadata().and_then(|data| data.modified()).ok());
        Ok(newest.ok_or("maturin has built no wheel")?.path().to_string_lossy().into_owned())
    }
}

fn install_from_debian() -> bool {
    let apt = |arguments: &[&str]| succeeds(Command::new("apt-get").args(arguments));
    println!("installing {DEBIAN_PACKAGE}");
    apt(&["update"]) && apt(&["install", "--yes", "--no-install-recommends", DEBIAN_PACKAGE])
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
