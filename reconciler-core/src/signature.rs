//! Signatures of git's commits and tags, made with OpenPGP or ssh.
//!
//! What is signed is the object as git stores it, without the signature in it.

mod openpgp;
mod ssh;

use std::collections::BTreeMap;

use jiff::Timestamp;

/// How the keys of a Secret end that are for ssh.
const SSH_SUFFIX: &str = ".sshpub";
/// The header of a commit with its signature.
const HEADER: &[u8] = b"gpgsig";
/// The longest signature, in bytes.
const LONGEST: usize = 64 << 10;
/// How signatures begin.
const OPENPGP_BEGIN: &str = "-----BEGIN PGP SIGNATURE-----";
const SSH_BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const X509_BEGIN: &str = "-----BEGIN SIGNED MESSAGE-----";

/// Why a signature is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// It is of another kind, or there is none.
    #[error("unsupported signature type: {0}")]
    Type(&'static str),
    /// There are no keys of its kind.
    #[error(
        "{kind} signature detected but no {kind} public keys found in secret (keys with {suffix} suffix)"
    )]
    NoKeys {
        /// The kind.
        kind: &'static str,
        /// How such keys are named.
        suffix: &'static str,
    },
    /// The signed object cannot be read.
    #[error("{0}")]
    Object(&'static str),
    /// None of the keys can be read.
    #[error("unable to verify Git {what}: unable to read {keys}: {error}")]
    Keys {
        /// What is signed.
        what: String,
        /// What the keys are.
        keys: &'static str,
        /// Why.
        error: String,
    },
    /// The signature cannot be read, or none of the keys has made it.
    #[error("unable to verify Git {what}: {error}")]
    NotVerified {
        /// What is signed.
        what: String,
        /// Why.
        error: String,
    },
}

/// The public keys that are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedKeys {
    openpgp: Vec<String>,
    ssh: Vec<String>,
}

impl TrustedKeys {
    /// The keys in the data of a Secret. Those whose name ends with `.sshpub` are for ssh, all others for OpenPGP.
    #[must_use]
    pub fn from_secret(data: &BTreeMap<String, Vec<u8>>) -> Self {
        let mut keys = TrustedKeys::default();
        for (name, value) in data {
            let list = if name.ends_with(SSH_SUFFIX) { &mut keys.ssh } else { &mut keys.openpgp };
            list.push(String::from_utf8_lossy(value).into_owned());
        }
        keys
    }
}

/// A commit or tag, apart from its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    what: &'static str,
    content: Vec<u8>,
    signature: String,
}

