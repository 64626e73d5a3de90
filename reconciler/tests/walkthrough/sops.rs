//! Kustomizations whose secrets are encrypted with SOPS.

#[path = "../../../reconciler-core/tests/sops/encrypt.rs"]
#[expect(dead_code, reason = "the tests of the decryption use the rest")]
mod encrypt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::stage::{Outcome, Stage};
use encrypt::Encrypted;

/// What must be seen in Secrets and nowhere else.
const PLAIN: [&str; 3] = ["correct-horse", "battery-staple", "any secret bytes"];

fn kustomization() -> &'static str {
    "namespace: default
resources: [secret.yaml, kept.yaml]
generatorOptions: {disableNameSuffixHash: true}
secretGenerator:
- name: generated
  envs: [values.env]
  files: [blob.bin]
"
}

fn secret_path(name: &str) -> String {
    format!("/api/v1/namespaces/default/secrets/{name}")
}

/// The data of a Secret, decoded.
fn decoded(secret: &Value, key: &str) -> String {
    let text = secret["data"][key].as_str().unwrap_or_default();
    String::from_utf8(BASE64.decode(text).unwrap_or_default()).unwrap_or_default()
}

/// A Secret with keys for decryption.
fn keys(encrypted: &Encrypted) -> Value {
    let data = json!({"one.agekey": BASE64.encode(encrypted.key_file()), "note": BASE64.encode("no key")});
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "data": data})
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_decrypted_and_told_nobody() -> Outcome {
    let (ours, others) = (Encrypted::new(), Encrypted::new());
    let mut stage = Stage::new("sops").await?;
    stage.commit("first commit", &[("main/.keep", "")])?;
    let secret = ours.resource("direct", &[("password", PLAIN[0], "str")])?;
    let env = ours.dotenv(&[("TOKEN", PLAIN[1])])?;
    // A document that asks to stay as it is.
    let kept = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: kept\n  annotations:\n    kustomize.toolkit.fluxcd.io/decrypt: \
         Disabled\ndata:\n  values.env: {}\n",
        BASE64.encode(&env)
    );
    stage.commit(
        "add secrets",
        &[
            ("sops/kustomization.yaml", kustomization()),
            ("sops/secret.yaml", &secret),
            ("sops/values.env", &env),
            ("sops/blob.bin", &ours.binary(PLAIN[2])?),
            ("sops/kept.yaml", &kept),
        ],
    )?;
    stage.start("main").await?;
    stage.create("sops", &json!({})).await?;
    let message = stage.not_ready("sops", "ReconciliationFailed", "SOPS").await?;
    assert_eq!(
        message,
        "Secret/default/direct is SOPS encrypted, configuring decryption is required for this secret to be \
         reconciled (sops/secret.yaml:1:1)"
    );
    stage
        .patch("sops", &json!({"spec": {"decryption": {"provider": "sops", "secretRef": {"name": "keys"}}}}))
        .await?;
    let message = stage.not_ready("sops", "BuildFailed", "keys").await?;
    assert_eq!(message, "secrets \"keys\" not found");

    // A key that does not fit.
    stage.add("secrets", &keys(&others)).await?;
    stage.request_reconciliation("sops").await?;
    let message = stage.not_ready("sops", "BuildFailed", "decrypting sources").await?;
    assert!(message.starts_with("error decrypting sources: cannot get sops data key: "), "{message}");
    assert!(message.contains("identity did not match any of the recipients"), "{message}");
    assert!(message.contains("has other keys than the file was encrypted for"), "{message}");
    assert!(message.ends_with(" (sops/blob.bin)"), "{message}");

    stage.change("/api/v1/namespaces/sops/secrets/keys", &json!({"data": keys(&ours)["data"]})).await?;
    stage.request_reconciliation("sops").await?;
    stage.ready("sops", &stage.revision()?).await?;
    let is = |name: &str, key: &'static str, plain: &'static str| {
        (secret_path(name), move |found: &Value| decoded(found, key) == plain && found["sops"].is_null())
    };
    for (path, is_wanted) in [
        is("direct", "password", PLAIN[0]),
        is("generated", "TOKEN", PLAIN[1]),
        is("generated", "blob.bin", PLAIN[2]),
    ] {
        stage.object_becomes(&path, is_wanted).await?;
    }
    let found = stage.get(&secret_path("kept")).await?.unwrap_or_default();
    assert_eq!(decoded(&found, "values.env"), env);

    // What is not what was encrypted is refused.
    stage.commit("tamper", &[("sops/secret.yaml", &secret.replace("name: direct", "name: other"))])?;
    stage.reconcile("sops").await?;
    let message = stage.not_ready("sops", "BuildFailed", "integrity").await?;
    assert!(
        message.starts_with("error decrypting sources: failed to verify sops data integrity: "),
        "{message}"
    );
    assert!(message.contains("; the file was changed after it was encrypted"), "{message}");
    assert!(message.ends_with(" (sops/secret.yaml)"), "{message}");

    // Keys of other services are named, as is where they are.
    let other = secret.replace("  age:\n", "  hc_vault:\n  - key_name: a-key\n    enc: x\n  age:\n");
    let other = other.replace("name: direct", "name: vaulted").replace("enc: |", "enc_: |");
    stage.commit("use another service", &[("sops/secret.yaml", &other)])?;
    stage.reconcile("sops").await?;
    let message = stage.not_ready("sops", "BuildFailed", "Vault").await?;
    assert!(message.starts_with("decryption failed for 'Secret.v1.[noGrp]/vaulted': "), "{message}");
    assert!(message.contains("keys of Vault are not supported, only those of age"), "{message}");
    assert!(message.ends_with(" (sops/secret.yaml:1:1)"), "{message}");

    // A mistake in what was decrypted.
    let wrong = ours.dotenv(&[("TOKEN", PLAIN[1]), ("TOKEN", PLAIN[0])])?;
    stage.commit("make a mistake", &[("sops/secret.yaml", &secret), ("sops/values.env", &wrong)])?;
    stage.reconcile("sops").await?;
    stage.not_ready("sops", "BuildFailed", "TOKEN").await?;

    let events = stage.get("/api/v1/namespaces/sops/events").await?.unwrap_or_default();
    let status = stage.kustomization("sops").await?;
    for text in [stage.text(), events.to_string(), status.to_string()] {
        assert!(text.contains("direct"), "{text}");
        for plain in PLAIN.into_iter().flat_map(|plain| [plain.to_owned(), BASE64.encode(plain)]) {
            assert!(!text.contains(&plain), "{plain}: {text}");
        }
    }
    for name in ["sops", "main"] {
        stage.delete(name).await?;
    }
    stage.disappears(&secret_path("direct")).await?;
    stage.stop().await
}
