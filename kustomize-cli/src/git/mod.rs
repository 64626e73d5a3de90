//! What the repository around the current directory says, through the `git` program. Nothing in it
//! is written, not even git's own caches.

mod blobs;
mod changes;
mod revision;
mod submodule;

#[cfg(unix)]
use std::ffi::OsStr;
#[cfg(unix)]
use std::path::Path;
use std::process::{Command, Stdio};

use kustomize_diagnostic::Diagnostic;
use kustomize_host::OsHost;

use crate::failure::Failure;
pub(crate) use revision::Revision;

/// A repository on this machine.
#[derive(Debug)]
pub(crate) struct Repository {
    /// The top of its working tree.
    top: String,
    /// That directory as seen from there, empty or with a slash at its end.
    prefix: String,
}

impl Repository {
    /// The top of its working tree.
    pub(crate) fn top(&self) -> &str {
        &self.top
    }

    /// The one that a directory is in.
    pub(crate) fn around(directory: &str) -> Result<Self, Failure> {
        let arguments = ["rev-parse", "--show-toplevel", "--show-prefix"];
        let output = output(directory, &arguments)?.map_err(|said| match said.as_str() {
            // Anything else, such as whose the repository is, git says itself.
            said if said.contains("not a git repository") || said.contains("in a work tree") => {
                let message = format!("{directory} is in no working tree of a git repository");
                let help = "revisions are looked up in the repository around it: run this in one";
                Diagnostic::error(message).with_help(help).into()
            }
            said => failed(&arguments, said),
        })?;
        let (top, prefix) = output.split_once('\n').unwrap_or((&output, ""));
        Ok(Repository { top: top.to_owned(), prefix: prefix.trim_end_matches('\n').to_owned() })
    }

    /// Whether it knows a revision.
    pub(crate) fn has(&self, revision: &str) -> bool {
        self.commit(revision).is_ok()
    }

    /// The commit that a revision means.
    fn commit(&self, revision: &str) -> Result<String, Failure> {
        let commit = format!("{revision}^{{commit}}");
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
        match git(&self.top, &arguments) {
            Ok(output) => Ok(output.trim_end().to_owned()),
            Err(_) => {
                let message = format!("unknown revision {revision:?} in {}", self.top);
                Err(Diagnostic::error(message).with_help("fetch it first, or correct its name").into())
            }
        }
    }
}

/// Variables that tie git to one repository, set in git's hooks: which one is meant is said by the
/// directory, and relative paths would be seen from there.
const OF_ANOTHER_REPOSITORY: [&str; 7] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
];

/// A `git` command in a directory.
fn command(directory: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    // No program that the repository names to watch its files. And a directory of the repository may look
    // like a repository itself, with a configuration that names programs.
    command.args(["-c", "core.fsmonitor=false", "-c", "safe.bareRepository=explicit", "-C"]);
    command.arg(OsHost::machine_path(directory)).args(arguments);
    for name in OF_ANOTHER_REPOSITORY {
        command.env_remove(name);
    }
    command.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    command.stdin(Stdio::null());
    command
}

/// Standard output of a `git` command, with paths as the library writes them.
fn git(directory: &str, arguments: &[&str]) -> Result<String, Failure> {
    output(directory, arguments)?.map_err(|said| failed(arguments, &said))
}

/// The same, or what git said when it failed.
fn output(directory: &str, arguments: &[&str]) -> Result<Result<String, String>, Failure> {
    let output = command(directory, arguments).output();
    let output = output.map_err(|error| {
        let help = "revisions are looked up with git: install it";
        Failure::from(Diagnostic::error(format!("cannot run git: {error}")).with_help(help))
    })?;
    if output.status.success() {
        return Ok(Ok(written(output.stdout)));
    }
    Ok(Err(String::from_utf8_lossy(&output.stderr).trim().trim_start_matches("fatal: ").to_owned()))
}

/// Paths between other things.
fn written(output: Vec<u8>) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let text = Path::new(OsStr::from_bytes(&output));
        OsHost::path(text).unwrap_or_default()
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(&output).into_owned()
    }
}

fn failed(arguments: &[&str], said: &str) -> Failure {
    Failure::new(format!("git {} failed: {said}", arguments.first().unwrap_or(&"")))
}
