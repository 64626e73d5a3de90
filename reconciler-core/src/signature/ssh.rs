//! Signatures made with ssh keys.

use ssh_key::public::KeyData;
use ssh_key::{HashAlg, PublicKey, SshSig};

use super::Failure;

/// What git signs for. A signature for something else does not count.
const NAMESPACE: &str = "git";
/// The smallest RSA key, in bits.
const SMALLEST_RSA: usize = 2048;
/// What is said if there is no key.
const NO_KEY: &str = "unable to verify payload with any of the given authorized keys: no matching key";

/// Verifies a signature with keys in the format of the file `authorized_keys`. Returns the fingerprint of the key.
pub(super) fn verify(signature: &str, content: &[u8], keys: &[String]) -> Result<String, Failure> {
    let signature = SshSig::from_pem(signature)
        .map_err(|error| Failure::Signature(format!("unable to unarmor SSH signature: {error}")))?;
    let (mut failure, mut refusal, mut is_read) = (None, None, false);
    for text in keys {
        match authorized_keys(text) {
            Err(error) => failure = failure.or(Some(error)),
            Ok(keys) => {
                is_read = true;
                for key in keys {
                    match check(&key, &signature, content) {
                        Ok(()) => return Ok(key.fingerprint(HashAlg::Sha256).to_string()),
                        Err(why) if key.key_data() == signature.public_key() => refusal = Some(why),
                        Err(_) => {}
                    }
                }
            }
        }
    }
    match failure {
        Some(failure) if !is_read => Err(Failure::Keys(failure)),
        _ => {
            let why = refusal.map(|why| format!(": {why}")).unwrap_or_default();
            Err(Failure::Signature(format!("{NO_KEY}{why}")))
        }
    }
}

/// The keys of a text, one on each line. One that cannot be read makes all of them unreadable.
fn authorized_keys(text: &str) -> Result<Vec<PublicKey>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut keys = Vec::new();
    for line in lines {
        let key = PublicKey::from_openssh(line).or_else(|error| {
            // Options stand before the key.
            let start =
                ["ssh-", "ecdsa-", "sk-"].iter().filter_map(|start| line.find(&format!(" {start}"))).min();
            start.map_or(Err(error), |start| PublicKey::from_openssh(line[start..].trim_start()))
        });
        keys.push(key.map_err(|error| format!("unable to parse authorized key: {error}"))?);
    }
    Ok(keys)
}

fn check(key: &PublicKey, signature: &SshSig, content: &[u8]) -> Result<(), String> {
    if let KeyData::Rsa(rsa) = key.key_data()
        && rsa.n.as_positive_bytes().map_or(0, bits) < SMALLEST_RSA
    {
        return Err("the key is too short".to_owned());
    }
    key.verify(NAMESPACE, content, signature).map_err(|error| match error {
        ssh_key::Error::Namespace => {
            format!("the signature is for '{}', not for '{NAMESPACE}'", signature.namespace())
        }
        error => error.to_string(),
    })
}

/// How many bits a number has, given as bytes, the first of which is not zero.
fn bits(bytes: &[u8]) -> usize {
    let unused = bytes.first().map_or(0, |byte| byte.leading_zeros() as usize);
    bytes.len() * 8 - unused
}
