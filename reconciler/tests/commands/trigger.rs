//! `trigger receiver`, with a server that counts what it is asked.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::stage::{Result, Stage};

/// Path, signature and body of each request.
type Asked = Arc<Mutex<Vec<[String; 3]>>>;

/// A header, empty if it is absent.
fn header(request: &Request, name: &str) -> String {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

async fn answer(State(asked): State<Asked>, request: Request) -> (StatusCode, &'static str) {
    let path = request.uri().path().to_owned();
    let proof = header(&request, "x-signature") + &header(&request, "authorization");
    let body = to_bytes(request.into_body(), 1 << 16).await.unwrap_or_default();
    let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
    asked.push([path.clone(), proof, String::from_utf8_lossy(&body).into_owned()]);
    match (path.starts_with("/busy"), asked.len()) {
        (true, ..3) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        _ if path.starts_with("/closed") => (StatusCode::BAD_REQUEST, "no"),
        _ => (StatusCode::OK, ""),
    }
}

#[test]
fn the_webhook_of_a_receiver_is_asked_until_it_answers() -> Result {
    let (stage, runtime) = (Stage::new()?, tokio::runtime::Runtime::new()?);
    let asked = Asked::default();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = format!("http://{}", listener.local_addr()?);
    let router = Router::new().fallback(answer).with_state(asked.clone());
    runtime.spawn(async move { axum::serve(listener, router).await });
    let take = || std::mem::take(&mut *asked.lock().unwrap_or_else(PoisonError::into_inner));

    // The path that the Receiver itself has, as Flux computes it: SHA-256 of `tokenreceiverapps`.
    let secret = stage.succeeds(
        "create secret receiver receiver -n apps --type=generic --token=token --hostname=h --export",
    )?;
    let secret: Value = serde_yaml::from_str(secret.trim_start_matches("---"))?;
    let webhook = secret["metadata"]["annotations"]["notification.toolkit.fluxcd.io/webhook"].as_str();
    let path = webhook.and_then(|webhook| webhook.strip_prefix("https://h")).ok_or("no path")?;
    let line = format!("trigger receiver receiver -n apps --url={address}/base/ --retry-delay=10ms");
    let said = stage.succeeds(&format!("{line} --token=token"))?;
    assert!(said.contains("✔ Receiver apps/receiver triggered"), "{said}");
    assert_eq!(take(), [[format!("/base{path}"), String::new(), "{}".to_owned()]]);

    // printf '{"a":1}' | openssl dgst -sha256 -hmac token
    let signature = "sha256=faee837978e44be8915ecfe70bee314b433634f9e039c865773280f437bc4d61";
    stage.succeeds(&format!("{line} --token=token --type=generic-hmac --payload={{\"a\":1}}"))?;
    let [[_, proof, body]] = &take()[..] else { return Err("not one request".into()) };
    assert_eq!((proof.as_str(), body.as_str()), (signature, "{\"a\":1}"));
    stage.succeeds(&format!("{line} --type=generic-oidc --oidc-token=jwt"))?;
    assert_eq!(take()[0][1], "Bearer jwt");

    let busy = format!("trigger receiver receiver --url={address}/busy --token=t --retry-delay=10ms");
    let said = stage.succeeds(&busy)?;
    assert!(said.contains("503 Service Unavailable: busy; retrying in 10ms (2/10)"), "{said}");
    assert_eq!(take().len(), 3);
    assert!(stage.fails(&format!("{busy} --retries=1"))?.contains("✗ request to"));
    assert_eq!(take().len(), 2);
    let closed = stage.fails(&busy.replace("busy", "closed"))?;
    assert!(closed.contains("400 Bad Request: no"), "{closed}");
    assert_eq!(take().len(), 1);

    let cases = [
        ("", "--token is required for --type=generic"),
        ("--type=generic-oidc --token=a", "--token must not be set"),
        ("--type=generic-oidc", "no OIDC token provided"),
        ("--token=a --oidc-token=b", "can only be set for --type=generic-oidc"),
    ];
    stage.refuses(&line, &cases)?;
    assert!(take().is_empty());
    Ok(())
}
