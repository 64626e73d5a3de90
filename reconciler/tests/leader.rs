//! Two processes, one of which leads: it stands still for longer than its Lease is valid, and goes on.
#![cfg(unix)]

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use embedded_cluster::Cluster;
use kube::Client;
use reconciler::run::{SyncOptions, install_definitions, set_up_sync};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tower::{Service, service_fn};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
const NAMESPACE: &str = "leader";

/// A way into the cluster that notes what is changed through it.
#[derive(Clone, Default)]
struct Door(Arc<Mutex<Vec<String>>>);

impl Door {
    /// What was changed so far.
    fn changes(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens it on a loopback port.
    async fn open(&self, cluster: &Cluster) -> Outcome<SocketAddr> {
        let (cluster, door) = (cluster.clone(), self.clone());
        let service = service_fn(move |request: Request<Body>| {
            let mut service = cluster.service();
            if request.method() != "GET" {
                let text = format!("{} {}", request.method(), request.uri().path());
                door.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
            }
            async move { service.call(request).await }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback_service(service)).await });
        Ok(address)
    }
}

/// Starts a reconciler that wants to lead.
fn start(directory: &Path, name: &str, address: SocketAddr) -> Outcome<Child> {
    let kubeconfig = directory.join(format!("{name}.yaml"));
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{{name: a, cluster: {{server: 'http://{address}'}}}}]\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\nusers: [{{name: a, user: {{}}}}]\n"
    );
    std::fs::write(&kubeconfig, text)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconciler"));
    command
        .args(["run", "--enable-leader-election", "--namespace", NAMESPACE])
        .args(["--leader-election-lease-duration=20s", "--leader-election-renew-deadline=15s"])
        .args(["--leader-election-retry-period=1s", "--kubeconfig"])
        .arg(&kubeconfig)
        .arg("--data")
        .arg(directory.join(name))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(directory.join(format!("{name}.log")))?)
        .kill_on_drop(true);
    Ok(command.spawn()?)
}

/// Sends a signal to a process.
async fn signal(child: &Child, signal: &str) -> Outcome {
    let id = child.id().ok_or("the process has ended")?;
    let status = Command::new("kill").args([signal, &id.to_string()]).status().await?;
    if status.success() { Ok(()) } else { Err(format!("kill {signal} does not work").into()) }
}

/// Commits the ConfigMap with a value. Returns the revision.
async fn commit(repository: &Path, value: &str) -> Outcome<String> {
    let map = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: led, namespace: default}}\ndata: {{a: {value}}}\n"
    );
    std::fs::write(repository.join("map.yaml"), map)?;
    let git = async |arguments: &[&str]| -> Outcome<String> {
        let mut command = Command::new("git");
        command.arg("-C").arg(repository).args(["-c", "user.name=Test", "-c", "user.email=test@example.org"]);
        let output = command.args(arguments).output().await?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
        }
    };
    git(&["init", "-q", "-b", "main"]).await?;
    git(&["add", "--all"]).await?;
    git(&["commit", "-q", "-m", value]).await?;
    Ok(format!("main@sha1:{}", git(&["rev-parse", "HEAD"]).await?))
}

/// Waits until the Kustomization has applied a revision. Returns the uid of the ConfigMap.
async fn applied(client: &Client, revision: &str) -> Outcome<Value> {
    let get = async |path: String| -> Outcome<Value> {
        Ok(client.request(Request::get(path).body(Vec::new())?).await?)
    };
    let group = "/apis/kustomize.toolkit.fluxcd.io/v1";
    let end = Instant::now() + PATIENCE;
    loop {
        let found = get(format!("{group}/namespaces/{NAMESPACE}/kustomizations/flux-system")).await?;
        if found["status"]["lastAppliedRevision"] == *revision {
            let map = get("/api/v1/namespaces/default/configmaps/led".to_owned()).await?;
            return Ok(map["metadata"]["uid"].clone());
        }
        if Instant::now() > end {
            return Err(format!("{revision} is not applied: {:#}", found["status"]).into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_stood_still_writes_nothing() -> Outcome {
    let directory = tempfile::tempdir()?;
    let repository = directory.path().join("repository");
    std::fs::create_dir(&repository)?;
    let (cluster, doors) = (Cluster::in_memory(), [Door::default(), Door::default()]);
    let client = Client::new(cluster.service(), "default");
    install_definitions(&client).await?;
    let first = commit(&repository, "one").await?;
    let sync = SyncOptions {
        namespace: NAMESPACE.to_owned(),
        url: format!("file://{}", repository.display()),
        branch: "main".to_owned(),
        path: "./".to_owned(),
        // The source is due as soon as the process goes on.
        interval: Duration::from_secs(1).into(),
    };
    set_up_sync(&client, &sync).await?;
    let mut frozen = start(directory.path(), "frozen", doors[0].open(&cluster).await?)?;
    let uid = applied(&client, &first).await?;
    let other = start(directory.path(), "other", doors[1].open(&cluster).await?)?;
    assert!(!doors[0].changes().is_empty());

    signal(&frozen, "-STOP").await?;
    let second = commit(&repository, "two").await?;
    assert_eq!(applied(&client, &second).await?, uid);
    // The other one leads, and there is work that the first would do as well.
    let before = doors[0].changes().len();
    let third = commit(&repository, "three").await?;
    signal(&frozen, "-CONT").await?;
    let ended = tokio::time::timeout(PATIENCE, frozen.wait()).await??;
    assert!(!ended.success());
    let log = std::fs::read_to_string(directory.path().join("frozen.log"))?;
    assert!(log.contains("lead"), "{log}");
    assert_eq!(applied(&client, &third).await?, uid);
    let after = doors[0].changes().split_off(before);
    assert!(after.is_empty(), "{after:#?}\n{log}");
    drop(other);
    Ok(())
}
