//! What the walk-through is played on: a repository, a cluster and a reconciler.

#[path = "faults.rs"]
mod faults;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use embedded_cluster::Cluster;
use http::Request;
use kube::Client;
use kube::client::Body;
use reconciler::controller::Log;
use reconciler::run::{self, RunOptions, SyncOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::{ServiceExt, service_fn};

use faults::Storm;

/// What a step ends with.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// A log that is kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A reconciler: what ends it, and its task.
type Running = (oneshot::Sender<()>, JoinHandle<Result<(), run::RunError>>);

/// A real cluster has one stage at a time: every reconciler sees all of it.
static REAL_CLUSTER: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A repository, a cluster and a reconciler.
pub(crate) struct Stage {
    directory: TempDir,
    /// Where the Kustomizations are.
    namespace: &'static str,
    pub(crate) client: Client,
    /// What the reconciler goes through.
    reconciler_client: Client,
    /// What it has asked for, if that can be told.
    asked: Arc<Mutex<Vec<String>>>,
    /// Whether it has to wait for the answer when it writes the status of a GitRepository, while others see
    /// that status already.
    pub(crate) is_slow: Arc<AtomicBool>,
    /// The path to which changes reach the cluster a second late, if there is one.
    late: Arc<Mutex<Option<String>>>,
    /// Which of its requests go wrong.
    pub(crate) storm: Arc<Storm>,
    _turn: Option<tokio::sync::MutexGuard<'static, ()>>,
    log: Kept,
    requests: AtomicU64,
    running: Option<Running>,
    /// Another reconciler on the same cluster, and its log.
    another: Option<(Running, Kept)>,
    /// The directory for the reconciler's data, in that of the stage.
    data: String,
    /// Where webhooks are to be served, if anywhere.
    pub(crate) receivers: Option<SocketAddr>,
}

impl Stage {
    /// A new repository, and a cluster with the definitions.
    pub(crate) async fn new(namespace: &'static str) -> Outcome<Self> {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let is_slow = Arc::<AtomicBool>::default();
        let late = Arc::<Mutex<Option<String>>>::default();
        let storm = Arc::<Storm>::default();
        let (client, reconciler_client, turn) = if is_real() {
            let turn = REAL_CLUSTER.lock().await;
            (Client::try_default().await?, Client::try_default().await?, Some(turn))
        } else {
            let cluster = Cluster::in_memory();
            let (log, slow, service) = (Arc::clone(&asked), Arc::clone(&is_slow), cluster.service());
            let (faults, late) = (Arc::clone(&storm), Arc::clone(&late));
            let counted = service_fn(move |request: Request<Body>| {
                let text = format!("{} {}", request.method(), request.uri());
                let is_slow = slow.load(Ordering::Relaxed)
                    && request.uri().path().contains("/gitrepositories/")
                    && request.uri().path().ends_with("/status");
                log.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                let is_late = request.method() == "PATCH"
                    && late.lock().unwrap_or_else(PoisonError::into_inner).as_deref()
                        == Some(request.uri().path());
                let fault = faults.next(&request);
                let is_out = faults.is_out.load(Ordering::Relaxed);
                let answer = service.clone().oneshot(request);
                async move {
                    if is_out {
                        return Err(io::Error::from(io::ErrorKind::ConnectionRefused));
                    }
                    if let Some(fault) = fault {
                        if fault.is_done() {
                            answer.await.map_err(io::Error::other)?;
                        }
                        return Ok(fault.answer());
                    }
                    if is_late {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    let answer = answer.await.map_err(io::Error::other);
                    if is_slow {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    answer
                }
            });
            (Client::new(cluster.service(), "default"), Client::new(counted, "default"), None)
        };
        run::install_definitions(&client).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let stage = Stage {
            directory: TempDir::new()?,
            namespace,
            client,
            reconciler_client,
            asked,
            is_slow,
            late,
            storm,
            _turn: turn,
            log: Kept::default(),
            // No earlier stage on the same cluster has made the same requests.
            requests: AtomicU64::new(u64::try_from(now.as_micros())?),
            running: None,
            another: None,
            data: "data".to_owned(),
            receivers: None,
        };
        std::fs::create_dir(stage.repository())?;
        stage.git(&["init", "-q", "-b", "main"])?;
        Ok(stage)
    }

    /// Where the repository is.
    pub(crate) fn repository(&self) -> PathBuf {
        self.directory.path().join("repository")
    }

    /// Runs git in the repository.
    pub(crate) fn git(&self, arguments: &[&str]) -> Outcome<String> {
        let output = Command::new("git")
            .current_dir(self.repository())
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.org"])
            .args(arguments)
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Commits files; an empty text removes one.
    pub(crate) fn commit(&self, message: &str, files: &[(&str, &str)]) -> Outcome {
        for (name, content) in files {
            let path = self.repository().join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
            if content.is_empty() && path.exists() {
                std::fs::remove_file(path)?;
            } else {
                std::fs::write(path, content)?;
            }
        }
        self.git(&["add", "--all"])?;
        self.git(&["commit", "-q", "-m", message])?;
        Ok(())
    }

    /// The revision of the last commit.
    pub(crate) fn revision(&self) -> Outcome<String> {
        Ok(format!("main@sha1:{}", self.git(&["rev-parse", "HEAD"])?))
    }

    /// Sets the cluster up to follow a directory, and starts the reconciler.
    pub(crate) async fn start(&mut self, path: &str) -> Outcome {
        self.start_with(path, |_| {}).await
    }

    /// The same, with other options.
    pub(crate) async fn start_with(&mut self, path: &str, change: impl FnOnce(&mut RunOptions)) -> Outcome {
        let url = format!("file://{}", self.repository().display());
        let interval = Duration::from_secs(600).into();
        let (namespace, branch, path) = (self.namespace.to_owned(), "main".to_owned(), format!("./{path}"));
        let sync = SyncOptions { namespace, url, branch, path, interval };
        run::set_up_sync(&self.client, &sync).await?;
        let data = self.directory.path().join(&self.data);
        let mut options = RunOptions::new(data, Log::new(self.log.clone()));
        options.receivers = self.receivers;
        options.local_repository = Some(sync.url);
        options.evaluator = Some(env!("CARGO_BIN_EXE_reconciler").into());
        change(&mut options);
        self.running = Some(self.spawn(options));
        Ok(())
    }

    /// Starts another reconciler on the same cluster.
    pub(crate) async fn start_another(
        &mut self,
        data: &str,
        change: impl FnOnce(&mut RunOptions),
    ) -> Outcome {
        let log = Kept::default();
        let mut options = RunOptions::new(self.directory.path().join(data), Log::new(log.clone()));
        change(&mut options);
        self.another = Some((self.spawn(options), log));
        Ok(())
    }

    fn spawn(&self, options: RunOptions) -> Running {
        let (end, ended) = oneshot::channel::<()>();
        let shutdown = async {
            // Dropping the other end is an end, too.
            let _ = ended.await;
        };
        let client = self.reconciler_client.clone();
        let task = tokio::spawn(async move { run::run(client, options, shutdown).await });
        (end, task)
    }

    /// Ends the reconciler, which must not have failed, and starts another one with its data in this directory.
    pub(crate) async fn restart(&mut self, path: &str, data: &str) -> Outcome {
        self.end().await?;
        data.clone_into(&mut self.data);
        self.start(path).await
    }

    /// The same with other options.
    pub(crate) async fn restart_with(&mut self, path: &str, change: impl FnOnce(&mut RunOptions)) -> Outcome {
        self.end().await?;
        self.start_with(path, change).await
    }

    /// Ends the reconcilers, which must not have failed.
    pub(crate) async fn stop(mut self) -> Outcome {
        if let Some((another, _)) = self.another.take() {
            drop(another.0);
            tokio::time::timeout(PATIENCE, another.1).await???;
        }
        self.end().await
    }

    /// Ends the reconciler, which must not have failed.
    pub(crate) async fn end(&mut self) -> Outcome {
        if let Some((end, task)) = self.running.take() {
            drop(end);
            tokio::time::timeout(PATIENCE, task).await???;
        }
        Ok(())
    }

    async fn request(&self, method: &str, path: &str, body: Vec<u8>) -> Outcome<Option<Value>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/merge-patch+json")
            .body(body)?;
        match self.client.request::<Value>(request).await {
            Ok(found) => Ok(Some(found)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// An object of the cluster.
    pub(crate) async fn get(&self, path: &str) -> Outcome<Option<Value>> {
        self.request("GET", path, Vec::new()).await
    }

    /// Whether there is an object.
    pub(crate) async fn exists(&self, path: &str) -> Outcome<bool> {
        Ok(self.get(path).await?.is_some())
    }

    /// A Kustomization of the namespace flux-system.
    pub(crate) async fn kustomization(&self, name: &str) -> Outcome<Value> {
        Ok(self.get(&self.path_of(name)).await?.unwrap_or_default())
    }

    /// Changes a Kustomization.
    pub(crate) async fn patch(&self, name: &str, patch: &Value) -> Outcome {
        let found = self.request("PATCH", &self.path_of(name), serde_json::to_vec(patch)?).await?;
        found.map(|_| ()).ok_or_else(|| format!("no Kustomization {name}").into())
    }

    /// Deletes a Kustomization.
    pub(crate) async fn delete(&self, name: &str) -> Outcome {
        self.request("DELETE", &self.path_of(name), Vec::new()).await.map(|_| ())
    }

    /// Asks for a look at the repository and a reconciliation, as `reconcile … --with-source` does.
    pub(crate) async fn reconcile(&self, name: &str) -> Outcome {
        for path in [self.source(), self.path_of(name)] {
            let token = self.annotate(&path).await?;
            self.object_becomes(&path, |found| found["status"]["lastHandledReconcileAt"] == *token).await?;
        }
        Ok(())
    }

    /// Asks for a reconciliation of an object. Returns the token that its status has when that is done.
    pub(crate) async fn annotate(&self, path: &str) -> Outcome<String> {
        let token = format!("request-{}", self.requests.fetch_add(1, Ordering::Relaxed));
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
        self.request("PATCH", path, serde_json::to_vec(&patch)?).await?;
        Ok(token)
    }

    /// The path of a Kustomization; `main` is the one that the cluster was set up with.
    pub(crate) fn path_of(&self, name: &str) -> String {
        let name = if name == "main" { "flux-system" } else { name };
        let namespace = self.namespace;
        format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{namespace}/kustomizations/{name}")
    }

    /// The path of the GitRepository.
    pub(crate) fn source(&self) -> String {
        let namespace = self.namespace;
        format!("/apis/source.toolkit.fluxcd.io/v1/namespaces/{namespace}/gitrepositories/flux-system")
    }

    /// Waits until a Kustomization is ready at a revision.
    pub(crate) async fn ready(&self, name: &str, revision: &str) -> Outcome {
        self.object_becomes(&self.path_of(name), |found| {
            let ready = condition(found);
            ready["status"] == "True"
                && ready["reason"] == "ReconciliationSucceeded"
                && ready["message"] == format!("Applied revision: {revision}")
                && found["status"]["lastAppliedRevision"] == *revision
                && found["status"]["observedGeneration"] == found["metadata"]["generation"]
        })
        .await
    }

    /// Waits until a Kustomization has failed with a message that contains a text. Returns the message.
    pub(crate) async fn not_ready(&self, name: &str, reason: &str, text: &str) -> Outcome<String> {
        let has_text = |ready: &Value| ready["message"].as_str().is_some_and(|found| found.contains(text));
        self.object_becomes(&self.path_of(name), |found| {
            let ready = condition(found);
            ready["status"] == "False" && ready["reason"] == reason && has_text(&ready)
        })
        .await?;
        let message = condition(&self.kustomization(name).await?)["message"].clone();
        Ok(message.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until an object is as it should be.
    pub(crate) async fn object_becomes(&self, path: &str, is_wanted: impl Fn(&Value) -> bool) -> Outcome {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.get(path).await?;
            if found.as_ref().is_some_and(&is_wanted) {
                return Ok(());
            }
            if Instant::now() > end {
                let found = found.map_or("nothing".to_owned(), |found| format!("{found:#}"));
                return Err(format!("{path} is not as it should be:\n{found}\n{}", self.text()).into());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until there is no such object.
    pub(crate) async fn disappears(&self, path: &str) -> Outcome {
        let end = Instant::now() + PATIENCE;
        while self.exists(path).await? {
            if Instant::now() > end {
                return Err(format!("{path} is still there\n{}", self.text()).into());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Waits for an event about a Kustomization.
    pub(crate) async fn event(&self, name: &str, is_wanted: impl Fn(&Value) -> bool) -> Outcome {
        self.event_about("Kustomization", name, is_wanted).await
    }

    /// Waits for an event about an object.
    pub(crate) async fn event_about(
        &self,
        kind: &str,
        name: &str,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Outcome {
        let path = &format!("/api/v1/namespaces/{}/events", self.namespace);
        let is_about = |event: &Value| {
            let object = &event["involvedObject"];
            object["kind"] == kind && object["name"] == name
        };
        self.object_becomes(path, |list| {
            list["items"].as_array().into_iter().flatten().any(|event| is_about(event) && is_wanted(event))
        })
        .await
    }

    /// Waits for a line of the log.
    pub(crate) async fn logged(&self, is_wanted: impl Fn(&Value) -> bool) -> Outcome {
        let end = Instant::now() + PATIENCE;
        loop {
            let text = self.text();
            let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
            if lines.into_iter().any(|line: Value| is_wanted(&line)) {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("the log does not have it:\n{text}").into());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Changes files of the last commit, which becomes another one.
    pub(crate) fn amend(&self, files: &[(&str, &str)]) -> Outcome {
        for (name, content) in files {
            std::fs::write(self.repository().join(name), content)?;
        }
        self.git(&["add", "--all"])?;
        self.git(&["commit", "-q", "--amend", "-m", "another history"]).map(|_| ())
    }

    /// Makes a Kustomization of a directory with the same name; `more` is added to its spec.
    pub(crate) async fn create(&self, name: &str, more: &Value) -> Outcome {
        let mut spec = json!({
            "interval": "10m", "prune": true, "path": format!("./{name}"),
            "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
        });
        if let (Some(spec), Some(more)) = (spec.as_object_mut(), more.as_object()) {
            spec.extend(more.clone());
        }
        let object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": self.namespace}, "spec": spec,
        });
        self.post(&self.path_of(""), &object).await
    }

    /// Makes an object of the core group in the namespace of the Kustomizations.
    pub(crate) async fn add(&self, kind: &str, object: &Value) -> Outcome {
        self.post(&format!("/api/v1/namespaces/{}/{kind}", self.namespace), object).await
    }

    /// Allows a service account to do everything.
    pub(crate) async fn allow(&self, account: &str) -> Outcome {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": account, "namespace": "default"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": self.namespace}],
        });
        self.post("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", &binding).await
    }

    /// Makes an object of the list at a path.
    pub(crate) async fn post(&self, path: &str, object: &Value) -> Outcome {
        let request = Request::builder().method("POST").uri(path.trim_end_matches('/'));
        let request = request.header("content-type", "application/json").body(serde_json::to_vec(object)?)?;
        self.client.request::<Value>(request).await?;
        Ok(())
    }

    /// Changes an object as someone else.
    pub(crate) async fn change(&self, path: &str, patch: &Value) -> Outcome {
        let path = format!("{path}?fieldManager=someone");
        self.request("PATCH", &path, serde_json::to_vec(patch)?).await.map(|_| ())
    }

    /// Deletes an object.
    pub(crate) async fn remove(&self, path: &str) -> Outcome {
        self.request("DELETE", path, Vec::new()).await.map(|_| ())
    }

    /// Changes the GitRepository.
    pub(crate) async fn patch_source(&self, patch: &Value) -> Outcome {
        self.request("PATCH", &self.source(), serde_json::to_vec(patch)?).await.map(|_| ())
    }

    /// Has changes of a path reach the cluster a second late, or of none.
    pub(crate) fn delay(&self, path: Option<String>) {
        *self.late.lock().unwrap_or_else(PoisonError::into_inner) = path;
    }

    /// Asks for a look at the repository, and waits for it.
    pub(crate) async fn look(&self) -> Outcome {
        let token = self.annotate(&self.source()).await?;
        self.object_becomes(&self.source(), |found| found["status"]["lastHandledReconcileAt"] == *token).await
    }

    /// Asks for a reconciliation without a look at the repository, and waits for it.
    pub(crate) async fn request_reconciliation(&self, name: &str) -> Outcome {
        let token = format!("request-{}", self.requests.fetch_add(1, Ordering::Relaxed));
        self.patch(name, &json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}}))
            .await?;
        self.object_becomes(&self.path_of(name), |found| found["status"]["lastHandledReconcileAt"] == *token)
            .await
    }

    /// Waits until watches have shown what has happened, and nothing more is asked for because of it.
    pub(crate) async fn settle(&self) -> Outcome {
        let (end, mut quiet, mut known) = (Instant::now() + PATIENCE, 0, 0);
        while quiet < 3 && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(400)).await;
            let now = self.requests().len();
            quiet = if now == known { quiet + 1 } else { 0 };
            known = now;
        }
        Ok(())
    }

    /// Waits until an object is as it should be, which must not take longer than this.
    pub(crate) async fn within(
        &self,
        time: Duration,
        path: &str,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Outcome {
        let start = Instant::now();
        self.object_becomes(path, is_wanted).await?;
        let took = start.elapsed();
        if took > time { Err(format!("{path}: it took {took:?}").into()) } else { Ok(()) }
    }

    /// What the reconciler has asked for. Nothing on a real cluster.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether requests are counted.
    pub(crate) fn is_counting(&self) -> bool {
        !is_real()
    }

    /// The log of the other reconciler so far.
    pub(crate) fn text_of_another(&self) -> String {
        let log = self.another.as_ref().map(|(_, log)| log.0.lock().unwrap_or_else(PoisonError::into_inner));
        log.map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// The log so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.log.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// Whether `KUBECONFIG` names a cluster.
fn is_real() -> bool {
    std::env::var_os("KUBECONFIG").is_some()
}

/// The condition Ready of an object.
pub(crate) fn condition(object: &Value) -> Value {
    let conditions = object["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "Ready")
        .cloned()
        .unwrap_or_default()
}
