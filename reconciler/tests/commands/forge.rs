//! `bootstrap github`, `gitlab`, `gitea` and `bitbucket-server`, with a server that answers as the forges do.

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
        // The path without what the forges have before it.
        let before = ["/api/v3", "/api/v4", "/api/v1", "/rest/api/1.0", "/rest/keys/1.0"];
        let path = before.iter().find_map(|prefix| path.strip_prefix(prefix)).unwrap_or(path);
        let repositories = ["/repos/org/fleet", "/projects/org%2Ffleet", "/projects/org/repos/fleet"];
        let in_repository = repositories.iter().find_map(|prefix| path.strip_prefix(prefix));
        let key = |tail: &str| tail.rsplit('/').next().and_then(|id| id.parse::<usize>().ok());
        Ok(match (method, in_repository) {
            ("GET", None) if path == "/groups/org" => (StatusCode::OK, json!({"id": 7})),
            ("GET", None) if path == "/groups/blue" => (StatusCode::OK, json!({"id": 8})),
            ("POST", None)
                if matches!(
                    path,
                    "/orgs/org/repos" | "/user/repos" | "/projects" | "/projects/org/repos"
                ) =>
            {
                let repository = std::path::Path::new(&self.root).join("org");
                std::fs::create_dir_all(&repository)?;
                git(&repository, &["init", "--quiet", "--bare", "--initial-branch=main", "fleet.git"])?;
                git(&repository.join("fleet.git"), &["config", "http.receivepack", "true"])?;
                let ssh = json!({"name": "ssh", "href": "ssh://git@forge.example:7999/org/fleet.git"});
                (StatusCode::CREATED, json!({"name": "fleet", "links": {"clone": [ssh]}}))
            }
            ("PUT", None) if path == "/orgs/org/teams/blue/repos/org/fleet" => {
                (StatusCode::NO_CONTENT, Value::Null)
            }
            (_, Some(_)) if !self.exists() => missing,
            ("GET", Some("")) => (
                StatusCode::OK,
                json!({"name": "fleet", "private": true, "public": false, "visibility": "private"}),
            ),
            ("PATCH" | "PUT", Some("")) => (StatusCode::OK, body.clone()),
            ("POST", Some("/share")) => (StatusCode::CREATED, json!({})),
            ("PUT", Some("/permissions/groups")) => (StatusCode::NO_CONTENT, Value::Null),
            ("POST", Some("/deploy_tokens")) => {
                (StatusCode::CREATED, json!({"username": "gitlab+deploy-token-1", "token": "gldt"}))
            }
            ("GET", Some("/ssh")) => {
                (StatusCode::OK, json!({"values": known.keys.clone(), "isLastPage": true}))
            }
            ("POST", Some("/ssh")) => {
                let mut key = body.clone();
                key["key"]["id"] = known.asked.len().into();
                known.keys.push(key.clone());
                (StatusCode::CREATED, key)
            }
            ("GET", Some("/keys" | "/deploy_keys")) => (StatusCode::OK, Value::Array(known.keys.clone())),
            ("POST", Some("/keys" | "/deploy_keys")) => {
                let mut key = body.clone();
                key["id"] = known.asked.len().into();
                known.keys.push(key.clone());
                (StatusCode::CREATED, key)
            }
            ("DELETE", Some(tail)) => {
                let id = key(tail);
                let number = |key: &Value| key["id"].as_u64().or_else(|| key["key"]["id"].as_u64());
                known.keys.retain(|key| number(key).map(|found| found as usize) != id);
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
        Some(given) if is_api(request.uri().path()) => {
            given == format!("Bearer {TOKEN}") || given == format!("token {TOKEN}")
        }
        Some(given) => given == format!("Basic {}", STANDARD.encode(format!("git:{TOKEN}"))),
        None => header("private-token") == Some(TOKEN),
    }
}

fn is_api(path: &str) -> bool {
    path.starts_with("/api/") || path.starts_with("/rest/")
}

async fn answer(State(forge): State<Forge>, request: Request) -> Response<Body> {
    if !is_logged_in(&request) {
        let words = Json(json!({"message": "Bad credentials"}));
        return (StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic")], words).into_response();
    }
    let failed = |error: String| (StatusCode::INTERNAL_SERVER_ERROR, error).into_response();
    if !is_api(request.uri().path()) {
        let mut request = request;
        // Bitbucket has repositories below a path of their own.
        if let Some(rest) = request.uri().to_string().strip_prefix("/scm") {
            match rest.parse() {
                Ok(uri) => *request.uri_mut() = uri,
                Err(error) => return failed(format!("{error}")),
            }
        }
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

/// A stage with a forge and its address; commands log in with the token in an environment variable. No controllers run,
/// so that nothing becomes ready.
fn installed(runtime: &Runtime, variable: &str) -> Result<(Stage, Forge, String)> {
    let mut stage = Stage::new()?;
    stage.succeeds("install")?;
    let (forge, address) = Forge::start(runtime, &stage)?;
    stage.set(variable, TOKEN);
    Ok((stage, forge, address))
}

/// The host and port of a server, for `--ssh-hostname`.
fn host(ssh: &Server) -> String {
    ssh.known_hosts.split(' ').next().unwrap_or_default().replace(['[', ']'], "")
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
        (
            "bitbucket-server",
            "BITBUCKET_TOKEN",
            json!({"name": "fleet", "scmId": "git", "public": false, "defaultBranch": "main"}),
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
        let followed = if kind == "bitbucket-server" { format!("{address}/scm/org/fleet") } else { page };
        assert!(source.contains(&format!("url: {followed}.git")), "{source}");

        let second = stage.succeeds(&line)?;
        assert!(!second.contains("created") && !second.contains("committed"), "{second}");
        assert!(forge.changes().is_empty());

        // What exists is changed only if that is asked for.
        let public = if kind == "gitlab" { "--visibility=public" } else { "--private=false" };
        stage.succeeds(&format!("{line} {public}"))?;
        assert!(forge.changes().is_empty());
        let changed = stage.succeeds(&format!("{line} {public} --reconcile"))?;
        assert!(changed.contains("updated"), "{changed}");
        let changes = forge.changes();
        let [(_, _, body)] = &changes[..] else { return Err(format!("{changes:?}").into()) };
        let wanted = match kind {
            "gitlab" => json!({"visibility": "public"}),
            "bitbucket-server" => json!({"public": true}),
            _ => json!({"private": false}),
        };
        assert_eq!(*body, wanted);
        std::fs::remove_dir_all(&forge.root)?;
    }
    Ok(())
}

#[test]
fn bootstrap_adds_a_deploy_key_and_changes_what_it_may_do() -> Result {
    let world = World::new()?;
    let Some(ssh) = Server::start(&world, &[])? else { return Ok(()) };
    let (runtime, host) = (Runtime::new()?, host(&ssh));
    let (stage, forge, address) = installed(&runtime, "GITHUB_TOKEN")?;
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

#[test]
fn a_group_gets_access_and_the_cluster_a_deploy_token() -> Result {
    let runtime = Runtime::new()?;
    let (stage, forge, address) = installed(&runtime, "GITLAB_TOKEN")?;
    let line = format!(
        "bootstrap gitlab --hostname={address} --owner=org --repository=fleet --path=clusters/demo --team=blue:push \
         --deploy-token-auth --timeout=1s"
    );
    assert!(stage.fails(&format!("{line} --token-auth"))?.contains("cannot be set both"));
    let first = stage.fails(&line)?;
    assert!(first.contains("✔ configured deploy token"), "{first}");
    let changes = forge.changes();
    let [_, (_, _, share), (_, _, token)] = &changes[..] else { return Err(format!("{changes:?}").into()) };
    assert_eq!(*share, json!({"group_id": 8, "group_access": 30}));
    assert_eq!(token["scopes"], json!(["read_repository"]));
    let secret = stage.get("/api/v1/namespaces/flux-system/secrets/flux-system")?;
    assert_eq!(secret["data"]["username"], STANDARD.encode("gitlab+deploy-token-1"));
    assert_eq!(secret["data"]["password"], STANDARD.encode("gldt"));
    let source = stage.succeeds("export source git flux-system")?;
    assert!(source.contains(&format!("url: {address}/org/fleet.git")), "{source}");
    // The token is kept.
    assert!(stage.fails(&line)?.contains("✔ source secret up to date"));
    assert_eq!(forge.changes().len(), 1, "the group only");
    Ok(())
}

#[test]
fn bitbucket_tells_where_its_ssh_listens() -> Result {
    let world = World::new()?;
    let Some(ssh) = Server::start(&world, &[])? else { return Ok(()) };
    let (runtime, host) = (Runtime::new()?, host(&ssh));
    let (stage, forge, address) = installed(&runtime, "BITBUCKET_TOKEN")?;
    let line = format!(
        "bootstrap bitbucket-server --hostname={address} --owner=org --repository=fleet --username=git \
         --path=clusters/demo --group=blue --timeout=1s"
    );
    // The host of the answer does not exist here.
    let said = stage.fails(&line)?;
    assert!(said.contains("the host forge.example shows no ssh key on port 7999"), "{said}");
    drop(forge.changes());
    let first = stage.fails(&format!("{line} --ssh-hostname={host}"))?;
    assert!(first.contains("✔ configured deploy key"), "{first}");
    let changes = forge.changes();
    let [(_, group, _), (_, _, key)] = &changes[..] else { return Err(format!("{changes:?}").into()) };
    assert!(group.ends_with("/permissions/groups"), "{group}");
    assert_eq!(key["permission"], "REPO_READ");
    let second = stage.fails(&format!("{line} --ssh-hostname={host} --read-write-key"))?;
    assert!(second.contains("✔ configured deploy key"), "{second}");
    let changes = forge.changes();
    let [_, (method, ..), (_, _, other)] = &changes[..] else { return Err(format!("{changes:?}").into()) };
    assert_eq!((method.as_str(), &other["permission"]), ("DELETE", &json!("REPO_WRITE")));
    assert_eq!(other["key"], json!({"text": key["key"]["text"], "label": key["key"]["label"]}));
    Ok(())
}
