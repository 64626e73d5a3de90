//! Buckets of a store that is not ours: MinIO, over HTTP and over TLS.
//!
//! `cargo xtask e2e` builds the server and runs it: MINIO has to name the program.

use std::process::Stdio;
use std::time::Duration;

use reqwest::Method;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::bucket::{MAP, becomes, fetch, map, path, secret};
use crate::certificates::Certificates;
use crate::stage::{Outcome, Stage, condition};
use crate::store::LOGIN;

const REASON: &str = "MINIO has to name the server: cargo xtask e2e builds one and runs this test";
/// How long a signed request is valid.
const VALID: Duration = Duration::from_secs(300);

/// The server, with one bucket.
struct Minio {
    certificates: Option<Certificates>,
    client: reqwest::Client,
    address: String,
    bucket: Bucket,
    credentials: Credentials,
    _directory: tempfile::TempDir,
    _process: Child,
}

impl Minio {
    async fn start(is_tls: bool) -> Outcome<Self> {
        let program = std::env::var("MINIO").map_err(|_| REASON)?;
        let directory = tempfile::tempdir()?;
        let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.to_string();
        // It speaks TLS if it finds a certificate under the names that it expects.
        let keys = directory.path().join("certs");
        std::fs::create_dir(&keys)?;
        let certificates = is_tls.then(Certificates::make).transpose()?;
        let mut client = reqwest::Client::builder();
        if let Some(certificates) = &certificates {
            std::fs::copy(certificates.path("server.crt"), keys.join("public.crt"))?;
            std::fs::copy(certificates.path("server.key"), keys.join("private.key"))?;
            let authority = reqwest::Certificate::from_pem(certificates.text("ca.crt")?.as_bytes())?;
            client = client.tls_certs_only([authority]);
        }
        let mut command = Command::new(program);
        command.args(["server", "--quiet", "--address", &address, "--certs-dir"]).arg(&keys);
        command.arg(directory.path().join("objects"));
        command
            .env("MINIO_ROOT_USER", LOGIN.0)
            .env("MINIO_ROOT_PASSWORD", LOGIN.1)
            .env("MINIO_BROWSER", "off");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let scheme = if is_tls { "https" } else { "http" };
        let endpoint = format!("{scheme}://{address}").parse()?;
        let minio = Minio {
            certificates,
            client: client.build()?,
            address,
            bucket: Bucket::new(endpoint, UrlStyle::Path, "apps", "us-east-1")?,
            credentials: Credentials::new(LOGIN.0, LOGIN.1),
            _directory: directory,
            _process: command.spawn()?,
        };
        let url = minio.bucket.create_bucket(&minio.credentials).sign(VALID);
        let end = tokio::time::Instant::now() + Duration::from_secs(120);
        // It refuses connections first, and requests for a moment after that.
        while !minio.client.put(url.clone()).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(tokio::time::Instant::now() < end, "the store does not start");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(minio)
    }

    async fn put(&self, name: &str, content: &str) -> Outcome {
        let url = self.bucket.put_object(Some(&self.credentials), name).sign(VALID);
        self.client.request(Method::PUT, url).body(content.to_owned()).send().await?.error_for_status()?;
        Ok(())
    }

    async fn delete(&self, name: &str) -> Outcome {
        let url = self.bucket.delete_object(Some(&self.credentials), name).sign(VALID);
        self.client.request(Method::DELETE, url).send().await?.error_for_status()?;
        Ok(())
    }
}

/// Waits until the bucket is fetched with these many objects, and returns the revision.
async fn fetched(stage: &Stage, files: usize) -> Outcome<String> {
    fetch(stage).await?;
    let found = stage.get(&path("apps")).await?.ok_or("no bucket")?;
    assert_eq!(condition(&found)["status"], "True", "{found:#}");
    let revision = found["status"]["artifact"]["revision"].as_str().ok_or("no revision")?.to_owned();
    assert!(revision.starts_with("sha256:"), "{revision}");
    let news = format!("stored artifact with {files} fetched files from 'apps' bucket");
    let has_news =
        |list: &Value| list["items"].as_array().into_iter().flatten().any(|event| event["message"] == *news);
    stage.object_becomes("/api/v1/namespaces/bucket/events", has_news).await?;
    Ok(revision)
}

