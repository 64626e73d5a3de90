//! A cluster, a repository and a process that is killed.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use axum::Router;
use http::Request;
use kube::Client;
use reconciler::run::install_definitions;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Where everything is.
pub(crate) const NAMESPACE: &str = "delivery";
/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(1800);

/// A cluster, a repository and a reconciler.
pub(crate) struct World {
    directory: TempDir,
    client: Client,
    child: Option<Child>,
    /// How often the reconciler was killed.
    pub(crate) kills: usize,
    /// The most memory that a reconciler had, in KiB; zero where that is not told.
    pub(crate) peak: u64,
}

impl World {
    /// An embedded cluster behind a port, and a source for it. There is no reconciler yet.
    pub(crate) async fn new() -> Outcome<Self> {
        let directory = tempfile::tempdir()?;
        let cluster = embedded_cluster::Cluster::in_memory();
        let client = Client::new(cluster.service(), "default");
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new().fallback_service(cluster.service());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{{name: a, cluster: {{server: 'http://{address}'}}}}]\n\
             contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\nusers: [{{name: a, user: {{}}}}]\n"
        );
        std::fs::write(directory.path().join("kubeconfig"), text)?;
        install_definitions(&client).await?;
        let world = World { directory, client, child: None, kills: 0, peak: 0 };
        std::fs::create_dir(world.path("repository"))?;
        world.git(&["init", "-q", "-b", "main"]).await?;
        world
            .create("/api/v1/namespaces", &json!({"kind": "Namespace", "metadata": {"name": NAMESPACE}}))
            .await?;
        Ok(world)
    }

    /// Forgets what was said a short while ago, so that nothing keeps it from being said again.
    pub(crate) fn forget_said(&self) -> Outcome {
        let path = self.data().join("sources/notifications.jsonl");
        let text = std::fs::read_to_string(&path)?;
        let kept = text.lines().filter(|line| !line.starts_with("{\"said\"")).map(|line| format!("{line}\n"));
        Ok(std::fs::write(&path, kept.collect::<String>())?)
    }

    /// Where the reconciler keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts the reconciler, if it does not run.
    pub(crate) fn start(&mut self) -> Outcome {
        if self.child.is_some() {
            return Ok(());
        }
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.path("log"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciler"));
        command.arg("run").arg("--kubeconfig").arg(self.path("kubeconfig"));
        command.arg("--data").arg(self.path("data"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    /// Ends the reconciler by SIGKILL.
    pub(crate) async fn kill(&mut self) -> Outcome {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        if let Some(status) = child.try_wait()? {
            return Err(format!("the reconciler ended with {status}\n{}", self.log()).into());
        }
        let id = child.id().unwrap_or_default();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok());
        self.peak = self.peak.max(peak.unwrap_or(0));
        self.kills += 1;
        Ok(child.kill().await?)
    }

    /// The end of the log.
    pub(crate) fn log(&self) -> String {
        let text = std::fs::read_to_string(self.path("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    async fn git(&self, arguments: &[&str]) -> Outcome {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.path("repository"));
        command.args(["-c", "user.name=Test", "-c", "user.email=test@example.org"]).args(arguments);
        let output = command.output().await?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
        }
    }

    /// The commit that the repository is at.
    pub(crate) async fn head(&self) -> Outcome<String> {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.path("repository")).args(["rev-parse", "HEAD"]);
        Ok(String::from_utf8_lossy(&command.output().await?.stdout).trim().to_owned())
    }

    /// Commits files, and asks for a look at the repository.
    pub(crate) async fn commit(&self, files: &[(String, String)]) -> Outcome {
        for (name, text) in files {
            let path = self.path("repository").join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(path, text)?;
        }
        self.git(&["add", "--all"]).await?;
        self.git(&["commit", "-q", "-m", "Change"]).await?;
        let source = format!("/apis/source.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/gitrepositories");
        let known = format!("{source}/apps");
        if self.get(&known).await.is_err() {
            let url = format!("file://{}", self.path("repository").display());
            let spec = json!({"url": url, "ref": {"branch": "main"}, "interval": "1h"});
            let object = json!({
                "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
                "metadata": {"name": "apps"}, "spec": spec,
            });
            return self.create(&source, &object).await;
        }
        let now = rand::random::<u64>().to_string();
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": now}}});
        self.change(&known, &patch).await
    }

    /// Makes a Kustomization of a directory of the repository.
    pub(crate) async fn kustomization(&self, name: &str, path: &str) -> Outcome {
        let spec = json!({
            "interval": "1h", "path": path, "prune": false,
            "sourceRef": {"kind": "GitRepository", "name": "apps"},
        });
        let object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name}, "spec": spec,
        });
        self.create(&kustomizations(), &object).await
    }

    /// Makes a provider, its Secret, and an alert that sends errors of all Kustomizations to it.
    pub(crate) async fn provider(&self, name: &str, spec: &Value, secret: &Value) -> Outcome {
        self.provider_of("error", name, spec, secret).await
    }

    /// The same with an alert for this severity.
    pub(crate) async fn provider_of(
        &self,
        severity: &str,
        name: &str,
        spec: &Value,
        secret: &Value,
    ) -> Outcome {
        let mut spec = spec.clone();
        spec["secretRef"] = json!({"name": name});
        let group = format!("/apis/notification.toolkit.fluxcd.io/v1beta3/namespaces/{NAMESPACE}");
        let metadata = json!({"name": name});
        let secret =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": secret});
        self.create(&format!("/api/v1/namespaces/{NAMESPACE}/secrets"), &secret).await?;
        let version = "notification.toolkit.fluxcd.io/v1beta3";
        let provider = json!({"apiVersion": version, "kind": "Provider", "metadata": metadata, "spec": spec});
        self.create(&format!("{group}/providers"), &provider).await?;
        let spec = json!({
            "providerRef": metadata, "eventSeverity": severity,
            "eventSources": [{"kind": "Kustomization", "name": "*"}],
        });
        let alert = json!({"apiVersion": version, "kind": "Alert", "metadata": metadata, "spec": spec});
        self.create(&format!("{group}/alerts"), &alert).await
    }

    /// The status of a provider.
    pub(crate) async fn status(&self, provider: &str) -> Outcome<Value> {
        let group = format!("/apis/notification.toolkit.fluxcd.io/v1beta3/namespaces/{NAMESPACE}");
        Ok(self.get(&format!("{group}/providers/{provider}")).await?["status"].clone())
    }

    /// Waits until all Kustomizations say something in their status.
    pub(crate) async fn all_say(&self, words: &str) -> Outcome {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.get(&kustomizations()).await?;
            let items = found["items"].as_array().cloned().unwrap_or_default();
            let says = |item: &&Value| {
                let conditions = item["status"]["conditions"].as_array().into_iter().flatten();
                let mut ready = conditions.filter(|condition| condition["type"] == "Ready");
                ready.any(|ready| ready["message"].as_str().is_some_and(|message| message.contains(words)))
            };
            let count = items.iter().filter(says).count();
            if count == items.len() {
                return Ok(());
            }
            if Instant::now() > end {
                let other = items.iter().find(|item| !says(item)).map(|item| &item["status"]);
                return Err(format!("{count} say {words}; {other:#?}\n{}", self.log()).into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(crate) async fn create(&self, path: &str, object: &Value) -> Outcome {
        let request = Request::post(path).header("content-type", "application/json");
        self.client.request::<Value>(request.body(serde_json::to_vec(object)?)?).await?;
        Ok(())
    }

    /// Changes an object.
    pub(crate) async fn change(&self, path: &str, patch: &Value) -> Outcome {
        let request = Request::patch(path).header("content-type", "application/merge-patch+json");
        self.client.request::<Value>(request.body(serde_json::to_vec(patch)?)?).await?;
        Ok(())
    }

    pub(crate) async fn get(&self, path: &str) -> Outcome<Value> {
        Ok(self.client.request(Request::get(path).body(Vec::new())?).await?)
    }
}

fn kustomizations() -> String {
    format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/kustomizations")
}

/// Waits for something.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> Outcome<bool>) -> Outcome {
    let end = Instant::now() + PATIENCE;
    while !is_so().await? {
        if Instant::now() > end {
            return Err(format!("waited in vain: {what}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
