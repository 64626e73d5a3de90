//! Decryption of what SOPS encrypted for age keys.
//!
//! The integrity of a document is verified by its MAC, which Flux leaves out: what it reads are rendered
//! resources, whose other fields have changed since. Here the files of a source are verified before they
//! are rendered ([`decrypt_sources`]).
//!
//! Other key services (PGP, AWS and Google KMS, Azure Key Vault, Vault) are refused. Comments of YAML files
//! are lost.

mod cipher;
mod format;
mod hybrid;
mod keys;
mod metadata;
mod plaintext;
mod resource;
mod sources;
mod tree;
mod value;

pub use format::Format;
pub use keys::{Keys, KeysError};
pub use plaintext::Plaintext;
pub use resource::{decrypt_resource, is_encrypted_secret};
pub use sources::decrypt_sources;

use kustomize_core::host::HostError;

/// The largest file that is decrypted, in bytes.
pub const MOST_BYTES: usize = 5 << 20;

/// Whether the MAC of a document is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Integrity {
    /// It has to fit.
    #[default]
    Verify,
    /// It is ignored, as in Flux.
    Ignore,
}

/// Why something cannot be decrypted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SopsError {
    /// The document cannot be read.
    #[error("failed to load encrypted {format} data: {message}")]
    Load {
        /// Its format.
        format: Format,
        /// What is wrong.
        message: String,
    },
    /// None of the keys fits.
    #[error("cannot get sops data key: {0}")]
    NoKey(String),
    /// A value cannot be decrypted.
    #[error("error decrypting sops tree: Error walking tree: {0}")]
    Value(String),
    /// The document is not what was encrypted.
    #[error("failed to verify sops data integrity: expected mac '{wanted}', got '{got}'")]
    Integrity {
        /// The MAC of the document that was encrypted.
        wanted: String,
        /// The MAC of this document.
        got: String,
    },
    /// The document has no form in the format that is wanted.
    #[error("failed to emit encrypted {input} file as decrypted {output}: {message}")]
    Emit {
        /// The format that it had.
        input: Format,
        /// The format that is wanted.
        output: Format,
        /// What is wrong.
        message: String,
    },
    /// A resource cannot be decrypted.
    #[error("failed to decrypt and format '{name}' {part}: {source}")]
    Resource {
        /// `namespace/name`.
        name: String,
        /// The kind and `data`, or the field of a Secret.
        part: String,
        /// Why.
        source: Box<SopsError>,
    },
    /// A file is too large.
    #[error("cannot decrypt file with size ({0} bytes) exceeding limit ({MOST_BYTES})")]
    TooLarge(usize),
    /// A file of the source cannot be decrypted, or is not what was encrypted.
    #[error("{source}")]
    File {
        /// Its path.
        path: String,
        /// Why.
        source: Box<SopsError>,
    },
    /// A file or directory cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Its path.
        path: String,
        /// Why.
        source: HostError,
    },
    /// A kustomization file that cannot be found or read.
    #[error("{0}")]
    Kustomization(String),
}

impl SopsError {
    /// The file that it is about.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self {
            SopsError::File { path, .. } => Some(path),
            _ => None,
        }
    }
}

/// Decrypts a document.
///
/// # Errors
/// A document that SOPS did not write, that none of the keys fits, or that was changed.
pub fn decrypt(
    data: &[u8],
    input: Format,
    output: Format,
    keys: &Keys,
    integrity: Integrity,
) -> Result<Vec<u8>, SopsError> {
    let mut documents = decrypt_documents(data, input, keys, integrity)?;
    format::emit(&mut documents, output).map_err(|message| SopsError::Emit { input, output, message })
}

fn decrypt_documents(
    data: &[u8],
    input: Format,
    keys: &Keys,
    integrity: Integrity,
) -> Result<Vec<value::Branch>, SopsError> {
    let load = |message: String| SopsError::Load { format: input, message };
    let mut documents = format::load(data, input).map_err(load)?;
    let metadata = metadata::take(&mut documents, input).map_err(load)?;
    let key = metadata.data_key(keys)?;
    let mac = tree::decrypt(&mut documents, &metadata, &key).map_err(SopsError::Value)?;
    if integrity == Integrity::Verify {
        let wanted = metadata.mac(&key).map_err(SopsError::Value)?;
        if wanted != mac {
            let wanted = if wanted.is_empty() { "no MAC".to_owned() } else { wanted };
            return Err(SopsError::Integrity { wanted, got: mac });
        }
    }
    Ok(documents)
}
