//! Keys with which git signs commits. They are in files that only this user can read, and that are removed on drop.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use thiserror::Error;

use super::program::{make_executable, private_file};

/// Why nothing can be signed with a key.
#[derive(Debug, Error)]
pub enum SigningError {
    /// An entry of the Secret is missing.
    #[error("there is no key '{0}', which has to hold the private key")]
    Missing(&'static str),
    /// The kind of key is unknown.
    #[error("keys of the type '{0}' are unknown, only gpg and ssh are")]
    Type(String),
    /// The files cannot be written, or a program is missing.
    #[error("{what}: {source}")]
    Io {
        /// What failed.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The program `gpg` does not take the key.
    #[error("gpg cannot use 'git.asc': {0}")]
    Gpg(String),
}

/// A key to sign with.
pub struct SigningKey {
    directory: TempDir,
    /// What git is told.
    settings: Vec<String>,
    has_agent: bool,
}

impl SigningKey {
    /// Reads the Secret of a key: `git.asc` and `passphrase` with the type `gpg`, which is the default; `identity` and
    /// `password` with the type `ssh`.
    pub fn from_secret(type_: Option<&str>, data: &BTreeMap<String, Vec<u8>>) -> Result<Self, SigningError> {
        let entry = |name| data.get(name).filter(|value| !value.is_empty());
        let needed = |name| entry(name).ok_or(SigningError::Missing(name));
        match type_.filter(|type_| !type_.is_empty()).unwrap_or("gpg") {
            "gpg" => Self::gpg(needed("git.asc")?, entry("passphrase")),
            "ssh" => Self::ssh(needed("identity")?, entry("password"))
                .map_err(|source| SigningError::Io { what: "the key cannot be written", source }),
            other => Err(SigningError::Type(other.to_owned())),
        }
    }

    fn ssh(identity: &[u8], password: Option<&Vec<u8>>) -> io::Result<Self> {
        let directory = TempDir::with_prefix("reconciler-key-")?;
        let mut identity = identity.to_owned();
        if !identity.ends_with(b"\n") {
            identity.push(b'\n');
        }
        let key = private_file(directory.path(), "identity", &identity)?;
        let mut settings = vec!["gpg.format=ssh".to_owned(), format!("user.signingKey={}", key.display())];
        if let Some(password) = password {
            let file = private_file(directory.path(), "password", password)?;
            let ask = script(directory.path(), "ask", &format!("cat {}", quoted(&file)))?;
            let variables = format!("SSH_ASKPASS={} SSH_ASKPASS_REQUIRE=force", quoted(&ask));
            let program = script(directory.path(), "sign", &format!("{variables} exec ssh-keygen \"$@\""))?;
            settings.push(format!("gpg.ssh.program={}", program.display()));
        }
        Ok(SigningKey { directory, settings, has_agent: false })
    }

    fn gpg(key: &[u8], passphrase: Option<&Vec<u8>>) -> Result<Self, SigningError> {
        let written = |source| SigningError::Io { what: "the key cannot be written", source };
        let directory = TempDir::with_prefix("reconciler-key-").map_err(written)?;
        let home = directory.path();
        let key = private_file(home, "git.asc", key).map_err(written)?;
        let empty = Vec::new();
        let passphrase = private_file(home, "passphrase", passphrase.unwrap_or(&empty)).map_err(written)?;
        let line = format!(
            "exec gpg --homedir {} --batch --no-tty --pinentry-mode loopback --passphrase-file {} \"$@\"",
            quoted(home),
            quoted(&passphrase)
        );
        let program = script(home, "sign", &line).map_err(written)?;
        let mut signing = SigningKey { directory, settings: Vec::new(), has_agent: true };
        run(&program, &["--import".as_ref(), key.as_os_str()])?;
        let listed = run(&program, &["--list-secret-keys".as_ref(), "--with-colons".as_ref()])?;
        let listed = String::from_utf8_lossy(&listed.stdout);
        let fingerprint = listed
            .lines()
            .find_map(|line| line.strip_prefix("fpr:")?.trim_end_matches(':').rsplit(':').next());
        let fingerprint =
            fingerprint.ok_or_else(|| SigningError::Gpg("it is not a private key".to_owned()))?;
        signing.settings = vec![
            "gpg.format=openpgp".to_owned(),
            format!("gpg.program={}", program.display()),
            format!("user.signingKey={fingerprint}"),
        ];
        Ok(signing)
    }

    /// What git is told, as `name=value`.
    pub fn settings(&self) -> &[String] {
        &self.settings
    }
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        if self.has_agent {
            // The agent of gpg outlives it. It ends by itself when its directory is gone.
            let mut command = Command::new("gpgconf");
            command.arg("--homedir").arg(self.directory.path()).args(["--kill", "all"]);
            let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

/// Runs gpg.
fn run(program: &Path, arguments: &[&std::ffi::OsStr]) -> Result<Output, SigningError> {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).output();
    let output = output.map_err(|source| SigningError::Io { what: "gpg cannot be run", source })?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(SigningError::Gpg(last.to_owned()))
}

/// A program of one line.
fn script(directory: &Path, name: &str, line: &str) -> io::Result<PathBuf> {
    let path = private_file(directory, name, format!("#!/bin/sh\n{line}\n").as_bytes())?;
    make_executable(&path)?;
    Ok(path)
}

/// A path as a word of the shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}
