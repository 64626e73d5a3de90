//! Repositories that a GitHub App fetches. The API answers as GitHub's documentation says.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::server::{Access, serve};
use crate::stage::{Outcome, Stage};
use crate::world::{World, run};

const APP: &str = "1234567";
const TOKEN: &str = "ghs_16C7e42F292c6912E7710c838347Ae178B4a";
const SECRETS: &str = "/api/v1/namespaces/github/secrets";
const LIST: &str = "/apis/source.toolkit.fluxcd.io/v1/namespaces/github/gitrepositories";

/// What the API knows, and what it was asked for.
#[derive(Clone)]
struct Api {
    directory: PathBuf,
    /// For how many minutes a token is good.
    minutes: Arc<Mutex<i64>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Api {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a request has what an app with the key has signed just now.
    fn is_signed(&self, request: &Request) -> Outcome<bool> {
        let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        let jwt = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let Some((signed, signature)) = jwt.rsplit_once('.') else { return Ok(false) };
        let Some((header, claims)) = signed.split_once('.') else { return Ok(false) };
        let read =
            |part: &str| -> Outcome<Value> { Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?) };
        let (header, claims, now) = (read(header)?, read(claims)?, Timestamp::now().as_second());
        let (from, until) = (claims["iat"].as_i64().unwrap_or(i64::MAX), claims["exp"].as_i64().unwrap_or(0));
        let is_now = from <= now && now < until && until - now <= 600;
        if header["alg"] != "RS256" || claims["iss"] != APP || !is_now {
            return Ok(false);
        }
        let own = tempfile::tempdir_in(&self.directory)?;
        let (text, file) = (own.path().join("text"), own.path().join("signature"));
        std::fs::write(&text, signed)?;
        std::fs::write(&file, URL_SAFE_NO_PAD.decode(signature)?)?;
        let (text, file) = (text.display().to_string(), file.display().to_string());
        let public = self.directory.join("public.pem").display().to_string();
        Ok(run("openssl", &["dgst", "-sha256", "-verify", &public, "-signature", &file, &text]).is_ok())
    }
}

fn answer(code: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = code;
    response
}

/// Notes a request, and refuses it if it is not signed.
fn refused(api: &Api, request: &Request) -> Option<Response<Body>> {
    let text = format!("{} {}", request.method(), request.uri());
    api.asked.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    let message = "A JSON web token could not be decoded";
    let is_signed = api.is_signed(request).unwrap_or_default();
    (!is_signed).then(|| answer(StatusCode::UNAUTHORIZED, &json!({"message": message})))
}

async fn installations(State(api): State<Api>, request: Request) -> Response<Body> {
    if let Some(refused) = refused(&api, &request) {
        return refused;
    }
    let page = request.uri().query().unwrap_or_default().contains("&page=2");
    let found = |id: usize, login: &str| json!({"id": id, "app_id": 1_234_567, "account": {"login": login, "type": "User"}});
    let all: Vec<Value> = match page {
        true => vec![found(98, "Octo-Org")],
        false => (0..100).map(|number| found(1000 + number, &format!("user{number}"))).collect(),
    };
    answer(StatusCode::OK, &Value::Array(all))
}

async fn token(State(api): State<Api>, request: Request) -> Response<Body> {
    if let Some(refused) = refused(&api, &request) {
        return refused;
    }
    if !request.uri().path().ends_with("/98/access_tokens") {
        return answer(StatusCode::NOT_FOUND, &json!({"message": "Not Found"}));
    }
    let minutes = *api.minutes.lock().unwrap_or_else(PoisonError::into_inner);
    let expires = (Timestamp::now() + SignedDuration::from_mins(minutes)).round(jiff::Unit::Second);
    let body = json!({
        "token": TOKEN, "expires_at": expires.unwrap_or_default().to_string(),
        "permissions": {"contents": "read", "metadata": "read"}, "repository_selection": "all",
    });
    answer(StatusCode::CREATED, &body)
}

/// The API, below a path as GitHub Enterprise has it. Returns the address, too.
async fn api(world: &World) -> Outcome<(String, Api)> {
    let directory = world.directory.path().to_owned();
    let (key, public) = (world.path("key.pem"), world.path("public.pem"));
    run("openssl", &["genrsa", "-traditional", "-out", &key, "2048"])?;
    run("openssl", &["rsa", "-in", &key, "-pubout", "-out", &public])?;
    let api = Api { directory, minutes: Arc::new(Mutex::new(60)), asked: Arc::default() };
    let router = Router::new()
        .route("/api/v3/app/installations", get(installations))
        .route("/api/v3/app/installations/{id}/access_tokens", post(token))
        .fallback(|| async { Json(json!({"message": "Not Found"})) })
        .with_state(api.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}/api/v3", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((address, api))
}

