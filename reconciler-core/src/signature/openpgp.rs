//! Signatures made with OpenPGP.
//!
//! The crate `pgp` computes; what makes a key good for a signature is decided here: it is bound to a certificate,
//! may sign, and is neither revoked nor expired now.

use jiff::Timestamp;
use pgp::composed::{Deserializable, DetachedSignature, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType, SubpacketData};
use pgp::types::{Duration, KeyDetails, PublicParams, Tag};
use rsa::traits::PublicKeyParts;

use super::Failure;

/// How many signatures may stand beside each other.
const MOST_SIGNATURES: usize = 16;
/// The smallest RSA key, in bits.
const SMALLEST_RSA: usize = 2047;
/// What is said if there is no key.
const NO_KEY: &str = "unable to verify payload with any of the given key rings: no matching key";

/// Verifies a signature with the keys of some rings. Returns the id of the certificate whose key has made it.
pub(super) fn verify(
    signature: &str,
    content: &[u8],
    rings: &[String],
    now: Timestamp,
) -> Result<String, Failure> {
    let certificates = certificates(rings).map_err(Failure::Keys)?;
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::Signature(format!("{NO_KEY}: the signature cannot be read: {error}"))
    };
    let (signatures, _) =
        DetachedSignature::from_string_many(signature).map_err(|error| unreadable(&error))?;
    let mut refusals = Vec::new();
    for signature in signatures.take(MOST_SIGNATURES) {
        let signature = signature.map_err(|error| unreadable(&error))?.signature;
        for certificate in &certificates {
            match certified(certificate, &signature, content, now) {
                Ok(true) => return Ok(id(certificate)),
                Ok(false) => {}
                Err(why) => refusals.push(format!("key '{}' {why}", id(certificate))),
            }
        }
    }
    let why = if refusals.is_empty() { String::new() } else { format!(": {}", refusals.join(", ")) };
    Err(Failure::Signature(format!("{NO_KEY}{why}")))
}

/// The certificates of all rings that can be read; if there is none, why.
fn certificates(rings: &[String]) -> Result<Vec<SignedPublicKey>, String> {
    let (mut found, mut failure) = (Vec::new(), None);
    for ring in rings {
        match SignedPublicKey::from_string_many(ring.trim()) {
            Ok((certificates, _)) => {
                for certificate in certificates {
                    match certificate {
                        Ok(certificate) => found.push(certificate),
                        Err(error) => failure = failure.or(Some(error.to_string())),
                    }
                }
            }
            Err(error) => failure = failure.or(Some(error.to_string())),
        }
    }
    match failure {
        Some(failure) if found.is_empty() => Err(failure),
        _ => Ok(found),
    }
}

fn id(certificate: &SignedPublicKey) -> String {
    certificate.legacy_key_id().to_string().to_uppercase()
}

