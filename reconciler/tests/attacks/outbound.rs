//! Addresses that nobody may make the reconciler connect to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reconciler::notify::{Connection, ask};
use reconciler::outbound::Reach;
use reconciler::source::git::{Credentials, GitProgram};
use reconciler_core::notify::{Method, Request as Outgoing};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stage::Outcome;
use crate::world::{ATTACKER, World};

/// The most that is read of a request.
const LONGEST: usize = 1 << 20;

/// What a server was asked for.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    paths: Arc<Mutex<Vec<String>>>,
    bodies: Arc<Mutex<Vec<String>>>,
    is_login_away: Arc<AtomicBool>,
}

impl Heard {
    /// The paths that were asked for until now.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.paths.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was sent until now.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A server that answers nothing of use, and redirects `/away` to the metadata service of a cloud.
pub(crate) async fn listener() -> Outcome<(SocketAddr, Heard)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (address, heard) = (listener.local_addr()?, Heard::default());
    let router = Router::new().fallback(answer).with_state(heard.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((address, heard))
}

async fn answer(State(heard): State<Heard>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    heard.paths.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
    let body = to_bytes(request.into_body(), LONGEST).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    heard.bodies.lock().unwrap_or_else(PoisonError::into_inner).push(body);
    if path == "/v2/" && heard.is_login_away.load(Ordering::Relaxed) {
        let login = "Bearer realm=\"http://169.254.169.254/latest\",service=\"x\"";
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, login)]).into_response();
    }
    let path = path.strip_prefix("/v2").unwrap_or(&path);
    match path.strip_prefix("/away") {
        Some(rest) => {
            let location = format!("http://169.254.169.254{rest}");
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_with_link_local_addresses() -> Outcome {
    let world = World::new(&[]).await?;
    let source = |kind: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": kind,
            "metadata": {"name": name, "namespace": ATTACKER}, "spec": spec,
        })
    };
    for (name, url) in [
        ("http", "http://169.254.169.254/latest/meta-data"),
        ("decimal", "http://2852039166/latest"),
        ("mapped", "http://[::ffff:169.254.169.254]/latest"),
        ("six", "https://[fe80::1]/latest"),
        ("ssh", "ssh://git@169.254.169.254/latest"),
    ] {
        world
            .create(&source("GitRepository", name, json!({"url": url, "interval": "10m", "timeout": "20s"})))
            .await?;
        world
            .refused("gitrepositories", name, "link-local address")
            .await
            .map_err(|error| format!("{name}: {error}"))?;
    }
    let spec = json!({"url": "oci://169.254.169.254/apps", "interval": "10m", "insecure": true});
    world.create(&source("OCIRepository", "oci", spec)).await?;
    world.refused("ocirepositories", "oci", "link-local address").await?;
    let spec = json!({"bucketName": "x", "endpoint": "169.254.169.254", "interval": "10m", "insecure": true});
    world.create(&source("Bucket", "bucket", spec)).await?;
    world.refused("buckets", "bucket", "link-local address").await?;
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_git_server_that_redirects_a_tenant() -> Outcome {
    let world = World::new(&[]).await?;
    let (address, heard) = listener().await?;
    let spec = json!({"url": format!("http://{address}/away/x"), "interval": "10m", "timeout": "20s"});
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "away", "namespace": ATTACKER}, "spec": spec,
    });
    world.create(&source).await?;
    world.refused("gitrepositories", "away", "307").await?;
    assert!(!heard.take().is_empty());
    world.end().await
}

/// Whoever is no tenant may be redirected to another server, but not to a link-local address.
#[tokio::test(flavor = "multi_thread")]
async fn a_git_server_that_redirects_to_a_link_local_address() -> Outcome {
    let (address, heard) = listener().await?;
    let url = format!("http://{address}/away/x");
    let remote = GitProgram::new(url, Credentials::default(), Duration::from_secs(20));
    let error = remote.default_branch().await.err().ok_or("there is a branch")?.to_string();
    assert!(error.contains("link-local address"), "{error}");
    assert!(!heard.take().is_empty());
    Ok(())
}