fn ready(found: &Value) -> Value {
    let conditions = found["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().find(|condition| condition["type"] == "Ready").cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_of_github() -> Outcome {
    let world = World::new()?;
    let url = serve(&world, Access::Basic("x-access-token", TOKEN)).await?;
    let (address, api) = api(&world).await?;
    let key = std::fs::read_to_string(world.path("key.pem"))?;
    assert!(key.starts_with("-----BEGIN RSA PRIVATE KEY-----"), "this is the form in which GitHub has keys");
    let newer = run("openssl", &["pkcs8", "-topk8", "-nocrypt", "-in", &world.path("key.pem")])?;
    let other = run("openssl", &["genrsa", "2048"])?;

    let mut stage = Stage::new("github").await?;
    stage.commit("first", &[("main/.keep", " ")])?;
    stage.start("main").await?;
    let secret = |name: &str, more: Value| {
        let mut data = json!({
            "githubAppID": APP, "githubAppInstallationID": "98", "githubAppPrivateKey": key,
            "githubAppBaseURL": address,
        });
        if let (Some(data), Some(more)) = (data.as_object_mut(), more.as_object()) {
            data.extend(more.clone());
            data.retain(|_, value| !value.is_null());
        }
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})
    };
    let source = |name: &str, more: Value| {
        let mut spec = json!({
            "url": url, "interval": "10m", "ref": {"branch": "main"}, "provider": "github", "secretRef": {"name": name},
        });
        if let (Some(spec), Some(more)) = (spec.as_object_mut(), more.as_object()) {
            spec.extend(more.clone());
            spec.retain(|_, value| !value.is_null());
        }
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": name}, "spec": spec,
        })
    };
    let becomes_ready = async |name: &str| {
        let path = format!("{LIST}/{name}");
        stage.object_becomes(&path, |found| ready(found)["status"] == "True").await
    };
    let again = async |name: &str| {
        let path = format!("{LIST}/{name}");
        let token = stage.annotate(&path).await?;
        stage.object_becomes(&path, |found| found["status"]["lastHandledReconcileAt"] == *token).await
    };

    let tokens = ["POST /api/v3/app/installations/98/access_tokens"];
    stage.post(SECRETS, &secret("number", json!({}))).await?;
    stage.post(LIST, &source("number", json!({}))).await?;
    becomes_ready("number").await?;
    again("number").await?;
    assert_eq!(api.take(), tokens, "a token is used as long as it is good");

    // By the name of who has installed it, with the key in the newer form.
    let owner = json!({
        "githubAppInstallationID": null, "githubAppInstallationOwner": "octo-org", "githubAppPrivateKey": newer,
        "githubAppBaseURL": format!("{address}/"),
    });
    stage.post(SECRETS, &secret("owner", owner)).await?;
    // Tokens that end soon are not kept.
    *api.minutes.lock().unwrap_or_else(PoisonError::into_inner) = 2;
    stage.post(LIST, &source("owner", json!({}))).await?;
    becomes_ready("owner").await?;
    let pages = [1, 2].map(|page| format!("GET /api/v3/app/installations?per_page=100&page={page}"));
    assert_eq!(api.take(), [&*pages[0], &*pages[1], tokens[0]]);
    again("owner").await?;
    assert_eq!(api.take().len(), 3);

    let plain = json!({"githubAppID": null, "username": "x-access-token", "password": TOKEN});
    let link_local = json!({"githubAppBaseURL": "http://169.254.169.254/api/v3"});
    let both = json!({"githubAppInstallationOwner": "octo-org"});
    for (name, more, spec, reason, text) in [
        (
            "other-key",
            json!({"githubAppPrivateKey": other}),
            json!({}),
            "AuthenticationFailed",
            "could not be decoded",
        ),
        (
            "no-key",
            json!({"githubAppPrivateKey": "x"}),
            json!({}),
            "AuthenticationFailed",
            "is not a private key",
        ),
        (
            "elsewhere",
            json!({"githubAppInstallationID": "99"}),
            json!({}),
            "AuthenticationFailed",
            "404 Not Found",
        ),
        ("both", both, json!({}), "AuthenticationFailed", "cannot be used with"),
        ("link-local", link_local, json!({}), "AuthenticationFailed", "link-local address"),
        ("plain", plain, json!({}), "InvalidProviderConfiguration", "github app data must be specified"),
        (
            "no-provider",
            json!({}),
            json!({"provider": null}),
            "InvalidProviderConfiguration",
            "provider is not set",
        ),
        (
            "no-secret",
            json!({}),
            json!({"secretRef": null}),
            "InvalidProviderConfiguration",
            "must be specified",
        ),
        ("ssh", json!({}), json!({"url": "ssh://git@127.0.0.1/x"}), "InvalidProviderConfiguration", "http"),
    ] {
        stage.post(SECRETS, &secret(name, more)).await?;
        stage.post(LIST, &source(name, spec)).await?;
        let is_refused = |found: &Value| {
            let ready = ready(found);
            ready["status"] == "False"
                && ready["reason"] == reason
                && ready["message"].as_str().is_some_and(|message| message.contains(text))
        };
        let refused = stage.object_becomes(&format!("{LIST}/{name}"), is_refused).await;
        refused.map_err(|error| format!("{name}: {error}"))?;
        stage.remove(&format!("{LIST}/{name}")).await?;
        stage.remove(&format!("{SECRETS}/{name}")).await?;
    }
    for name in ["number", "owner"] {
        stage.remove(&format!("{LIST}/{name}")).await?;
        stage.remove(&format!("{SECRETS}/{name}")).await?;
    }
    let log = stage.text();
    assert!(!log.contains(TOKEN) && !log.contains("PRIVATE KEY"));
    stage.delete("main").await?;
    stage.stop().await
}
