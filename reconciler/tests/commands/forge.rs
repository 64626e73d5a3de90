//! `bootstrap github`, `gitlab` and `gitea`, with a server that answers as the forges do.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::server::backend;
use crate::ssh_server::Server;
use crate::stage::{Result, Stage, git};
use crate::world::World;

const TOKEN: &str = "t0ken";

/// A forge with at most one repository, `org/fleet`.
#[derive(Clone)]
struct Forge {
    /// The directory of its repositories.
    root: String,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    /// What it was asked to do: method, path and body.
    asked: Vec<(String, String, Value)>,
    keys: Vec<Value>,
}

impl Forge {
    /// Starts it. Returns its address, too.
    fn start(runtime: &Runtime, stage: &Stage) -> Result<(Self, String)> {
        let root = stage.path("forge");
        std::fs::create_dir_all(&root)?;
        let forge = Forge { root: root.display().to_string(), known: Arc::default() };
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(answer).with_state(forge.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok((forge, address))
    }

    fn exists(&self) -> bool {
        std::path::Path::new(&self.root).join("org/fleet.git").exists()
    }

    /// What it was asked to change since the last time.
    fn changes(&self) -> Vec<(String, String, Value)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut known.asked).into_iter().filter(|(method, ..)| method != "GET").collect()
    }

    /// The answer of the API to a request of someone who is logged in.
    fn api(&self, method: &str, path: &str, body: &Value) -> Result<(StatusCode, Value)> {
        let missing = (StatusCode::NOT_FOUND, json!({"message": "Not Found"}));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.asked.push((method.to_owned(), path.to_owned(), body.clone()));
        // The path without what the three forges have before it.
        let path =
            path.trim_start_matches("/api/v3").trim_start_matches("/api/v4").trim_start_matches("/api/v1");
        let in_repository =
            ["/repos/org/fleet", "/projects/org%2Ffleet"].iter().find_map(|prefix| path.strip_prefix(prefix));
        let key = |tail: &str| tail.rsplit('/').next().and_then(|id| id.parse::<usize>().ok());
        Ok(match (method, in_repository) {
            ("GET", None) if path == "/groups/org" => (StatusCode::OK, json!({"id": 7})),
            ("POST", None) if matches!(path, "/orgs/org/repos" | "/user/repos" | "/projects") => {
                let repository = std::path::Path::new(&self.root).join("org");
                std::fs::create_dir_all(&repository)?;
                git(&repository, &["init", "--quiet", "--bare", "--initial-branch=main", "fleet.git"])?;
                git(&repository.join("fleet.git"), &["config", "http.receivepack", "true"])?;
                (StatusCode::CREATED, json!({"name": "fleet"}))
            }
            ("PUT", None) if path == "/orgs/org/teams/blue/repos/org/fleet" => {
                (StatusCode::NO_CONTENT, Value::Null)
            }
            (_, Some(_)) if !self.exists() => missing,
            ("GET", Some("")) => (StatusCode::OK, json!({"name": "fleet"})),
            ("GET", Some("/keys" | "/deploy_keys")) => (StatusCode::OK, Value::Array(known.keys.clone())),
            ("POST", Some("/keys" | "/deploy_keys")) => {
                let mut key = body.clone();
                key["id"] = known.asked.len().into();
                known.keys.push(key.clone());
                (StatusCode::CREATED, key)
            }
            ("DELETE", Some(tail)) => {
                let id = key(tail);
                known.keys.retain(|key| key["id"].as_u64().map(|found| found as usize) != id);
                (StatusCode::NO_CONTENT, Value::Null)
            }
            _ => missing,
        })
    }
}

/// Whether a request has the token, in the way of one of the forges or of git.
fn is_logged_in(request: &Request) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    match header("authorization") {
        Some(given) if request.uri().path().starts_with("/api/") => {
            given == format!("Bearer {TOKEN}") || given == format!("token {TOKEN}")
        }
        Some(given) => given == format!("Basic {}", STANDARD.encode(format!("git:{TOKEN}"))),
        None => header("private-token") == Some(TOKEN),
    }
}

