//! Keys for ssh and for the hosts it talks to, through the programs of OpenSSH.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{Failure, Result};

/// A key pair as files hold it.
pub(crate) struct KeyPair {
    pub(crate) private: String,
    pub(crate) public: String,
}

/// Makes an ECDSA key pair on the curve P-384.
pub(crate) fn generate() -> Result<KeyPair> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("identity");
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ecdsa", "-b", "384", "-N", "", "-C", "", "-f"]).arg(&file);
    run(&mut command, "ssh-keygen")?;
    let public = std::fs::read_to_string(file.with_extension("pub"))?;
    Ok(KeyPair { private: std::fs::read_to_string(&file)?, public })
}

/// Reads a private key, and computes the public one.
pub(crate) fn read(path: &Path) -> Result<KeyPair> {
    let failed = |error: std::io::Error| {
        Failure::failed(format!("unable to read private key file: open {}: {error}", path.display()))
    };
    let private = std::fs::read_to_string(path).map_err(failed)?;
    // A key that needs a password is refused here, since an empty one does not fit.
    let public = run(Command::new("ssh-keygen").args(["-y", "-P", "", "-f"]).arg(path), "ssh-keygen")?;
    Ok(KeyPair { private, public })
}

/// The keys that a host shows.
pub(crate) fn scan(host: &str, port: Option<u16>) -> Result<String> {
    let port = port.unwrap_or(22).to_string();
    let keys = run(Command::new("ssh-keyscan").args(["-T", "10", "-p", &port, host]), "ssh-keyscan")?;
    if keys.trim().is_empty() {
        return Err(Failure::failed(format!("the host {host} shows no key on port {port}")));
    }
    Ok(keys)
}

fn run(command: &mut Command, name: &str) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::failed(format!("the program {name} cannot be run: {error}")))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Failure::failed(format!("{name} failed: {message}")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
