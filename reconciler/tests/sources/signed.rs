//! OCIRepositories whose artifacts have to be signed. The signatures are made here, in the formats of cosign.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::oci::{MAP, becomes, create, fetch, map, path, stage};
use crate::registry::{CONTENT, Registry, archive};
use crate::stage::{Outcome, Stage};

/// A key with which artifacts are signed.
pub(crate) struct Signer(EcdsaKeyPair);

impl Signer {
    pub(crate) fn new() -> Outcome<Self> {
        Ok(Signer(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?))
    }

    /// A Secret with the public key.
    pub(crate) fn secret(&self) -> Outcome<Value> {
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

    pub(crate) fn bundle(&self, digest: &str) -> Outcome<Vec<u8>> {
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

    crate::finish(stage, MAP, &path("apps")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_found_where_they_are_listed_under_a_tag() -> Outcome {
    let registry = Registry::start().await?;
    let signer = Signer::new()?;
    let stage = stage().await?;
    stage.add("secrets", &registry.secret()).await?;
    stage.add("secrets", &signer.secret()?).await?;
    let verify = json!({"provider": "cosign", "secretRef": {"name": "keys"}});
    for (name, status) in [("old", StatusCode::NOT_FOUND), ("other", StatusCode::METHOD_NOT_ALLOWED)] {
        registry.refuse_referrers(status);
        let digest = registry.push(name, &[(CONTENT, content(name)?)]);
        registry.attach(&digest, &signer.bundle(&digest)?);
        create(&stage, name, &registry.url(), json!({"ref": {"tag": name}, "verify": verify})).await?;
        let message = format!("stored artifact for digest '{name}@{digest}'");
        becomes(&stage, name, "True", "Succeeded", &message).await?;
        stage.remove(&path(name)).await?;
        stage.disappears(&path(name)).await?;
    }
    stage.delete("main").await?;
    stage.stop().await
}

const IMAGES: &str = "/apis/image.toolkit.fluxcd.io/v1/namespaces/oci";

/// Asks for a policy to be looked at, and waits for a message, an image and a digest.
async fn picked(stage: &Stage, message: &str, tag: Option<(&str, &str)>) -> Outcome {
    let policy = format!("{IMAGES}/imagepolicies/apps");
    stage.annotate(&policy).await?;
    let wanted = |found: &Value| {
        let latest = &found["status"]["latestRef"];
        let is_tag = match tag {
            Some((tag, digest)) => latest["tag"] == tag && latest["digest"] == digest,
            None => latest.is_null(),
        };
        is_tag && crate::stage::condition(found)["message"] == message
    };
    stage.object_becomes(&policy, wanted).await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_signed_images_are_picked() -> Outcome {
    let registry = Registry::start().await?;
    let (signer, other) = (Signer::new()?, Signer::new()?);
    let stage = stage().await?;
    stage.add("secrets", &registry.secret()).await?;
    let name = registry.name();
    let push =
        |tag: &str, text: &str| -> Outcome<String> { Ok(registry.push(tag, &[(CONTENT, content(text)?)])) };
    let sign = |digest: &str, signer: &Signer| -> Outcome {
        let payload = claim(digest, &name);
        registry.sign(digest, &payload, &signer.sign(&payload)?);
        Ok(())
    };
    let (first, second, third) = (push("1.0.0", "a")?, push("1.1.0", "b")?, push("1.2.0", "c")?);
    sign(&first, &other)?;
    sign(&second, &signer)?;
    let object = |kind: &str, annotations: Value, spec: Value| {
        json!({
            "apiVersion": "image.toolkit.fluxcd.io/v1", "kind": kind,
            "metadata": {"name": "apps", "namespace": "oci", "annotations": annotations}, "spec": spec,
        })
    };
    let access = json!({"image": name, "interval": "1h", "insecure": true, "secretRef": {"name": "login"}});
    stage.post(&format!("{IMAGES}/imagerepositories"), &object("ImageRepository", json!({}), access)).await?;
    let spec = json!({
        "imageRepositoryRef": {"name": "apps"}, "policy": {"semver": {"range": ">=1.0.0"}},
        "digestReflectionPolicy": "Always", "interval": "1h",
    });
    let signed_by = json!({"image.toolkit.fluxcd.io/signed-by": "keys"});
    stage.post(&format!("{IMAGES}/imagepolicies"), &object("ImagePolicy", signed_by, spec)).await?;
    let message = "the keys of signatures cannot be had from secret 'oci/keys': secrets \"keys\" not found";
    picked(&stage, message, None).await?;

    stage.add("secrets", &signer.secret()?).await?;
    let resolved = |tag: &str, digest: &str| {
        format!("Latest image tag for {name} resolved to {tag} with digest {digest}")
    };
    let message = format!("{}; not signed: 1.2.0", resolved("1.1.0", &second));
    picked(&stage, &message, Some(("1.1.0", &second))).await?;
    let told = |list: &Value| {
        let mut events = list["items"].as_array().into_iter().flatten();
        events.any(|event| event["message"] == *message && event["reason"] == "VerificationError")
    };
    stage.object_becomes("/api/v1/namespaces/oci/events", told).await?;

    registry.attach(&third, &signer.bundle(&third)?);
    let previously = format!(" (previously {name}:1.1.0@{second})");
    picked(&stage, &format!("{}{previously}", resolved("1.2.0", &third)), Some(("1.2.0", &third))).await?;
    // The tag moves to something else, with a signature for what it was.
    let fourth = push("1.2.0", "d")?;
    registry.attach(&fourth, &signer.bundle(&third)?);
    let previously = format!(" (previously {name}:1.2.0@{third})");
    let message =
        format!("{}{previously}; not signed: 1.2.0 (a signature is for {third})", resolved("1.1.0", &second));
    picked(&stage, &message, Some(("1.1.0", &second))).await?;

    // Taking the annotation away is enough to pick what is not signed, and setting it ends that.
    let annotation =
        |value: Value| json!({"metadata": {"annotations": {"image.toolkit.fluxcd.io/signed-by": value}}});
    let policy = format!("{IMAGES}/imagepolicies/apps");
    stage.change(&policy, &annotation(Value::Null)).await?;
    stage.object_becomes(&policy, |found| found["status"]["latestRef"]["digest"] == *fourth).await?;
    stage.change(&policy, &annotation(json!("keys"))).await?;
    stage.object_becomes(&policy, |found| found["status"]["latestRef"]["digest"] == *second).await?;

    // Nothing that counts is signed any more.
    sign(&second, &other)?;
    let reason = "a signature was made with another key, or for another text";
    let message = format!(
        "no tag with a valid signature was found; not signed: 1.2.0 (a signature is for {third}), 1.1.0 ({reason}), 1.0.0 ({reason})"
    );
    picked(&stage, &message, None).await?;

    stage.delete("main").await?;
    for kind in ["imagepolicies", "imagerepositories"] {
        stage.remove(&format!("{IMAGES}/{kind}/apps")).await?;
    }
    stage.stop().await
}
