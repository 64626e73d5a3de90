//! A working copy of a repository that is written to, through the `git` program.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tempfile::TempDir;

use super::bootstrap::Signing;
use super::{Failure, Result};

/// How the repository lets one in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    pub(crate) username: String,
    pub(crate) password: String,
    /// File with a private key for ssh.
    pub(crate) private_key: Option<PathBuf>,
    /// File with the CA certificate of the server.
    pub(crate) authority: Option<PathBuf>,
    /// The password is a token that is sent without a user name.
    pub(crate) is_bearer: bool,
    /// Algorithms of the host's key that are accepted with ssh; git's own choice if empty.
    pub(crate) host_key_algorithms: Vec<String>,
}

/// Who commits.
#[derive(Clone, Debug)]
pub(crate) struct Author {
    pub(crate) name: String,
    pub(crate) email: String,
}

/// A working copy that goes away with the value.
pub(crate) struct Worktree {
    directory: TempDir,
    access: Access,
    branch: String,
}

impl Worktree {
    /// Clones the last commit of a branch, or begins the branch if there is none.
    pub(crate) fn clone(url: &str, branch: &str, access: Access) -> Result<Self> {
        let tree = Worktree { directory: TempDir::new()?, access, branch: branch.to_owned() };
        let known = tree.git(&["ls-remote", "--heads", "--", url, &format!("refs/heads/{branch}")])?;
        if known.trim().is_empty() {
            tree.git(&["init", "--quiet", "--initial-branch", branch])?;
            tree.git(&["remote", "add", "origin", url])?;
        } else {
            tree.git(&["clone", "--quiet", "--depth=1", "--branch", branch, "--", url, "."])?;
        }
        Ok(tree)
    }

    /// Where the files are.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file; its directories are made.
    pub(crate) fn write(&self, path: &Path, text: &str) -> Result {
        let path = self.path().join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        Ok(std::fs::write(path, text)?)
    }

    /// Commits what has changed below a path, if anything has, and gives the commit.
    pub(crate) fn commit(
        &self,
        path: &Path,
        author: &Author,
        message: &str,
        signing: Option<&Signing>,
    ) -> Result<Option<String>> {
        let path = path.to_string_lossy();
        self.git(&["add", "--all", "--", &path])?;
        if self.git(&["status", "--porcelain", "--untracked-files=no"])?.trim().is_empty() {
            return Ok(None);
        }
        let name = format!("user.name={}", author.name);
        let email = format!("user.email={}", author.email);
        let is_signed = format!("commit.gpgsign={}", signing.is_some());
        let mut settings = vec![name, email, is_signed];
        settings.extend(signing.into_iter().flat_map(Signing::settings));
        let mut args: Vec<&str> = settings.iter().flat_map(|setting| ["-c", setting]).collect();
        args.extend(["commit", "--quiet", "-m", message]);
        self.git(&args)?;
        self.head().map(Some)
    }

    /// The current commit.
    pub(crate) fn head(&self) -> Result<String> {
        Ok(self.git(&["rev-parse", "HEAD"])?.trim().to_owned())
    }

    /// Pushes the branch.
    pub(crate) fn push(&self) -> Result {
        self.git(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/{}", self.branch)]).map(drop)
    }

    fn git(&self, args: &[&str]) -> Result<String> {
        let mut settings: Vec<(&str, OsString)> = Vec::new();
        if !self.access.password.is_empty() {
            let Access { username, password, .. } = &self.access;
            let header = match self.access.is_bearer {
                true => format!("Authorization: Bearer {password}"),
                false => format!("Authorization: Basic {}", BASE64.encode(format!("{username}:{password}"))),
            };
            settings.push(("http.extraHeader", header.into()));
        }
        if let Some(authority) = &self.access.authority {
            settings.push(("http.sslCAInfo", std::path::absolute(authority)?.into()));
        }
        let mut command = Command::new("git");
        command.args(args).current_dir(self.path()).stdin(Stdio::null()).env("GIT_TERMINAL_PROMPT", "0");
        // In the environment other users do not see it, as they would in arguments.
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (index, (key, value)) in settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{index}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        let mut ssh = "ssh".to_owned();
        if let Some(key) = &self.access.private_key {
            let key = std::path::absolute(key)?.display().to_string().replace('\'', "'\\''");
            ssh.push_str(&format!(
                " -i '{key}' -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new -o BatchMode=yes"
            ));
        }
        if !self.access.host_key_algorithms.is_empty() {
            ssh.push_str(&format!(" -o HostKeyAlgorithms={}", self.access.host_key_algorithms.join(",")));
        }
        if ssh != "ssh" {
            command.env("GIT_SSH_COMMAND", ssh);
        }
        let output = command
            .output()
            .map_err(|error| Failure::failed(format!("the program git cannot be run: {error}")))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let mut message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if !self.access.password.is_empty() {
            message = message.replace(&self.access.password, "*****");
        }
        let word = args.iter().find(|arg| !arg.starts_with('-') && !arg.contains('=')).unwrap_or(&"");
        Err(Failure::failed(format!("git {word} failed: {message}")))
    }
}
