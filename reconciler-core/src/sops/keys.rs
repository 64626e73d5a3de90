//! The private keys of a Kustomization.

use std::io::Read as _;
use std::str::FromStr as _;

use age::armor::ArmoredReader;
use age::{DecryptError, Identity, x25519};
use zeroize::Zeroizing;

use super::cipher::DataKey;
use super::hybrid;

/// The ending of entries of a Secret that hold age keys.
const AGE_ENDING: &str = ".agekey";

/// Private keys for age.
#[derive(Default)]
pub struct Keys(Vec<Box<dyn Identity + Send + Sync>>);

/// An entry of a Secret that holds no keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse and add to age identities: {0}")]
pub struct KeysError(String);

impl Keys {
    /// Adds the keys of a Secret's entry. Entries that do not end in `.agekey` are none.
    ///
    /// # Errors
    /// An entry that is no list of keys, one a line.
    pub fn add_entry(&mut self, name: &str, content: &[u8]) -> Result<(), KeysError> {
        if !name.ends_with(AGE_ENDING) {
            return Ok(());
        }
        let content = Zeroizing::new(String::from_utf8_lossy(content).into_owned());
        for line in content.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            self.0.push(parse(line)?);
        }
        Ok(())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Decrypts the key of a document. A failure is told in the words that SOPS has for it.
    pub(super) fn open(&self, armored: &str) -> Result<DataKey, String> {
        if self.0.is_empty() {
            return Err("failed to load age identities: there are no private keys".to_owned());
        }
        let failed = |reason: String| {
            format!("failed to create reader for decrypting sops data key with age: {reason}")
        };
        let decryptor = age::Decryptor::new(ArmoredReader::new(armored.as_bytes()))
            .map_err(|failure| failed(failure.to_string()))?;
        let identities = self.0.iter().map(|identity| identity.as_ref() as &dyn Identity);
        let mut reader = decryptor.decrypt(identities).map_err(|failure| match failure {
            DecryptError::NoMatchingKeys if self.0.len() == 1 => failed(
                "identity did not match any of the recipients: incorrect identity for recipient block"
                    .to_owned(),
            ),
            DecryptError::NoMatchingKeys => failed("no identity matched any of the recipients".to_owned()),
            other => failed(other.to_string()),
        })?;
        let mut key = DataKey::default();
        reader
            .read_to_end(&mut key)
            .map_err(|failure| format!("failed to copy age decrypted data into bytes.Buffer: {failure}"))?;
        Ok(key)
    }
}

fn parse(line: &str) -> Result<Box<dyn Identity + Send + Sync>, KeysError> {
    if line.starts_with("AGE-PLUGIN-") {
        return Err(KeysError("age plugins are not supported".to_owned()));
    }
    let malformed = |failure| KeysError(format!("malformed secret key: {failure}"));
    if line.starts_with(hybrid::PREFIX) {
        return Ok(Box::new(line.parse::<hybrid::Identity>().map_err(malformed)?));
    }
    if !line.starts_with("AGE-SECRET-KEY-1") {
        return Err(KeysError("unknown identity type".to_owned()));
    }
    Ok(Box::new(x25519::Identity::from_str(line).map_err(malformed)?))
}
