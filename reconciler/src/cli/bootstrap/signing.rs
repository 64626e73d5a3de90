//! Keys that the commits of `bootstrap` are signed with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use reconciler::source::git::{SigningError, SigningKey};

use crate::cli::{Failure, Result, ssh_key};

/// Which key commits are signed with.
#[derive(Args)]
pub(super) struct SigningFlags {
    /// File with OpenPGP keys, to sign commits with
    #[arg(long)]
    gpg_key_ring: Option<PathBuf>,
    /// Passphrase of the OpenPGP key
    #[arg(long, default_value = "", requires = "gpg_key_ring")]
    gpg_passphrase: String,
    /// Id of the OpenPGP key; the first one of the file if absent
    #[arg(long, requires = "gpg_key_ring", value_parser = key_id)]
    gpg_key_id: Option<String>,
    /// File with a private key for ssh, to sign commits with
    #[arg(long)]
    ssh_signing_key_file: Option<PathBuf>,
    /// Password of that key
    #[arg(long, alias = "ssh-signing-passphrase", default_value = "")]
    ssh_signing_password: String,
    /// Sign commits with the key of --private-key-file
    #[arg(long)]
    ssh_signing_reuse_private_key: bool,
}

/// Reads `--gpg-key-id`.
fn key_id(text: &str) -> std::result::Result<String, String> {
    let digits = text.trim_start_matches("0x");
    match digits.len() >= 8 && digits.chars().all(|letter| letter.is_ascii_hexdigit()) {
        true => Ok(digits.to_owned()),
        false => Err(format!("'{text}' is no key id, which has 8 to 40 hexadecimal digits")),
    }
}

/// A key to sign commits with. Its files are removed with it.
pub(crate) struct Signing {
    key: SigningKey,
    /// The key among several of a key ring.
    id: Option<String>,
}

impl Signing {
    /// What git is told, as `name=value`.
    pub(crate) fn settings(&self) -> Vec<String> {
        let mut settings = self.key.settings().to_vec();
        if let Some(id) = &self.id {
            // The last one counts.
            settings.push(format!("user.signingKey={id}"));
        }
        settings
    }
}

impl SigningFlags {
    /// The key, if commits are to be signed. It is read before anything is changed.
    pub(super) fn key(&self, private_key: Option<&Path>) -> Result<Option<Signing>> {
        let ssh = match (&self.ssh_signing_key_file, self.ssh_signing_reuse_private_key) {
            (Some(_), true) => {
                return Err(Failure::usage(
                    "--ssh-signing-key-file and --ssh-signing-reuse-private-key are mutually exclusive",
                ));
            }
            (None, true) if private_key.is_none() => {
                return Err(Failure::usage("--ssh-signing-reuse-private-key requires --private-key-file"));
            }
            (None, true) => private_key,
            (file, false) => file.as_deref(),
        };
        if !self.ssh_signing_password.is_empty() && self.ssh_signing_key_file.is_none() {
            return Err(Failure::usage("--ssh-signing-password requires --ssh-signing-key-file"));
        }
        match (&self.gpg_key_ring, ssh) {
            (Some(_), Some(_)) => Err(Failure::usage(
                "--gpg-* and --ssh-signing-* are mutually exclusive; pick one signing format",
            )),
            (Some(file), None) => {
                let key = read("gpg", file, ("git.asc", "passphrase"), &self.gpg_passphrase)?;
                Ok(Some(Signing { key, id: self.gpg_key_id.clone() }))
            }
            (None, Some(file)) => {
                // git would find out only when it commits.
                ssh_key::read(file, &self.ssh_signing_password)?;
                let key = read("ssh", file, ("identity", "password"), &self.ssh_signing_password)?;
                Ok(Some(Signing { key, id: None }))
            }
            (None, None) => Ok(None),
        }
    }
}

/// Reads a key and its password, as a Secret would have them.
fn read(type_: &str, file: &Path, (name, secret): (&str, &str), password: &str) -> Result<SigningKey> {
    let failed = |reason: &dyn std::fmt::Display| {
        Failure::failed(format!("commits cannot be signed with {}: {reason}", file.display()))
    };
    let mut data = BTreeMap::from([(name.to_owned(), std::fs::read(file).map_err(|error| failed(&error))?)]);
    if !password.is_empty() {
        data.insert(secret.to_owned(), password.as_bytes().to_vec());
    }
    SigningKey::from_secret(Some(type_), &data).map_err(|error| match error {
        SigningError::Gpg(reason) => failed(&format!("gpg does not take it: {reason}")),
        other => failed(&other),
    })
}

#[cfg(test)]
mod tests {
    use super::key_id;

    #[test]
    fn key_ids_are_hexadecimal() {
        assert_eq!(key_id("0xA1B2C3D4"), Ok("A1B2C3D4".to_owned()));
        for bad in ["", "A1", "me@example.com", "--help-me"] {
            assert!(key_id(bad).is_err(), "{bad}");
        }
    }
}
