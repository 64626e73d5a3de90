//! OCIRepositories whose artifacts have to be signed. The signatures are made here, in the formats of cosign; ones that
//! cosign made are in the tests of `reconciler-core`.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::oci::{MAP, becomes, create, fetch, map, path, stage};
use crate::registry::{CONTENT, Registry, archive};
use crate::stage::{Outcome, Stage};

/// A key with which artifacts are signed.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Outcome<Self> {
        Ok(Signer(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?))
    }

    /// A Secret with the public key.
    fn secret(&self) -> Outcome<Value> {
        let der = self.0.public_key().as_der()?;
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            BASE64.encode(der.as_ref())
        );
        Ok(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "data": {"cosign.pub": BASE64.encode(pem)},
        }))
    }

    fn sign(&self, text: &[u8]) -> Outcome<String> {
        Ok(BASE64.encode(self.0.sign(&SystemRandom::new(), text)?))
    }

    fn bundle(&self, digest: &str) -> Outcome<Vec<u8>> {
        const TYPE: &str = "application/vnd.in-toto+json";
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://sigstore.dev/cosign/sign/v1",
            "subject": [{"digest": {"sha256": digest.trim_start_matches("sha256:")}}], "predicate": {},
        })
        .to_string();
        let signed = format!("DSSEv1 {} {TYPE} {} {statement}", TYPE.len(), statement.len());
        let signature = self.sign(signed.as_bytes())?;
        Ok(json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": ""}},
            "dsseEnvelope": {
                "payload": BASE64.encode(&statement), "payloadType": TYPE, "signatures": [{"sig": signature}],
            },
        })
        .to_string()
        .into_bytes())
    }
}

/// What is signed in the older format, with the name that the artifact has where it is signed.
fn claim(digest: &str, name: &str) -> Vec<u8> {
    json!({
        "critical": {
            "identity": {"docker-reference": name}, "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": null,
    })
    .to_string()
    .into_bytes()
}

fn content(text: &str) -> Outcome<Vec<u8>> {
    archive(&[("deploy/map.yaml", &map(text))])
}

/// Waits until the condition SourceVerified has a status and a message.
async fn verified(stage: &Stage, status: &str, message: &str) -> Outcome {
    let wanted = |found: &Value| {
        found["status"]["conditions"].as_array().into_iter().flatten().any(|condition| {
            condition["type"] == "SourceVerified"
                && condition["status"] == status
                && condition["message"] == message
        })
    };
    stage.object_becomes(&path("apps"), wanted).await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_signed_is_used() -> Outcome {
    let registry = Registry::start().await?;
    let (signer, other) = (Signer::new()?, Signer::new()?);
    let stage = stage().await?;
    stage.add("secrets", &registry.secret()).await?;
    let name = registry.name();
    let first = registry.push("v1", &[(CONTENT, content("first")?)]);
    let verify = json!({"provider": "cosign", "secretRef": {"name": "keys"}});
    create(&stage, "apps", &registry.url(), json!({"ref": {"tag": "v1"}, "verify": verify})).await?;
    stage
        .create(
            "deploy",
            &json!({"sourceRef": {"kind": "OCIRepository", "name": "apps"}, "retryInterval": "1s"}),
        )
        .await?;

    let prefix = "failed to verify the signature using provider 'cosign': ";
    let fails = async |why: &str| {
        let message = format!("{prefix}{why}");
        fetch(&stage, "apps").await?;
        becomes(&stage, "apps", "False", "VerificationError", &message).await?;
        verified(&stage, "False", &message).await
    };
    let none = format!("no matching signatures were found for '{name}:v1'");
    fails("secrets \"keys\" not found").await?;
    stage.add("secrets", &signer.secret()?).await?;
    fails(&none).await?;

    let payload = claim(&first, &name);
    registry.sign(&first, &payload, &other.sign(&payload)?);
    fails(&format!("{none}: a signature was made with another key, or for another text")).await?;
    // The signature of another artifact, copied to where this one's would be.
    let elsewhere = claim("sha256:0123", &name);
    registry.sign(&first, &elsewhere, &signer.sign(&elsewhere)?);
    fails(&format!("{none}: a signature is for sha256:0123")).await?;
    registry.sign(&first, &payload, &signer.sign(&elsewhere)?);
    fails(&format!("{none}: a signature was made with another key, or for another text")).await?;
    let found = stage.get(&path("apps")).await?.unwrap_or_default();
    assert!(found["status"]["artifact"].is_null(), "{found:#}");
    assert!(stage.get(MAP).await?.is_none());

    // Signed under another name, as when it was copied from another registry.
    let payload = claim(&first, "example.org/elsewhere");
    registry.sign(&first, &payload, &signer.sign(&payload)?);
    fetch(&stage, "apps").await?;
    let revision = format!("v1@{first}");
    becomes(&stage, "apps", "True", "Succeeded", &format!("stored artifact for digest '{revision}'")).await?;
    verified(&stage, "True", &format!("verified signature of revision {revision}")).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "first").await?;

    // The tag moves to something that is not signed, and is then signed in the newer format.
    let second = registry.push("v1", &[(CONTENT, content("second")?)]);
    fails(&none).await?;
    registry.attach(&second, &signer.bundle(&first)?);
    fails(&format!("{none}: a signature is for {first}")).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "first").await?;
    registry.attach(&second, &signer.bundle(&second)?);
    fetch(&stage, "apps").await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "second").await?;
    verified(&stage, "True", &format!("verified signature of revision v1@{second}")).await?;

    // What cannot be verified is not used without that.
    registry.push("v1", &[(CONTENT, content("third")?)]);
    let refused = async |verify: Value, start: &str| {
        stage.change(&path("apps"), &json!({"spec": {"verify": verify}})).await?;
        let is_refused = |found: &Value| {
            let conditions = found["status"]["conditions"].as_array();
            let of = |type_: &str| {
                conditions.into_iter().flatten().find(|condition| condition["type"] == type_).cloned()
            };
            let message =
                |type_: &str| of(type_).map(|found| found["message"].to_string()).unwrap_or_default();
            ["Ready", "Stalled", "SourceVerified"].iter().all(|type_| message(type_).contains(start))
        };
        stage.object_becomes(&path("apps"), is_refused).await
    };
    let identity = json!([{"issuer": "^https://example.org$", "subject": ".*"}]);
    let keyless = json!({"provider": "cosign", "secretRef": null, "matchOIDCIdentity": identity});
    refused(keyless, "using provider 'cosign keyless': signatures without a key cannot be verified").await?;
    let notation = json!({"provider": "notation", "secretRef": {"name": "keys"}, "matchOIDCIdentity": null});
    refused(notation, "using provider 'notation': signatures of this provider cannot be verified").await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "second").await?;

    stage.change(&path("apps"), &json!({"spec": {"verify": null}})).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "third").await?;
    let found = stage.get(&path("apps")).await?.unwrap_or_default();
    assert!(!found["status"]["conditions"].to_string().contains("SourceVerified"), "{found:#}");

    for name in ["deploy", "main"] {
        stage.delete(name).await?;
    }
    stage.disappears(MAP).await?;
    stage.remove(&path("apps")).await?;
    stage.disappears(&path("apps")).await?;
    stage.stop().await
}