/// Git reads these addresses in another way than this process does.
#[tokio::test(flavor = "multi_thread")]
async fn git_addresses_that_are_read_in_two_ways() -> Outcome {
    let (address, heard) = listener().await?;
    let port = address.port();
    for url in [
        format!("http://one.example\\@127.0.0.1:{port}/x"),
        format!("http://[::ffff:127.0.0.1%25lo]:{port}/x"),
        format!("ssh://git@%31%32%37.0.0.1:{port}/x"),
        format!("ssh://127.0.0.1%3A{port}/x"),
        format!("ssh://git%40127.0.0.1:{port}/x"),
    ] {
        let credentials = Credentials::default().reaching(Reach::OtherMachines);
        let remote = GitProgram::new(&url, credentials, Duration::from_secs(20)).confined();
        let error = remote.default_branch().await.err().ok_or("there is a branch")?.to_string();
        assert!(error.contains("is not the address of a server"), "{url}: {error}");
    }
    assert!(heard.take().is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_redirects() -> Outcome {
    let world = World::new(&[]).await?;
    let (redirects, heard) = listener().await?;
    let (logs_in, other) = listener().await?;
    other.is_login_away.store(true, Ordering::Relaxed);
    for (name, address) in [("redirect", redirects), ("login", logs_in)] {
        let url = format!("oci://{address}/away/apps");
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
            "metadata": {"name": name, "namespace": ATTACKER},
            "spec": {"url": url, "interval": "10m", "timeout": "20s", "insecure": true},
        });
        world.create(&source).await?;
        let image = json!({
            "apiVersion": "image.toolkit.fluxcd.io/v1", "kind": "ImageRepository",
            "metadata": {"name": name, "namespace": ATTACKER},
            "spec": {"image": format!("{address}/away/apps"), "interval": "10m", "timeout": "20s", "insecure": true},
        });
        world.create(&image).await?;
        for plural in ["ocirepositories", "imagerepositories"] {
            let refused = world.refused(plural, name, "link-local address").await;
            refused.map_err(|error| format!("{plural}/{name}: {error}"))?;
        }
    }
    assert!(!heard.take().is_empty() && !other.take().is_empty());
    world.end().await
}

/// The machine has what belongs to all tenants, such as the copies of their repositories.
#[tokio::test(flavor = "multi_thread")]
async fn a_repository_on_the_machine() -> Outcome {
    let world = World::new(&[]).await?;
    for (name, scheme) in [("plain", "file"), ("capitals", "FILE")] {
        let url = format!("{scheme}://{}/data/git/attacks/flux-system", world.directory().display());
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": name, "namespace": ATTACKER}, "spec": {"url": url, "interval": "10m"},
        });
        // Some clusters do not even take such an address.
        if world.create(&source).await.is_ok() {
            world.refused("gitrepositories", name, "on the machine of the reconciler").await?;
        }
    }
    world.end().await
}

/// A commit says where submodules are, and whoever commits may be someone else than who made the source.
#[tokio::test(flavor = "multi_thread")]
async fn submodules_on_the_machine_and_at_the_metadata_service() -> Outcome {
    let world = World::new(&[]).await?;
    let source = world.path("gitrepositories", "source");
    world.stage.change(&source, &json!({"spec": {"recurseSubmodules": true}})).await?;
    let head = world.stage.git(&["rev-parse", "HEAD"])?;
    let copy = format!("file://{}/data/git/attacks/flux-system", world.directory().display());
    for (address, why) in [
        (&*copy, "on the machine of the reconciler"),
        ("../data/git/attacks/flux-system", "on the machine of the reconciler"),
        ("http://169.254.169.254/latest", "link-local address"),
        ("https://[fe80::1]/latest", "link-local address"),
    ] {
        let list = format!("[submodule \"x\"]\n\tpath = attack/x\n\turl = {address}\n");
        world.stage.commit("a submodule", &[(".gitmodules", &list)])?;
        world.stage.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},attack/x")])?;
        world.stage.git(&["commit", "-q", "-m", "its commit"])?;
        world.stage.annotate(&source).await?;
        let message = "submodule 'attack/x': ";
        world.refused("gitrepositories", "source", message).await?;
        world
            .refused("gitrepositories", "source", why)
            .await
            .map_err(|error| format!("{address}: {error}"))?;
    }
    world.end().await
}

