//! The cluster that the reconciler works on, and the switch that kills it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Child;
use tower::{Service, service_fn};

/// What everything here ends with.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// When the reconciler is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// When it has sent its n-th request that changes something, which is not heard.
    Before(usize),
    /// When that request has been answered, which it does not hear.
    After(usize),
}

/// A switch that kills a process at a moment.
#[derive(Default)]
pub(crate) struct Switch {
    armed: Mutex<Option<(Moment, Child)>>,
    changes: AtomicUsize,
}

impl Switch {
    /// Kills the process at the moment, and counts from now on.
    pub(crate) fn arm(&self, moment: Moment, child: Child) {
        *self.armed() = Some((moment, child));
        self.changes.store(0, Ordering::SeqCst);
    }

    /// Takes the process back, if it lives.
    pub(crate) fn disarm(&self) -> Option<Child> {
        self.armed().take().map(|(_, child)| child)
    }

    /// How many requests have changed something since the switch was armed last.
    pub(crate) fn changes(&self) -> usize {
        self.changes.load(Ordering::SeqCst)
    }

    fn armed(&self) -> std::sync::MutexGuard<'_, Option<(Moment, Child)>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills the process if this is the moment.
    fn pass(&self, now: Moment) -> bool {
        let mut armed = self.armed();
        if armed.as_ref().is_none_or(|(moment, _)| *moment != now) {
            return false;
        }
        if let Some((_, mut child)) = armed.take() {
            // SIGKILL; the process is waited for when it is dropped.
            let _ = child.start_kill();
        }
        true
    }
}

/// A cluster: the embedded one, which listens on a loopback port, or the one that `KUBECONFIG` names.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) kubeconfig: String,
    /// None on a real cluster, where requests are not seen.
    pub(crate) switch: Option<Arc<Switch>>,
    directory: TempDir,
}

impl Cluster {
    pub(crate) async fn start() -> Outcome<Self> {
        let directory = tempfile::tempdir()?;
        let (kubeconfig, switch) = match std::env::var("KUBECONFIG") {
            Ok(given) => (given, None),
            Err(_) => {
                let switch = Arc::<Switch>::default();
                let address = serve(Arc::clone(&switch)).await?;
                let path = directory.path().join("kubeconfig");
                let text = format!(
                    "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{{name: a, cluster: {{server: 'http://{address}'}}}}]\n\
                     contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\nusers: [{{name: a, user: {{}}}}]\n"
                );
                std::fs::write(&path, text)?;
                (path.display().to_string(), Some(switch))
            }
        };
        let config = Kubeconfig::read_from(&kubeconfig)?;
        let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
        let client = Client::try_from(config)?;
        reconciler::run::install_definitions(&client).await?;
        Ok(Cluster { client, kubeconfig, switch, directory })
    }

    /// The path of something in the directory of this test.
    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// Sends a request; None if there is nothing at the path.
    pub(crate) async fn request(&self, method: &str, path: &str, body: &Value) -> Outcome<Option<Value>> {
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? };
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/merge-patch+json").body(body)?;
        match self.client.request::<Value>(request).await {
            Ok(found) => Ok(Some(found)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Serves an embedded cluster with the switch before it. Requests of this test are not counted.
async fn serve(switch: Arc<Switch>) -> Outcome<std::net::SocketAddr> {
    let cluster = embedded_cluster::Cluster::in_memory();
    let service = service_fn(move |request: Request<Body>| {
        let (mut cluster, switch) = (cluster.service(), Arc::clone(&switch));
        async move {
            let agent = request.headers().get("user-agent").and_then(|agent| agent.to_str().ok());
            let is_ours = agent.is_some_and(|agent| agent.starts_with("reconciler"));
            let is_change = request.method() != "GET" && is_ours;
            if !is_change {
                return cluster.call(request).await;
            }
            let number = switch.changes.fetch_add(1, Ordering::SeqCst);
            if switch.pass(Moment::Before(number)) {
                let mut lost = Response::new(Body::empty());
                *lost.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                return Ok(lost);
            }
            let answer = cluster.call(request).await;
            switch.pass(Moment::After(number));
            answer
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback_service(service)).await });
    Ok(address)
}
