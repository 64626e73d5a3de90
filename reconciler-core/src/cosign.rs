//! Signatures of artifacts in registries, as cosign makes them with a key.
//!
//! There are two formats. In the older one, the signed text (the payload) and its signature are in a manifest with a tag
//! of its own. In the newer one, both are in a bundle, which refers to the artifact.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use thiserror::Error;

/// The media type of payloads in the older format.
pub const PAYLOAD_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// How the media types of bundles begin.
pub const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle";
/// The annotation of a payload's layer that has its signature.
pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// The annotation of a bundle that says what kind of statement is in it.
pub const PREDICATE: &str = "dev.sigstore.bundle.predicateType";
/// How the names of keys in a Secret end.
const KEY_SUFFIX: &str = ".pub";
/// What a payload says that it is.
const CLAIM_TYPE: &str = "cosign container image signature";
/// The type of the text in a bundle.
const STATEMENT: &str = "application/vnd.in-toto+json";
/// What a statement says if it is a signature. Other statements, such as results of scans, say something else.
pub const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

/// What keys sign with. Each accepts keys of its own type only.
static ALGORITHMS: [&dyn VerificationAlgorithm; 7] = [
    &signature::ECDSA_P256_SHA256_ASN1,
    &signature::ECDSA_P384_SHA256_ASN1,
    &signature::ECDSA_P384_SHA384_ASN1,
    &signature::ECDSA_P521_SHA256_ASN1,
    &signature::ECDSA_P521_SHA512_ASN1,
    &signature::ED25519,
    &signature::RSA_PKCS1_2048_8192_SHA256,
];

/// Why a Secret gives no keys.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// It has no entries for keys.
    #[error("there is no public key: no entry ends with '{KEY_SUFFIX}'")]
    None,
    /// An entry is something else.
    #[error("'{0}' is not a public key: it must have the form -----BEGIN PUBLIC KEY-----")]
    Pem(String),
    /// A key is of an unknown kind.
    #[error("'{0}' is not a public key for ECDSA, Ed25519 or RSA with at least 2048 bits")]
    Kind(String),
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum SignatureError {
    /// It cannot be read.
    #[error("a signature cannot be read: {0}")]
    Format(String),
    /// No key verifies it.
    #[error("a signature was made with another key, or for another text")]
    Key,
    /// It is valid, but for something else.
    #[error("a signature is for {0}")]
    Digest(String),
    /// It is valid, but says something else.
    #[error("a statement is not a signature, but '{0}'")]
    Statement(String),
}

/// Public keys. A signature by one of them is enough.
#[derive(Debug)]
pub struct PublicKeys(Vec<SubjectPublicKeyInfoDer<'static>>);

impl PublicKeys {
    /// Reads the entries of a Secret with names like `cosign.pub`.
    pub fn from_secret(data: &BTreeMap<String, Vec<u8>>) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        for (name, text) in data.iter().filter(|(name, _)| name.ends_with(KEY_SUFFIX)) {
            let wrong = |_| KeyError::Pem(name.clone());
            let found: Vec<_> =
                SubjectPublicKeyInfoDer::pem_slice_iter(text).collect::<Result<_, _>>().map_err(wrong)?;
            if found.is_empty() {
                return Err(KeyError::Pem(name.clone()));
            }
            let is_known = |key: &SubjectPublicKeyInfoDer<'_>| {
                ALGORITHMS
                    .iter()
                    .any(|algorithm| signature::ParsedPublicKey::new(*algorithm, key.as_ref()).is_ok())
            };
            if !found.iter().all(is_known) {
                return Err(KeyError::Kind(name.clone()));
            }
            keys.extend(found);
        }
        if keys.is_empty() { Err(KeyError::None) } else { Ok(PublicKeys(keys)) }
    }

    /// Checks a payload that claims to be about an artifact. The name that it has for the artifact does not
    /// matter, as with cosign: artifacts are copied between registries with their signatures.
    pub fn verify_payload(
        &self,
        payload: &[u8],
        signature: &str,
        digest: &str,
    ) -> Result<(), SignatureError> {
        self.verify(payload, signature)?;
        let Claim { critical } = serde_json::from_slice(payload).map_err(unreadable)?;
        if critical.type_ != CLAIM_TYPE {
            return Err(SignatureError::Statement(critical.type_));
        }
        match critical.image.digest {
            claimed if claimed == digest => Ok(()),
            claimed => Err(SignatureError::Digest(claimed)),
        }
    }

    /// Checks a bundle that claims to be about an artifact.
    pub fn verify_bundle(&self, bundle: &[u8], digest: &str) -> Result<(), SignatureError> {
        let Bundle { envelope } = serde_json::from_slice(bundle).map_err(unreadable)?;
        let envelope = envelope
            .ok_or_else(|| SignatureError::Format("the bundle has no statement (dsseEnvelope)".to_owned()))?;
        let statement = BASE64.decode(&envelope.payload).map_err(unreadable)?;
        // The signature is over the type as well, with the lengths of both.
        let type_ = &envelope.payload_type;
        let mut signed = format!("DSSEv1 {} {type_} {} ", type_.len(), statement.len()).into_bytes();
        signed.extend_from_slice(&statement);
        if !envelope.signatures.iter().any(|given| self.verify(&signed, &given.sig).is_ok()) {
            return Err(SignatureError::Key);
        }
        if type_ != STATEMENT {
            return Err(SignatureError::Statement(type_.clone()));
        }
        let Statement { predicate_type, subject } = serde_json::from_slice(&statement).map_err(unreadable)?;
        if predicate_type != SIGN {
            return Err(SignatureError::Statement(predicate_type));
        }
        let claimed: Vec<String> = subject
            .iter()
            .flat_map(|subject| &subject.digest)
            .map(|(algorithm, hex)| format!("{algorithm}:{hex}"))
            .collect();
        if claimed.iter().any(|claimed| claimed == digest) {
            return Ok(());
        }
        Err(SignatureError::Digest(claimed.into_iter().next().unwrap_or_else(|| "nothing".to_owned())))
    }

    fn verify(&self, text: &[u8], signature: &str) -> Result<(), SignatureError> {
        let signature = BASE64.decode(signature.trim()).map_err(unreadable)?;
        let is_valid = self.0.iter().any(|key| {
            ALGORITHMS.iter().any(|algorithm| {
                UnparsedPublicKey::new(*algorithm, key.as_ref()).verify(text, &signature).is_ok()
            })
        });
        if is_valid { Ok(()) } else { Err(SignatureError::Key) }
    }
}

