//! Decrypting all values of documents.

use sha2::{Digest as _, Sha512};

use super::cipher::{self, DataKey};
use super::metadata::Metadata;
use super::value::{Branch, Item, Value};

/// What the MAC begins with if only encrypted values have part in it.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b, 0x0b,
    0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// Decrypts documents in place and gives their MAC.
pub(super) fn decrypt(
    documents: &mut [Branch],
    metadata: &Metadata,
    key: &DataKey,
) -> Result<String, String> {
    let mut hash = Sha512::new();
    if metadata.mac_only_encrypted {
        hash.update(ONLY_ENCRYPTED);
    }
    let mut walk = Walk { metadata, key, hash };
    for document in documents {
        walk.branch(document, &mut Vec::new())?;
    }
    Ok(walk.hash.finalize().iter().map(|byte| format!("{byte:02X}")).collect())
}

struct Walk<'a> {
    metadata: &'a Metadata,
    key: &'a DataKey,
    hash: Sha512,
}

impl Walk<'_> {
    fn branch(&mut self, branch: &mut Branch, path: &mut Vec<String>) -> Result<(), String> {
        for item in branch {
            match item {
                Item::Comment(text) => *text = self.comment(text, path),
                Item::Entry(key, value) => {
                    path.push(key.clone());
                    self.value(value, path)?;
                    path.pop();
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, value: &mut Value, path: &mut Vec<String>) -> Result<(), String> {
        match value {
            Value::Map(map) => return self.branch(map, path),
            Value::List(items) => return items.iter_mut().try_for_each(|item| self.value(item, path)),
            Value::Null => return Ok(()),
            Value::Comment(text) => {
                *text = self.comment(text, path);
                return Ok(());
            }
            _ => {}
        }
        let is_encrypted = self.is_encrypted(path);
        if is_encrypted {
            let text = value.as_text().ok_or("Expected encrypted value as string, but got another type")?;
            *value = cipher::decrypt(text, self.key, &context(path))
                .map_err(|reason| format!("Could not decrypt value: {reason}"))?;
        }
        if is_encrypted || !self.metadata.mac_only_encrypted {
            self.hash.update(value.bytes().unwrap_or_default());
        }
        Ok(())
    }

    /// A comment that cannot be decrypted was not encrypted.
    fn comment(&self, text: &str, path: &[String]) -> String {
        if !self.is_encrypted(path) {
            return text.to_owned();
        }
        cipher::decrypt(text, self.key, &context(path))
            .map_or_else(|_| text.to_owned(), |value| value.plain())
    }

    fn is_encrypted(&self, path: &[String]) -> bool {
        self.metadata.is_encrypted(&path.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// The place of a value, which its encryption depends on.
fn context(path: &[String]) -> String {
    format!("{}:", path.join(":"))
}