impl Signed {
    /// Takes a commit apart, as git stores it.
    ///
    /// # Errors
    /// It has several signatures, or one that is no text or too long.
    pub fn commit(object: &[u8]) -> Result<Self, SignatureError> {
        let (mut content, mut signature) = (Vec::with_capacity(object.len()), Vec::new());
        let (mut rest, mut signatures) = (object, 0);
        // Where the lines go that continue a header.
        let mut header = Header::Other;
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
            let (line, after) = rest.split_at(end);
            if line == b"\n" {
                // The message, which may look like a header.
                content.extend_from_slice(rest);
                break;
            }
            if !line.starts_with(b" ") {
                header = Header::of(line);
                signatures += usize::from(header == Header::Signature);
            }
            match header {
                Header::Signature => {
                    let text = line.strip_prefix(b" ").or_else(|| line.strip_prefix(b"gpgsig "));
                    signature.extend_from_slice(text.unwrap_or_default());
                }
                Header::OtherSignature => {}
                Header::Other => content.extend_from_slice(line),
            }
            rest = after;
        }
        if signatures > 1 {
            return Err(SignatureError::Object("the commit has more than one signature"));
        }
        Signed::new("commit", content, signature)
    }

    /// Takes a tag apart, as git stores it. The signature is at the end of its message.
    ///
    /// # Errors
    /// The signature is no text or too long.
    pub fn tag(object: &[u8]) -> Result<Self, SignatureError> {
        let (mut start, mut found) = (0, object.len());
        for line in object.split_inclusive(|byte| *byte == b'\n') {
            let is_begin =
                |begin: &&str| line.strip_suffix(b"\n").unwrap_or(line).trim_ascii_end() == begin.as_bytes();
            if [OPENPGP_BEGIN, SSH_BEGIN, X509_BEGIN].iter().any(is_begin) {
                found = start;
            }
            start += line.len();
        }
        let (content, signature) = object.split_at(found);
        Signed::new("tag", content.to_vec(), signature.to_vec())
    }

    fn new(what: &'static str, content: Vec<u8>, signature: Vec<u8>) -> Result<Self, SignatureError> {
        if signature.len() > LONGEST {
            return Err(SignatureError::Object("the signature is too long"));
        }
        let signature =
            String::from_utf8(signature).map_err(|_| SignatureError::Object("the signature is no text"))?;
        Ok(Signed { what, content, signature: signature.trim().to_owned() })
    }

    /// Whether there is a signature, of whatever kind.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        !self.signature.is_empty()
    }

    /// Verifies the signature at a time. Returns the key that has made it: the id of an OpenPGP key, or the
    /// fingerprint of an ssh key.
    ///
    /// # Errors
    /// There is no signature of one of the keys, or the key is not valid any more.
    pub fn verify(&self, keys: &TrustedKeys, now: Timestamp) -> Result<String, SignatureError> {
        if self.signature.starts_with(OPENPGP_BEGIN) {
            if keys.openpgp.is_empty() {
                return Err(SignatureError::NoKeys { kind: "PGP", suffix: ".asc" });
            }
            return openpgp::verify(&self.signature, &self.content, &keys.openpgp, now)
                .map_err(|failure| failure.of(self.what.to_owned(), "armored key ring"));
        }
        if self.signature.starts_with(SSH_BEGIN) {
            if keys.ssh.is_empty() {
                return Err(SignatureError::NoKeys { kind: "SSH", suffix: SSH_SUFFIX });
            }
            return ssh::verify(&self.signature, &self.content, &keys.ssh)
                .map_err(|failure| failure.of(format!("{} SSH signature", self.what), "authorized keys"));
        }
        let is_x509 = self.signature.starts_with(X509_BEGIN);
        Err(SignatureError::Type(match self.is_signed() {
            true if is_x509 => "x509",
            true => "unknown",
            false => "empty",
        }))
    }
}

/// What a header of a commit is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    /// The signature.
    Signature,
    /// A signature of the same commit under another hash, which is not signed either.
    OtherSignature,
    Other,
}

impl Header {
    fn of(line: &[u8]) -> Self {
        match line.strip_prefix(HEADER) {
            Some([b' ', ..]) => Header::Signature,
            Some(_) => Header::OtherSignature,
            None => Header::Other,
        }
    }
}

/// Why no key has verified a signature.
enum Failure {
    /// The keys cannot be read.
    Keys(String),
    /// The signature cannot be read, or none of the keys has made it.
    Signature(String),
}

impl Failure {
    fn of(self, what: String, keys: &'static str) -> SignatureError {
        match self {
            Failure::Keys(error) => SignatureError::Keys { what, keys, error },
            Failure::Signature(error) => SignatureError::NotVerified { what, error },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_taken_apart() -> Result<(), SignatureError> {
        let commit = b"tree 1\ngpgsig -----BEGIN x-----\n \n a\n -----END x-----\ngpgsig-sha256 b\n c\nencoding x\n\ngpgsig no\n";
        let signed = Signed::commit(commit)?;
        assert_eq!(signed.content, b"tree 1\nencoding x\n\ngpgsig no\n");
        assert_eq!(signed.signature, "-----BEGIN x-----\n\na\n-----END x-----");
        let merge = b"tree 1\nmergetag object 2\n -----BEGIN PGP SIGNATURE-----\n\nm\n";
        let signed = Signed::commit(merge)?;
        assert_eq!(signed.content, merge);
        assert!(!signed.is_signed());
        let twice = b"tree 1\ngpgsig a\ngpgsig b\n\nm\n";
        assert_eq!(
            Signed::commit(twice),
            Err(SignatureError::Object("the commit has more than one signature"))
        );
        Ok(())
    }

    #[test]
    fn tags_are_taken_apart_at_the_last_signature() -> Result<(), SignatureError> {
        let tag = "object 1\n\nm\n-----BEGIN PGP SIGNATURE-----\na\n-----BEGIN SSH SIGNATURE-----\nb\n";
        let signed = Signed::tag(tag.as_bytes())?;
        assert_eq!(signed.content, b"object 1\n\nm\n-----BEGIN PGP SIGNATURE-----\na\n");
        assert_eq!(signed.signature, "-----BEGIN SSH SIGNATURE-----\nb");
        Ok(())
    }
}