/// The tag of the manifest with the signatures of an artifact, in the older format.
#[must_use]
pub fn signature_tag(digest: &str) -> String {
    format!("{}.sig", digest.replacen(':', "-", 1))
}

fn unreadable(error: impl std::fmt::Display) -> SignatureError {
    SignatureError::Format(error.to_string())
}

#[derive(Deserialize)]
struct Claim {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: ClaimedImage,
    #[serde(rename = "type")]
    type_: String,
}

#[derive(Deserialize)]
struct ClaimedImage {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

#[derive(Deserialize)]
struct Bundle {
    #[serde(rename = "dsseEnvelope")]
    envelope: Option<Envelope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    #[serde(default)]
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    predicate_type: String,
    #[serde(default)]
    subject: Vec<Subject>,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    digest: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair as _,
    };
    use serde_json::json;

    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    const DIGEST: &str = "sha256:0123";

    fn pem(der: &[u8]) -> Vec<u8> {
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64.encode(der)).into_bytes()
    }

    fn keys(der: &[u8]) -> Result<PublicKeys, KeyError> {
        PublicKeys::from_secret(&BTreeMap::from([("cosign.pub".to_owned(), pem(der))]))
    }

    fn claim(digest: &str, name: &str) -> Vec<u8> {
        json!({"critical": {
            "identity": {"docker-reference": name}, "image": {"docker-manifest-digest": digest}, "type": CLAIM_TYPE,
        }, "optional": null})
        .to_string()
        .into_bytes()
    }

    /// A key, and what signs with it.
    struct Signer {
        pair: EcdsaKeyPair,
        random: SystemRandom,
    }

    impl Signer {
        fn new() -> Result<Self, Box<dyn std::error::Error>> {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
            Ok(Signer { pair, random: SystemRandom::new() })
        }

        fn keys(&self) -> Result<PublicKeys, Box<dyn std::error::Error>> {
            Ok(keys(self.pair.public_key().as_der()?.as_ref())?)
        }

        fn sign(&self, text: &[u8]) -> Result<String, Box<dyn std::error::Error>> {
            Ok(BASE64.encode(self.pair.sign(&self.random, text)?))
        }

        fn bundle(
            &self,
            type_: &str,
            statement: &serde_json::Value,
        ) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
            let statement = statement.to_string();
            let signed = format!("DSSEv1 {} {type_} {} {statement}", type_.len(), statement.len());
            let envelope = json!({
                "payload": BASE64.encode(&statement), "payloadType": type_,
                "signatures": [{"sig": self.sign(signed.as_bytes())?}],
            });
            Ok(json!({"mediaType": BUNDLE_TYPE, "dsseEnvelope": envelope}).to_string().into_bytes())
        }
    }

    #[test]
    fn a_payload_counts_for_its_digest_and_key_only() -> Outcome {
        let (signer, other) = (Signer::new()?, Signer::new()?);
        let payload = claim(DIGEST, "example.org/apps");
        let signature = signer.sign(&payload)?;
        assert_eq!(signer.keys()?.verify_payload(&payload, &signature, DIGEST), Ok(()));
        assert_eq!(other.keys()?.verify_payload(&payload, &signature, DIGEST), Err(SignatureError::Key));
        let elsewhere = signer.keys()?.verify_payload(&payload, &signature, "sha256:4567");
        assert_eq!(elsewhere, Err(SignatureError::Digest(DIGEST.to_owned())));
        // Changed after it was signed.
        let changed = claim("sha256:4567", "example.org/apps");
        assert_eq!(
            signer.keys()?.verify_payload(&changed, &signature, "sha256:4567"),
            Err(SignatureError::Key)
        );
        // The name of the artifact is not looked at.
        let renamed = claim(DIGEST, "example.com/other");
        assert_eq!(signer.keys()?.verify_payload(&renamed, &signer.sign(&renamed)?, DIGEST), Ok(()));
        let unreadable = signer.keys()?.verify_payload(&payload, "%", DIGEST);
        assert!(matches!(unreadable, Err(SignatureError::Format(_))), "{unreadable:?}");
        let text = b"{}";
        let empty = signer.keys()?.verify_payload(text, &signer.sign(text)?, DIGEST);
        assert!(matches!(empty, Err(SignatureError::Format(_))), "{empty:?}");
        let other_type = String::from_utf8(payload)?.replace("cosign container", "atomic container");
        let verdict = signer.keys()?.verify_payload(
            other_type.as_bytes(),
            &signer.sign(other_type.as_bytes())?,
            DIGEST,
        );
        assert!(matches!(verdict, Err(SignatureError::Statement(_))), "{verdict:?}");
        Ok(())
    }

    #[test]
    fn a_bundle_counts_if_it_is_a_signature() -> Outcome {
        let (signer, other) = (Signer::new()?, Signer::new()?);
        let statement = |predicate: &str| {
            json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": predicate,
                   "subject": [{"digest": {"sha256": "0123"}}], "predicate": {}})
        };
        let bundle = signer.bundle(STATEMENT, &statement(SIGN))?;
        assert_eq!(signer.keys()?.verify_bundle(&bundle, DIGEST), Ok(()));
        assert_eq!(other.keys()?.verify_bundle(&bundle, DIGEST), Err(SignatureError::Key));
        assert_eq!(
            signer.keys()?.verify_bundle(&bundle, "sha256:4567"),
            Err(SignatureError::Digest(DIGEST.to_owned()))
        );
        // A report about the artifact, signed with the same key.
        let scan = "https://cosign.sigstore.dev/attestation/vuln/v1";
        assert_eq!(
            signer.keys()?.verify_bundle(&signer.bundle(STATEMENT, &statement(scan))?, DIGEST),
            Err(SignatureError::Statement(scan.to_owned()))
        );
        assert_eq!(
            signer.keys()?.verify_bundle(&signer.bundle("text/plain", &statement(SIGN))?, DIGEST),
            Err(SignatureError::Statement("text/plain".to_owned()))
        );
        // The signed text replaced.
        let text = String::from_utf8(bundle)?;
        let (old, new) = (statement(SIGN).to_string(), statement(SIGN).to_string().replace("0123", "4567"));
        let changed = text.replace(&BASE64.encode(old), &BASE64.encode(new));
        assert_ne!(text, changed);
        assert_eq!(signer.keys()?.verify_bundle(changed.as_bytes(), "sha256:4567"), Err(SignatureError::Key));
        Ok(())
    }

    #[test]
    fn keys_of_several_kinds_are_read() -> Outcome {
        let payload = claim(DIGEST, "x");
        let random = SystemRandom::new();
        let pair = Ed25519KeyPair::generate()?;
        let signature = BASE64.encode(pair.sign(&payload));
        assert_eq!(
            keys(pair.public_key().as_der()?.as_ref())?.verify_payload(&payload, &signature, DIGEST),
            Ok(())
        );
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING)?;
        let signature = BASE64.encode(pair.sign(&random, &payload)?);
        assert_eq!(
            keys(pair.public_key().as_der()?.as_ref())?.verify_payload(&payload, &signature, DIGEST),
            Ok(())
        );
        let pair = signature::RsaKeyPair::generate(KeySize::Rsa2048)?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&signature::RSA_PKCS1_SHA256, &random, &payload, &mut signature)?;
        assert_eq!(
            keys(pair.public_key().as_der()?.as_ref())?.verify_payload(
                &payload,
                &BASE64.encode(signature),
                DIGEST
            ),
            Ok(())
        );
        Ok(())
    }

    #[test]
    fn entries_that_are_no_keys_are_refused() {
        let secret = |name: &str, text: &[u8]| {
            PublicKeys::from_secret(&BTreeMap::from([(name.to_owned(), text.to_vec())])).map(|_| ())
        };
        assert_eq!(secret("cosign.key", b""), Err(KeyError::None));
        assert_eq!(secret("cosign.pub", b"text"), Err(KeyError::Pem("cosign.pub".to_owned())));
        assert_eq!(secret("cosign.pub", &pem(b"text")), Err(KeyError::Kind("cosign.pub".to_owned())));
    }
}