/// Whether a key of a certificate has made a signature, or why such a signature does not count.
fn certified(
    certificate: &SignedPublicKey,
    signature: &Signature,
    content: &[u8],
    now: Timestamp,
) -> Result<bool, &'static str> {
    let primary = &certificate.primary_key;
    if signature.verify(primary, content).is_ok() {
        acceptable(signature, primary, now)?;
        let own = check_primary(certificate, now)?;
        if !own.key_flags().sign() {
            return Err("may not sign");
        }
        return Ok(true);
    }
    for subkey in &certificate.public_subkeys {
        if signature.verify(&subkey.key, content).is_ok() {
            acceptable(signature, &subkey.key, now)?;
            check_primary(certificate, now)?;
            check_subkey(certificate, subkey, now)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Checks a signature of data that a key has made.
fn acceptable(signature: &Signature, key: &impl KeyDetails, now: Timestamp) -> Result<(), &'static str> {
    if signature.typ() != Some(SignatureType::Binary) {
        return Err("has signed something else than data");
    }
    let weak =
        [HashAlgorithm::None, HashAlgorithm::Md5, HashAlgorithm::Sha1, HashAlgorithm::Ripemd160].map(Some);
    if weak.contains(&signature.hash_alg()) || signature.hash_alg().is_none() {
        return Err("has signed a weak hash");
    }
    if let PublicParams::RSA(parameters) = key.public_params()
        && parameters.key.n().bits() < SMALLEST_RSA
    {
        return Err("is too short");
    }
    current(signature, now)?;
    match signature.created() {
        Some(created) if created.as_secs() >= key.created_at().as_secs() => Ok(()),
        _ => Err("is younger than the signature"),
    }
}

/// Checks the certificate itself. Returns the signature that says what its first key is for.
fn check_primary(certificate: &SignedPublicKey, now: Timestamp) -> Result<&Signature, &'static str> {
    let (primary, details) = (&certificate.primary_key, &certificate.details);
    if !details.revocation_signatures.is_empty() {
        return Err("is revoked");
    }
    let direct = details.direct_signatures.iter().filter(|own| own.verify_key(primary).is_ok());
    let direct = newest(direct.filter(|own| own.typ() == Some(SignatureType::Key)));
    let users = details.users.iter().filter_map(|user| {
        let mut own = Vec::new();
        for signature in &user.signatures {
            if signature.verify_certification(primary, Tag::UserId, &user.id).is_ok() {
                own.push(signature);
            }
        }
        let is_revoked = own.iter().any(|own| own.typ() == Some(SignatureType::CertRevocation));
        newest(own.into_iter().filter(|_| !is_revoked))
    });
    // The main user's, or the newest one.
    let by_user = users.max_by_key(|own| (own.is_primary(), seconds(own)));
    let own = by_user.or(direct).ok_or("has no valid signature of its own")?;
    for own in [Some(own), direct].into_iter().flatten() {
        current(own, now)?;
        if is_over(primary, own.key_expiration_time(), now) {
            return Err("is expired");
        }
    }
    Ok(own)
}

/// Checks a subkey, which has to sign in return that it belongs to the certificate.
fn check_subkey(
    certificate: &SignedPublicKey,
    subkey: &SignedPublicSubKey,
    now: Timestamp,
) -> Result<(), &'static str> {
    let primary = &certificate.primary_key;
    if subkey.signatures.iter().any(|own| own.typ() == Some(SignatureType::SubkeyRevocation)) {
        return Err("has a subkey that is revoked");
    }
    let bound = subkey.signatures.iter().filter(|own| {
        own.typ() == Some(SignatureType::SubkeyBinding)
            && own.verify_subkey_binding(primary, &subkey.key).is_ok()
    });
    let bound = newest(bound).ok_or("has a subkey that it does not acknowledge")?;
    current(bound, now)?;
    if !bound.key_flags().sign() {
        return Err("has a subkey that may not sign");
    }
    if is_over(&subkey.key, bound.key_expiration_time(), now) {
        return Err("has a subkey that is expired");
    }
    let back = bound.embedded_signature().ok_or("has a subkey that does not acknowledge it")?;
    if back.verify_primary_key_binding(&subkey.key, primary).is_err() {
        return Err("has a subkey that does not acknowledge it");
    }
    current(back, now)
}

/// Checks that a signature is not expired, and demands nothing that is not known here.
fn current(signature: &Signature, now: Timestamp) -> Result<(), &'static str> {
    let Some(config) = signature.config() else { return Err("has made a signature of an unknown version") };
    let is_unknown = config.hashed_subpackets().any(|subpacket| {
        let is_known = !matches!(
            subpacket.data,
            SubpacketData::Notation(_) | SubpacketData::Experimental(..) | SubpacketData::Other(..)
        );
        subpacket.is_critical && !is_known
    });
    if is_unknown {
        return Err("has made a signature with an unknown critical part");
    }
    let Some(created) = signature.created() else { return Err("has made a signature without a time") };
    let lasts = signature.signature_expiration_time().map_or(0, Duration::as_secs);
    let end = i64::from(created.as_secs()) + i64::from(lasts);
    if lasts != 0 && end <= now.as_second() { Err("has made a signature that is expired") } else { Ok(()) }
}

/// Whether a key that lasts for so long from its creation is expired.
fn is_over(key: &impl KeyDetails, lasts: Option<Duration>, now: Timestamp) -> bool {
    let lasts = lasts.map_or(0, Duration::as_secs);
    lasts != 0 && i64::from(key.created_at().as_secs()) + i64::from(lasts) <= now.as_second()
}

fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>) -> Option<&'a Signature> {
    signatures.max_by_key(|signature| seconds(signature))
}

fn seconds(signature: &Signature) -> u32 {
    signature.created().map_or(0, pgp::types::Timestamp::as_secs)
}
