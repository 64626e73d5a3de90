//! Buckets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::certificates::Certificates;
use crate::stage::{Outcome, Stage, condition};
use crate::store::{LOGIN, ObjectStore};

pub(crate) const MAP: &str = "/api/v1/namespaces/default/configmaps/from-bucket";

pub(crate) fn map(text: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-bucket\n  namespace: default\ndata:\n  a: {text}\n"
    )
}

pub(crate) fn path(name: &str) -> String {
    format!("/apis/source.toolkit.fluxcd.io/v1/namespaces/bucket/buckets/{name}")
}

pub(crate) fn secret(key: &str) -> Value {
    let data = json!({"accesskey": BASE64.encode(LOGIN.0), "secretkey": BASE64.encode(key)});
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "data": data})
}

pub(crate) async fn becomes(stage: &Stage, status: &str, reason: &str, message: &str) -> Outcome {
    stage
        .object_becomes(&path("apps"), |found| {
            let ready = condition(found);
            ready["status"] == status && ready["reason"] == reason && ready["message"] == message
        })
        .await
}

pub(crate) async fn fetch(stage: &Stage) -> Outcome {
    let token = stage.annotate(&path("apps")).await?;
    stage.object_becomes(&path("apps"), |found| found["status"]["lastHandledReconcileAt"] == *token).await
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_followed() -> Outcome {
    let store = ObjectStore::start(&[
        ("deploy/map.yaml", &map("first")),
        ("deploy/notes.txt", "left out"),
        ("elsewhere/x.yaml", "not: asked for"),
        (".sourceignore", "*.txt\n"),
    ])
    .await?;
    let mut stage = Stage::new("bucket").await?;
    stage.commit("first commit", &[("main/.keep", "")])?;
    stage.start("main").await?;
    stage.add("secrets", &secret("wrong")).await?;
    let object = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "Bucket",
        "metadata": {"name": "apps", "namespace": "bucket"},
        "spec": {
            "bucketName": "apps", "endpoint": store.address(), "interval": "10m", "insecure": true,
            "prefix": "deploy/", "provider": "generic", "secretRef": {"name": "login"},
        },
    });
    stage.post(&path(""), &object).await?;
    let message = "failed to confirm existence of 'apps' bucket: Access Denied.";
    becomes(&stage, "False", "BucketOperationFailed", message).await?;
    let login = "/api/v1/namespaces/bucket/secrets/login";
    stage.change(login, &json!({"data": secret(LOGIN.1)["data"]})).await?;
    fetch(&stage).await?;
    let revision = store.revision(&["deploy/map.yaml"]);
    becomes(&stage, "True", "Succeeded", &format!("stored artifact: revision '{revision}'")).await?;
    let news = "stored artifact with 1 fetched files from 'apps' bucket";
    let has_news =
        |list: &Value| list["items"].as_array().into_iter().flatten().any(|event| event["message"] == news);
    stage.object_becomes("/api/v1/namespaces/bucket/events", has_news).await?;
    stage.create("deploy", &json!({"sourceRef": {"kind": "Bucket", "name": "apps"}})).await?;
    stage.ready("deploy", &revision).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "first").await?;
    assert!(!store.downloads().iter().any(|name| name.ends_with(".txt") || name.starts_with("elsewhere")));

    // More objects than a page has.
    store.put("deploy/map.yaml", &map("second"));
    store.put("deploy/a.md", "read me");
    store.put("deploy/z.md", "read me");
    fetch(&stage).await?;
    let revision = store.revision(&["deploy/a.md", "deploy/map.yaml", "deploy/z.md"]);
    stage.ready("deploy", &revision).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "second").await?;
    // What is there already is not downloaded again.
    let downloads = store.downloads().len();
    fetch(&stage).await?;
    assert_eq!(store.downloads().len(), downloads + 1, "only the rules are");

    stage.change(&path("apps"), &json!({"spec": {"bucketName": "other"}})).await?;
    becomes(&stage, "False", "BucketOperationFailed", "bucket 'other' not found").await?;
    stage.ready("deploy", &revision).await?;
    assert!(!stage.text().contains(LOGIN.1) && !stage.text().contains("X-Amz-Signature"));
    crate::finish(stage, MAP, &path("apps")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_demands_a_client_certificate() -> Outcome {
    let certificates = Certificates::make()?;
    let store =
        ObjectStore::start_tls(certificates.demanding_server()?, &[("deploy/map.yaml", &map("first"))])
            .await?;
    let mut stage = Stage::new("bucket").await?;
    stage.commit("first commit", &[("main/.keep", "")])?;
    stage.start("main").await?;
    stage.add("secrets", &secret(LOGIN.1)).await?;
    let mut data = json!({"ca.crt": certificates.text("ca.crt")?});
    let tls = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls"}, "stringData": data});
    stage.add("secrets", &tls).await?;
    let object = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "Bucket",
        "metadata": {"name": "apps", "namespace": "bucket"},
        "spec": {
            "bucketName": "apps", "endpoint": store.address(), "interval": "10m", "provider": "generic",
            "secretRef": {"name": "login"}, "certSecretRef": {"name": "tls"},
        },
    });
    stage.post(&path(""), &object).await?;
    let fails = async |text: &str| {
        let has_failed = |found: &Value| {
            let ready = condition(found);
            ready["status"] == "False" && ready["message"].as_str().is_some_and(|said| said.contains(text))
        };
        stage.object_becomes(&path("apps"), has_failed).await
    };
    fails("CertificateRequired").await?;
    let place = "/api/v1/namespaces/bucket/secrets/tls";
    data["tls.crt"] = certificates.text("client.crt")?.into();
    stage.change(place, &json!({"stringData": data})).await?;
    fetch(&stage).await?;
    fails("secret 'bucket/tls' has 'tls.crt' without its key, 'tls.key'").await?;
    data["tls.key"] = certificates.text("client.key")?.into();
    stage.change(place, &json!({"stringData": data})).await?;
    fetch(&stage).await?;
    let revision = store.revision(&["deploy/map.yaml"]);
    becomes(&stage, "True", "Succeeded", &format!("stored artifact: revision '{revision}'")).await?;
    stage.create("deploy", &json!({"sourceRef": {"kind": "Bucket", "name": "apps"}})).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "first").await?;
    crate::finish(stage, MAP, &path("apps")).await
}