#[tokio::test]
async fn providers_with_link_local_addresses() -> Outcome {
    let (address, heard) = listener().await?;
    let ask = async |url: String| {
        let request = Outgoing { method: Method::Get, url, headers: Vec::new(), body: Vec::new() };
        ask(&Connection::default(), request).await.map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(ask(format!("http://{address}/here")).await, Ok(()));
    for url in [
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://[fe80::1]/".to_owned(),
        // The server is asked, and what it redirects to is not.
        format!("http://{address}/away"),
    ] {
        let error = ask(url.clone()).await.err().unwrap_or_default();
        assert!(error.contains("link-local address"), "{url}: {error}");
    }
    assert_eq!(heard.take(), ["/here", "/away"]);
    let proxied = Connection { proxy: Some("http://169.254.169.254:80".to_owned()), ..Connection::default() };
    let request = Outgoing {
        method: Method::Get,
        url: format!("http://{address}/here"),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let error = reconciler::notify::ask(&proxied, request).await.err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("link-local address")));
    Ok(())
}

/// Services of the machine may trust every local client.
#[tokio::test(flavor = "multi_thread")]
async fn providers_and_sources_on_the_machine_of_the_reconciler() -> Outcome {
    let world = World::with(&[], |options| options.allow_tenant_loopback = false).await?;
    let (address, heard) = listener().await?;
    let named = format!("localhost:{}", address.port());
    let why = "leads to the machine of the reconciler, which is not allowed in the namespace of a tenant";
    let api = "source.toolkit.fluxcd.io/v1";
    let image = "image.toolkit.fluxcd.io/v1";
    for (number, host) in [address.to_string(), named].into_iter().enumerate() {
        let sources = [
            (api, "GitRepository", "gitrepositories", json!({"url": format!("http://{host}/x")})),
            (
                api,
                "OCIRepository",
                "ocirepositories",
                json!({"url": format!("oci://{host}/apps"), "insecure": true}),
            ),
            (api, "Bucket", "buckets", json!({"endpoint": host, "bucketName": "xyz", "insecure": true})),
            (
                image,
                "ImageRepository",
                "imagerepositories",
                json!({"image": format!("{host}/apps"), "insecure": true}),
            ),
        ];
        let name = format!("here-{number}");
        for (api, kind, plural, mut spec) in sources {
            spec["interval"] = json!("10m");
            let metadata = json!({"name": name, "namespace": ATTACKER});
            world
                .create(&json!({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}))
                .await?;
            world.refused(plural, &name, why).await.map_err(|error| format!("{plural} {host}: {error}"))?;
        }
        let provider = json!({"type": "generic", "address": format!("http://{host}/")});
        let source = json!({"kind": "Kustomization", "name": "*"});
        crate::alerts::alert(&world, &name, provider, source).await?;
    }
    world.create(&crate::world::kustomization("broken", json!({"path": "./nowhere"}))).await?;
    for name in ["here-0", "here-1"] {
        let is_refused = |found: &Value| {
            found["status"]["lastFailure"]["error"].as_str().is_some_and(|error| error.contains(why))
        };
        world.stage.object_becomes(&world.path("providers", name), is_refused).await?;
    }
    assert_eq!(heard.take(), Vec::<String>::new());
    world.end().await
}