async fn answer(State(forge): State<Forge>, request: Request) -> Response<Body> {
    if !is_logged_in(&request) {
        let words = Json(json!({"message": "Bad credentials"}));
        return (StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic")], words).into_response();
    }
    let failed = |error: String| (StatusCode::INTERNAL_SERVER_ERROR, error).into_response();
    if !request.uri().path().starts_with("/api/") {
        let answered = backend(&forge.root, false, request).await;
        return answered.unwrap_or_else(|error| failed(error.to_string()));
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    match forge.api(parts.method.as_str(), parts.uri.path(), &body) {
        Ok((status, answer)) => (status, Json(answer)).into_response(),
        Err(error) => failed(error.to_string()),
    }
}

#[test]
fn bootstrap_makes_the_repository_and_stores_the_token() -> Result {
    let (mut stage, runtime) = (Stage::new()?, Runtime::new()?);
    stage.succeeds("install")?;
    stage.run_controllers()?;
    for (kind, variable, made) in [
        ("github", "GITHUB_TOKEN", json!({"name": "fleet", "private": true})),
        ("gitea", "GITEA_TOKEN", json!({"name": "fleet", "private": true})),
        (
            "gitlab",
            "GITLAB_TOKEN",
            json!({"name": "fleet", "path": "fleet", "visibility": "private", "namespace_id": 7}),
        ),
    ] {
        let (forge, address) = Forge::start(&runtime, &stage)?;
        let line = format!(
            "bootstrap {kind} --hostname={address} --owner=org --repository=fleet --path=clusters/demo --token-auth"
        );
        assert!(stage.fails(&line)?.contains(&format!("the environment variable {variable} has no token")));
        stage.set(variable, "wrong");
        let refused = stage.fails(&line)?;
        assert!(refused.contains("Bad credentials") && refused.contains(variable), "{refused}");
        stage.set(variable, TOKEN);

        let first = stage.succeeds(&line)?;
        let page = format!("{address}/org/fleet");
        assert!(first.contains(&format!("✔ repository \"{page}\" created")), "{first}");
        assert!(first.contains("✔ Kustomization reconciled successfully"), "{first}");
        assert!(!first.contains(TOKEN), "{first}");
        let changes = forge.changes();
        let [(method, _, body)] = &changes[..] else { return Err(format!("{changes:?}").into()) };
        assert_eq!((method.as_str(), body), ("POST", &made));
        let source = stage.succeeds("export source git flux-system")?;
        assert!(source.contains(&format!("url: {page}.git")), "{source}");

        let second = stage.succeeds(&line)?;
        assert!(!second.contains("created") && !second.contains("committed"), "{second}");
        assert!(forge.changes().is_empty());
        std::fs::remove_dir_all(&forge.root)?;
    }
    Ok(())
}

#[test]
fn bootstrap_adds_a_deploy_key_and_changes_what_it_may_do() -> Result {
    let (mut stage, runtime) = (Stage::new()?, Runtime::new()?);
    let world = World::new()?;
    let Some(ssh) = Server::start(&world, &[])? else { return Ok(()) };
    let host = ssh.known_hosts.split(' ').next().unwrap_or_default().replace(['[', ']'], "");
    stage.succeeds("install")?;
    let (forge, address) = Forge::start(&runtime, &stage)?;
    stage.set("GITHUB_TOKEN", TOKEN);
    // No controllers run here, so that nothing becomes ready.
    let line = format!(
        "bootstrap github --hostname={address} --ssh-hostname={host} --owner=org --repository=fleet \
         --path=clusters/demo --team=blue --timeout=1s"
    );
    let title = "flux-system-main-flux-system-clusters/demo";
    let first = stage.fails(&line)?;
    assert!(first.contains(&format!("✔ configured deploy key \"{title}\"")), "{first}");
    assert!(first.contains("waiting for GitRepository"), "{first}");
    let changes = forge.changes();
    let [_, (team, ..), (_, _, key)] = &changes[..] else { return Err(format!("{changes:?}").into()) };
    assert_eq!((team.as_str(), &key["title"], &key["read_only"]), ("PUT", &json!(title), &json!(true)));
    let sync = stage.succeeds("export source git flux-system")?;
    assert!(sync.contains(&format!("url: ssh://git@{host}/org/fleet\n")), "{sync}");

    // The same key, which may now write.
    let second = stage.fails(&format!("{line} --read-write-key"))?;
    assert!(second.contains("✔ source secret up to date"), "{second}");
    let changes = forge.changes();
    let [_, (method, ..), (_, _, other)] = &changes[..] else { return Err(format!("{changes:?}").into()) };
    assert_eq!((method.as_str(), &other["key"], &other["read_only"]), ("DELETE", &key["key"], &json!(false)));
    let third = stage.fails(&format!("{line} --read-write-key"))?;
    assert!(third.contains("✔ deploy key is up to date"), "{third}");
    assert_eq!(forge.changes().len(), 1, "the team only");
    Ok(())
}