async fn walk(is_tls: bool) -> Outcome {
    let store = Minio::start(is_tls).await?;
    for (name, content) in [
        ("deploy/map.yaml", map("first")),
        ("deploy/notes.txt", "left out".to_owned()),
        ("deploy/draft.md", "left out as well".to_owned()),
        ("elsewhere/x.yaml", "not: asked for".to_owned()),
        (".sourceignore", "*.txt\n".to_owned()),
    ] {
        store.put(name, &content).await?;
    }
    let mut stage = Stage::new("bucket").await?;
    stage.commit("first commit", &[("main/.keep", "")])?;
    stage.start("main").await?;
    stage.add("secrets", &secret("wrong")).await?;
    let mut spec = json!({
        "bucketName": "apps", "endpoint": store.address, "interval": "10m", "insecure": !is_tls,
        "prefix": "deploy/", "ignore": "*.md\n", "provider": "generic", "secretRef": {"name": "login"},
    });
    if let Some(certificates) = &store.certificates {
        let data = json!({"ca.crt": certificates.text("ca.crt")?});
        let tls =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls"}, "stringData": data});
        stage.add("secrets", &tls).await?;
        spec["certSecretRef"] = json!({"name": "tls"});
    }
    let object = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "Bucket",
        "metadata": {"name": "apps", "namespace": "bucket"}, "spec": spec,
    });
    stage.post(&path(""), &object).await?;
    // What is asked for is answered without a body, and so without a reason.
    let denied = "failed to confirm existence of 'apps' bucket: Access Denied.";
    becomes(&stage, "False", "BucketOperationFailed", denied).await?;
    let login = "/api/v1/namespaces/bucket/secrets/login";
    stage.change(login, &json!({"data": secret(LOGIN.1)["data"]})).await?;
    let first = fetched(&stage, 1).await?;
    stage.create("deploy", &json!({"sourceRef": {"kind": "Bucket", "name": "apps"}})).await?;
    stage.ready("deploy", &first).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "first").await?;

    // What is left out makes no revision.
    store.put("deploy/draft.md", "changed").await?;
    store.put("elsewhere/x.yaml", "changed: true").await?;
    assert_eq!(fetched(&stage, 1).await?, first);
    // More objects than a page of answers has.
    store.put("deploy/map.yaml", &map("second")).await?;
    for number in 0..1_100 {
        store.put(&format!("deploy/more/{number}.json"), "{}").await?;
    }
    let second = fetched(&stage, 1_101).await?;
    assert_ne!(second, first);
    stage.ready("deploy", &second).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "second").await?;

    // Deleted objects are gone, and the same objects make the same revision.
    for number in 0..1_100 {
        store.delete(&format!("deploy/more/{number}.json")).await?;
    }
    store.put("deploy/map.yaml", &map("first")).await?;
    assert_eq!(fetched(&stage, 1).await?, first);
    stage.object_becomes(MAP, |found| found["data"]["a"] == "first").await?;

    stage.change(&path("apps"), &json!({"spec": {"bucketName": "other"}})).await?;
    becomes(&stage, "False", "BucketOperationFailed", "bucket 'other' not found").await?;
    stage.ready("deploy", &first).await?;
    assert!(!stage.text().contains(LOGIN.1) && !stage.text().contains("X-Amz-Signature"));
    // A real cluster keeps what it has for the next stage, which makes the same Secrets.
    stage.remove(login).await?;
    if is_tls {
        stage.remove("/api/v1/namespaces/bucket/secrets/tls").await?;
    }
    crate::finish(stage, MAP, &path("apps")).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MinIO: cargo xtask e2e builds it and runs this"]
async fn buckets_over_http() -> Outcome {
    walk(false).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MinIO: cargo xtask e2e builds it and runs this"]
async fn buckets_over_tls() -> Outcome {
    walk(true).await
}
