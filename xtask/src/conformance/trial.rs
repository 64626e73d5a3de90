//! One case, tried.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::case::Case;
use crate::process::{self, Status};
use crate::{Failure, tree};

/// How long a case may take; helm is slow.
const LIMIT: Duration = Duration::from_secs(60);

/// How a case went.
pub enum Verdict {
    /// As expected.
    Passed,
    /// Not so; how.
    Failed(String),
}

/// What cases are tried with.
pub struct Trial {
    command: Vec<OsString>,
    path: OsString,
}

impl Trial {
    /// Cases tried with this command, which finds this helm.
    pub fn new(command: Vec<OsString>, helm: Option<PathBuf>) -> Result<Self, Failure> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let helm = helm.as_deref().and_then(Path::parent).map(Path::to_owned);
        let path = std::env::join_paths(helm.into_iter().chain(std::env::split_paths(&path)))?;
        Ok(Trial { command, path })
    }

    /// Builds a copy of the case's tree and compares.
    pub fn run(&self, case: &Case) -> Verdict {
        self.compare(case).unwrap_or_else(|error| Verdict::Failed(error.to_string()))
    }

    fn compare(&self, case: &Case) -> io::Result<Verdict> {
        let directory = tempfile::tempdir()?;
        let root = fs::canonicalize(directory.path())?.join("r");
        let shown = root.to_string_lossy().into_owned();
        lay_out(case, &root, &shown)?;
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).arg(normal(&root.join(&case.entry))).args(&case.arguments);
        let ended = process::run(command.current_dir(&root).env("PATH", &self.path), LIMIT)?;
        let said = ended.stderr.trim();
        Ok(match (ended.status, &case.expected) {
            (Status::TimedOut, _) => Verdict::Failed("timed out".to_owned()),
            (Status::Crashed, _) => Verdict::Failed(format!("crashed: {said}")),
            (Status::Refused, None) => Verdict::Passed,
            (Status::Refused, Some(_)) => Verdict::Failed(format!("refused: {said}")),
            (Status::Done, None) => Verdict::Failed("should have been refused".to_owned()),
            (Status::Done, Some(expected)) => {
                let output = String::from_utf8_lossy(&ended.stdout).into_owned();
                let output = match &case.placeholder {
                    Some(placeholder) => output.replace(&shown, placeholder),
                    None => output,
                };
                judge(&mask(&String::from_utf8_lossy(expected)), &mask(&output))
            }
        })
    }
}

/// Copies the tree and fills in what it could not hold.
fn lay_out(case: &Case, root: &Path, shown: &str) -> io::Result<()> {
    if !case.input.is_dir() {
        // An empty tree is not there at all.
        return fs::create_dir_all(root);
    }
    tree::copy(&case.input, root, &|file| {
        let content = fs::read(file)?;
        if let Some(placeholder) = &case.placeholder {
            match std::str::from_utf8(&content) {
                Ok(text) if text.contains(placeholder.as_str()) => {
                    fs::write(file, text.replace(placeholder.as_str(), shown))?;
                }
                _ => {}
            }
        }
        if content.starts_with(b"#!") { make_executable(file) } else { Ok(()) }
    })?;
    case.empty_directories.iter().try_for_each(|directory| fs::create_dir_all(root.join(directory)))
}

#[cfg(unix)]
fn make_executable(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_file: &Path) -> io::Result<()> {
    Ok(())
}

/// The path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

/// Hides the version in the managed-by label, which is the recorded program's own.
fn mask(text: &str) -> String {
    const LABEL: &str = "managed-by: kustomize-";
    let mut parts = text.split(LABEL);
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked.push_str(LABEL);
        masked.push('X');
        masked.push_str(&part[part.find(char::is_whitespace).unwrap_or(part.len())..]);
    }
    masked
}

fn judge(expected: &str, found: &str) -> Verdict {
    if expected == found {
        return Verdict::Passed;
    }
    let (mut wanted, mut had) = (expected.lines(), found.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (wanted.next(), had.next()) {
            (None, None) => return Verdict::Failed("differs in the last line break".to_owned()),
            (wanted, had) if wanted != had => {
                let (wanted, had) = (wanted.unwrap_or("(end)"), had.unwrap_or("(end)"));
                return Verdict::Failed(format!("line {number}: expected `{wanted}`, found `{had}`"));
            }
            _ => {}
        }
    }
}
