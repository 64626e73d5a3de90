//! ExternalArtifacts: what other controllers have made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};
use tokio::net::TcpListener;

use crate::finish;
use crate::registry::archive;
use crate::stage::{Outcome, Stage};

const MAP: &str = "/api/v1/namespaces/default/configmaps/from-elsewhere";
const LIST: &str = "/apis/source.toolkit.fluxcd.io/v1/namespaces/external/externalartifacts";

fn map(text: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-elsewhere\n  namespace: default\ndata:\n  a: {text}\n"
    )
}

/// Another controller, which serves what it has by path.
#[derive(Clone, Default)]
struct Maker(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

async fn answer(State(maker): State<Maker>, request: Request) -> Response<Body> {
    let path = request.uri().path();
    let mut response = Response::new(Body::empty());
    if path == "/away" {
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        let location = header::HeaderValue::from_static("http://169.254.169.254/latest");
        response.headers_mut().insert(header::LOCATION, location);
    } else if let Some(content) = maker.0.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
        *response.body_mut() = Body::from(content.clone());
    } else {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_controller_has_made() -> Outcome {
    let (maker, listener) = (Maker::default(), TcpListener::bind("127.0.0.1:0").await?);
    let server = format!("http://{}", listener.local_addr()?);
    let router = Router::new().fallback(answer).with_state(maker.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let make = |name: &str, text: &str| -> Outcome<Vec<u8>> {
        let content = archive(&[("deploy/map.yaml", &map(text))])?;
        maker.0.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("/{name}"), content.clone());
        Ok(content)
    };
    let (first, second) = (make("first", "first")?, make("second", "second")?);

    let mut stage = Stage::new("external").await?;
    stage.commit("first commit", &[("main/.keep", " ")])?;
    stage.start("main").await?;
    let path = format!("{LIST}/made");
    let source = json!({"kind": "ExternalArtifact", "name": "made"});
    stage.create("deploy", &json!({"sourceRef": source, "retryInterval": "1s"})).await?;
    stage.not_ready("deploy", "ArtifactFailed", "Source 'ExternalArtifact/external/made' not found").await?;
    let object = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "ExternalArtifact", "metadata": {"name": "made"},
        "spec": {"sourceRef": {"apiVersion": "example.com/v1", "kind": "Source", "name": "made"}},
    });
    stage.post(LIST, &object).await?;
    stage.not_ready("deploy", "ArtifactFailed", "Source artifact not found").await?;

    let artifact = |name: &str, digest: &str, size: Option<usize>| {
        json!({"status": {"artifact": {
            "digest": digest, "lastUpdateTime": "2026-01-01T00:00:00Z", "path": name, "size": size,
            "revision": format!("{name}@{digest}"), "url": format!("{server}/{name}"),
        }}})
    };
    let status = format!("{path}/status");
    let digest = format!("sha256:{}", hex(&Sha256::digest(&first)));
    stage.change(&status, &artifact("first", &digest, Some(first.len()))).await?;
    stage.ready("deploy", &format!("first@{digest}")).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "first").await?;

    // None of these is used, and neither is what was there before.
    let right = format!("sha256:{}", hex(&Sha256::digest(&second)));
    let link_local = |artifact: Value| {
        let mut artifact = artifact;
        artifact["status"]["artifact"]["url"] = json!("http://169.254.169.254/latest");
        artifact
    };
    for (artifact, text) in [
        (artifact("second", &digest, None), format!("does not have the digest {digest}")),
        (
            artifact("second", &right, Some(second.len() - 1)),
            format!("is larger than {} bytes", second.len() - 1),
        ),
        (artifact("nothing", &right, None), "404 Not Found".to_owned()),
        (artifact("away", &right, None), "link-local address".to_owned()),
        (link_local(artifact("second", &right, None)), "link-local address".to_owned()),
        (artifact("second", "md5:d41d8cd98f00b204e9800998ecf8427e", None), "is not one of sha256".to_owned()),
    ] {
        stage.change(&status, &artifact).await?;
        stage.not_ready("deploy", "ArtifactFailed", &text).await?;
    }
    assert!(stage.get(MAP).await?.is_some_and(|found| found["data"]["a"] == "first"));
    // The same as before is used again.
    stage.change(&status, &artifact("first", &digest, Some(first.len()))).await?;
    stage.ready("deploy", &format!("first@{digest}")).await?;

    let longer = format!("sha512:{}", hex(&Sha512::digest(&second)));
    stage.change(&status, &artifact("second", &longer, Some(second.len()))).await?;
    stage.ready("deploy", &format!("second@{longer}")).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "second").await?;
    stage.change(&status, &json!({"status": {"artifact": null}})).await?;
    stage.not_ready("deploy", "ArtifactFailed", "Source artifact not found").await?;
    finish(stage, MAP, &path).await
}
