//! Signatures that cosign itself has made; `README.md` says how.

use std::collections::BTreeMap;
use std::error::Error;

use reconciler_core::cosign::{PublicKeys, SignatureError};

const DIGEST: &str = "sha256:dddce5e071b1442eaa562253c686da4e161797695151730ee964ad3ce5a57bb6";
const OTHER: &str = "sha256:0000e5e071b1442eaa562253c686da4e161797695151730ee964ad3ce5a57bb6";
const KEY: &[u8] = include_bytes!("cosign.pub");
const PAYLOAD: &[u8] = include_bytes!("payload.json");
const SIGNATURE: &str = include_str!("payload.sig");
const BUNDLE: &str = include_str!("bundle.json");

fn keys() -> Result<PublicKeys, Box<dyn Error>> {
    Ok(PublicKeys::from_secret(&BTreeMap::from([("cosign.pub".to_owned(), KEY.to_vec())]))?)
}

#[test]
fn the_older_format() -> Result<(), Box<dyn Error>> {
    let keys = keys()?;
    assert_eq!(keys.verify_payload(PAYLOAD, SIGNATURE, DIGEST), Ok(()));
    let elsewhere = SignatureError::Digest(DIGEST.to_owned());
    assert_eq!(keys.verify_payload(PAYLOAD, SIGNATURE, OTHER), Err(elsewhere));
    let changed = String::from_utf8(PAYLOAD.to_vec())?.replace(DIGEST, OTHER);
    assert!(keys.verify_payload(changed.as_bytes(), SIGNATURE, OTHER).is_err());
    Ok(())
}

#[test]
fn the_newer_format() -> Result<(), Box<dyn Error>> {
    let keys = keys()?;
    assert_eq!(keys.verify_bundle(BUNDLE.as_bytes(), DIGEST), Ok(()));
    let elsewhere = SignatureError::Digest(DIGEST.to_owned());
    assert_eq!(keys.verify_bundle(BUNDLE.as_bytes(), OTHER), Err(elsewhere));
    let signature = BUNDLE.replace("\"sig\":\"MEUCIQCDoQ", "\"sig\":\"MEUCIQCDoR");
    assert_ne!(signature, BUNDLE);
    assert!(keys.verify_bundle(signature.as_bytes(), DIGEST).is_err());
    Ok(())
}
