//! Keys for ssh and for the hosts it talks to, through the programs of OpenSSH.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::Args;

use super::{Failure, Result};

/// A key pair as files hold it.
pub(crate) struct KeyPair {
    pub(crate) private: String,
    pub(crate) public: String,
}

/// How a new key is made.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyFlags {
    /// Algorithm of a new key for ssh: rsa, ecdsa, ed25519
    #[arg(long = "ssh-key-algorithm", id = "ssh_key_algorithm", value_name = "ALGORITHM", default_value = "ecdsa", value_parser = algorithm)]
    algorithm: String,
    /// Size of a new RSA key: a multiple of 8, at least 1024
    #[arg(long = "ssh-rsa-bits", id = "ssh_rsa_bits", value_name = "BITS", default_value = "2048", value_parser = rsa_bits)]
    rsa_bits: u32,
    /// Curve of a new ECDSA key: p256, p384, p521
    #[arg(long = "ssh-ecdsa-curve", id = "ssh_ecdsa_curve", value_name = "CURVE", default_value = "p384", value_parser = curve)]
    curve: String,
}

/// Reads `--ssh-key-algorithm`.
fn algorithm(text: &str) -> std::result::Result<String, String> {
    match text {
        "rsa" | "ecdsa" | "ed25519" => Ok(text.to_owned()),
        "" => Err("no public key algorithm given, must be one of: rsa, ecdsa, ed25519".to_owned()),
        _ => Err(format!("unsupported public key algorithm '{text}', must be one of: rsa, ecdsa, ed25519")),
    }
}

/// Reads `--ssh-rsa-bits`.
fn rsa_bits(text: &str) -> std::result::Result<u32, String> {
    let bits: u32 = text.parse().map_err(|_| format!("'{text}' is no number"))?;
    match bits {
        ..1024 => Err("RSA key bit size must be at least 1024".to_owned()),
        // The limit of ssh-keygen, which takes a minute for such a key.
        16385.. => Err("RSA key bit size must be at most 16384".to_owned()),
        bits if bits % 8 != 0 => Err("RSA key bit size must be a multiple of 8".to_owned()),
        bits => Ok(bits),
    }
}

/// Reads `--ssh-ecdsa-curve`.
fn curve(text: &str) -> std::result::Result<String, String> {
    match text {
        "p256" | "p384" | "p521" => Ok(text.to_owned()),
        _ => Err(format!("unsupported curve '{text}', must be one of: p256, p384, p521")),
    }
}

impl KeyFlags {
    /// Makes a key pair.
    pub(crate) fn generate(&self) -> Result<KeyPair> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("identity");
        let bits = match self.algorithm.as_str() {
            "rsa" => self.rsa_bits.to_string(),
            "ecdsa" => self.curve.trim_start_matches('p').to_owned(),
            // ed25519 has only one size.
            _ => String::new(),
        };
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", &self.algorithm]);
        if !bits.is_empty() {
            command.args(["-b", &bits]);
        }
        command.args(["-N", "", "-C", "", "-f"]).arg(&file);
        run(&mut command, "ssh-keygen")?;
        let public = std::fs::read_to_string(file.with_extension("pub"))?;
        Ok(KeyPair { private: std::fs::read_to_string(&file)?, public })
    }
}

/// Reads a private key, and computes the public one. An empty password is none.
pub(crate) fn read(path: &Path, password: &str) -> Result<KeyPair> {
    let failed = |error: std::io::Error| {
        Failure::failed(format!("unable to read private key file: open {}: {error}", path.display()))
    };
    let private = std::fs::read_to_string(path).map_err(failed)?;
    if private.trim().is_empty() {
        // What ssh-keygen says of it depends on its version.
        return Err(Failure::failed(format!("unable to read private key file: {} is empty", path.display())));
    }
    // A key that needs another password is refused here, since this one does not fit.
    let mut command = Command::new("ssh-keygen");
    command.args(["-y", "-P", password, "-f"]).arg(path);
    let public = run(&mut command, "ssh-keygen").map_err(|failure| match failure {
        Failure::Failed(reason) if reason.contains("incorrect passphrase") => {
            Failure::Failed(match password {
                "" => format!("{reason}: {} is protected by a password, and none was given", path.display()),
                _ => format!("{reason}: the password does not fit {}", path.display()),
            })
        }
        other => other,
    })?;
    Ok(KeyPair { private, public })
}

/// The keys that a host shows.
pub(crate) fn scan(host: &str, port: Option<u16>) -> Result<String> {
    let port = port.unwrap_or(22).to_string();
    let mut command = Command::new("ssh-keyscan");
    command.args(["-T", "10", "-p", &port, host]);
    let output = output(&mut command, "ssh-keyscan")?;
    // Without a key it succeeds with nothing but comments, or fails without a message.
    let keys = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() && !keys.trim().is_empty() {
        return Ok(keys);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> =
        said.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).collect();
    let reason = match said.as_slice() {
        [] => "it does not answer as an ssh server".to_owned(),
        lines => lines.join("; "),
    };
    Err(Failure::failed(format!(
        "the host {host} shows no ssh key on port {port}: {reason}; can it be reached from here, and is the port \
         right? Another one is part of the address, as in ssh://git@{host}:2222/org/repository"
    )))
}

fn run(command: &mut Command, name: &str) -> Result<String> {
    let output = output(command, name)?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Failure::failed(format!("{name} failed: {message}")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn output(command: &mut Command, name: &str) -> Result<Output> {
    let output = command.stdin(Stdio::null()).output();
    output.map_err(|error| Failure::failed(format!("the program {name} cannot be run: {error}")))
}

#[cfg(test)]
mod tests {
    use super::{algorithm, curve, rsa_bits};

    #[test]
    fn sizes_and_names_of_keys_are_those_of_flux() {
        assert_eq!(rsa_bits("4096"), Ok(4096));
        for bad in ["", "1000", "2049", "-8", "99999999"] {
            assert!(rsa_bits(bad).is_err(), "{bad}");
        }
        assert!(algorithm("dsa").is_err() && algorithm("rsa").is_ok());
        assert!(curve("p384").is_ok() && curve("384").is_err());
    }
}
