//! What is handed over: a real cluster, a git server with a repository, and Kustomizations that follow it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use http::Request;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, Patch, PatchParams};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::runtime::wait::{Condition, await_condition};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::controllers::{Controllers, flux_programs};

/// What everything here ends with.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// The source of all Kustomizations.
const SOURCE: &str = "source";

/// A cluster, and a repository that it follows.
pub(crate) struct Stage {
    directory: TempDir,
    client: Client,
    pub(crate) kubeconfig: String,
    /// Where the Kustomizations are.
    pub(crate) namespace: &'static str,
    /// The git server, and where it is.
    _server: Child,
    url: String,
    requests: u64,
}

impl Stage {
    /// A namespace of the cluster that `KUBECONFIG` names, and an empty repository behind a git server.
    ///
    /// # Errors
    /// `KUBECONFIG` or `FLUX_PROGRAMS` is missing, or there is no program `githttp` on `PATH`.
    pub(crate) async fn new(namespace: &'static str) -> Outcome<Self> {
        let kubeconfig = std::env::var("KUBECONFIG").map_err(
            |_| "KUBECONFIG has to name a real cluster; cargo xtask e2e --flux DIRECTORY starts one",
        )?;
        let config = Kubeconfig::read_from(&kubeconfig)?;
        let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
        let client = Client::try_from(config)?;
        define(&client, &flux_programs()?).await?;
        let directory = TempDir::with_prefix("handover-")?;
        std::fs::create_dir(directory.path().join("served"))?;
        let (server, address) = serve(&directory.path().join("served")).await?;
        let stage = Stage {
            url: format!("http://{address}/apps.git"),
            directory,
            client,
            kubeconfig,
            namespace,
            _server: server,
            requests: 0,
        };
        let served = stage.path("served").display().to_string();
        git(&stage.path("served"), &["init", "-q", "--bare", "-b", "main", "apps.git"]).await?;
        git(stage.directory.path(), &["clone", "-q", &format!("{served}/apps.git"), "work"]).await?;
        stage
            .apply(
                "/api/v1/namespaces",
                &json!({
                    "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace},
                }),
            )
            .await?;
        Ok(stage)
    }

    /// The address of the repository.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A path in the directory of this test.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Commits and pushes files; an empty text removes one. Returns the revision.
    pub(crate) async fn commit(&self, message: &str, files: &[(&str, &str)]) -> Outcome<String> {
        let work = self.path("work");
        for (name, content) in files {
            let path = work.join(name);
            if content.is_empty() {
                std::fs::remove_file(path)?;
                continue;
            }
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
            std::fs::write(path, content)?;
        }
        git(&work, &["checkout", "-q", "-B", "main"]).await?;
        git(&work, &["add", "--all"]).await?;
        git(&work, &["commit", "-q", "-m", message]).await?;
        git(&work, &["push", "-q", "origin", "main"]).await?;
        Ok(format!("main@sha1:{}", git(&work, &["rev-parse", "HEAD"]).await?))
    }

    /// Sends a request. None if there is nothing at the path.
    async fn request(&self, method: &str, path: &str, body: &Value) -> Outcome<Option<Value>> {
        let kind = if body.is_array() { "json-patch" } else { "merge-patch" };
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? };
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", format!("application/{kind}+json")).body(body)?;
        match self.client.request::<Value>(request).await {
            Ok(found) => Ok(Some(found)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// An object or a list of them.
    pub(crate) async fn get(&self, path: &str) -> Outcome<Option<Value>> {
        self.request("GET", path, &Value::Null).await
    }

    /// Changes an object as someone else.
    pub(crate) async fn patch(&self, path: &str, patch: &Value) -> Outcome {
        let found = self.request("PATCH", &format!("{path}?fieldManager=someone"), patch).await?;
        found.map(|_| ()).ok_or_else(|| format!("there is no {path}").into())
    }

    /// Deletes an object, and waits until it is gone.
    pub(crate) async fn delete(&self, path: &str, controllers: Option<&Controllers>) -> Outcome {
        self.request("DELETE", path, &Value::Null).await?;
        let what = format!("{path} does not go");
        self.until(path, controllers, &what, Value::is_null).await.map(|_| ())
    }

    /// Applies an object of the list at a path, as a user would with kubectl.
    pub(crate) async fn apply(&self, list: &str, object: &Value) -> Outcome {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let request = Request::builder()
            .method("PATCH")
            .uri(format!("{list}/{name}?fieldManager=someone&force=true"))
            .header("content-type", "application/apply-patch+yaml")
            .body(serde_json::to_vec(object)?)?;
        self.client.request::<Value>(request).await?;
        Ok(())
    }

    /// The path of a Kustomization; that of the list without a name.
    pub(crate) fn kustomization(&self, name: &str) -> String {
        let list =
            format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{}/kustomizations", self.namespace);
        if name.is_empty() { list } else { format!("{list}/{name}") }
    }

    fn sources(&self) -> String {
        format!("/apis/source.toolkit.fluxcd.io/v1/namespaces/{}/gitrepositories", self.namespace)
    }

    /// The path of the GitRepository.
    pub(crate) fn source(&self) -> String {
        format!("{}/{SOURCE}", self.sources())
    }

    /// Makes the GitRepository.
    pub(crate) async fn follow(&self) -> Outcome {
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": SOURCE, "namespace": self.namespace},
            "spec": {"interval": "10m", "url": self.url, "ref": {"branch": "main"}},
        });
        self.apply(&self.sources(), &source).await
    }

    /// Makes a Kustomization of the directory with its name; `more` is added to its spec.
    pub(crate) async fn create(&self, name: &str, more: &Value) -> Outcome {
        let mut spec = json!({
            "interval": "10m", "retryInterval": "5s", "prune": true, "path": format!("./{name}"),
            "sourceRef": {"kind": "GitRepository", "name": SOURCE},
        });
        if let (Some(spec), Some(more)) = (spec.as_object_mut(), more.as_object()) {
            spec.extend(more.clone());
        }
        let object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": self.namespace}, "spec": spec,
        });
        self.apply(&self.kustomization(""), &object).await
    }

    /// Asks for a look at the repository and for a reconciliation of Kustomizations, and waits until the latter are
    /// ready at a revision and have answered.
    pub(crate) async fn reconciled(
        &mut self,
        names: &[&str],
        revision: &str,
        controllers: &Controllers,
    ) -> Outcome {
        let source = self.source();
        let token = self.ask(&source).await?;
        let is_fetched = |found: &Value| {
            found["status"]["lastHandledReconcileAt"] == *token
                && found["status"]["artifact"]["revision"] == *revision
                && is_ready(found)
        };
        let what = format!("{source} does not come to {revision}");
        self.until(&source, Some(controllers), &what, is_fetched).await?;
        for name in names {
            let path = self.kustomization(name);
            // One that another applies may not be there yet.
            self.until(&path, Some(controllers), "it does not come", |found| !found.is_null()).await?;
            let token = self.ask(&path).await?;
            let is_applied = |found: &Value| {
                found["status"]["lastHandledReconcileAt"] == *token
                    && found["status"]["lastAppliedRevision"] == *revision
                    && found["status"]["observedGeneration"] == found["metadata"]["generation"]
                    && is_ready(found)
            };
            let what = format!("{path} does not become ready at {revision}");
            self.until(&path, Some(controllers), &what, is_applied).await?;
        }
        Ok(())
    }

    /// Asks for a reconciliation. Returns the token that status hands back.
    async fn ask(&mut self, path: &str) -> Outcome<String> {
        self.requests += 1;
        let token = format!("request-{}", self.requests);
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
        self.patch(path, &patch).await?;
        Ok(token)
    }

    /// Waits until what is at a path, null if there is nothing, is as it should be.
    pub(crate) async fn until(
        &self,
        path: &str,
        controllers: Option<&Controllers>,
        what: &str,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Outcome<Value> {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.get(path).await?.unwrap_or_default();
            if is_wanted(&found) {
                return Ok(found);
            }
            if Instant::now() > end {
                let log = controllers.map(Controllers::log).unwrap_or_default();
                return Err(format!("{what}:\n{found:#}\n{log}").into());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    ready.is_some_and(|ready| ready["status"] == "True")
}

/// Applies the definitions in Flux's directory, or ours if it has none.
async fn define(client: &Client, programs: &Path) -> Outcome {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let (parameters, mut count) = (PatchParams::apply("flux").force(), 0);
    for entry in std::fs::read_dir(programs)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let definition: CustomResourceDefinition =
                serde_yaml::from_str(&std::fs::read_to_string(&path)?)?;
            let name = definition.name_any();
            // An earlier test may have deleted it just now.
            tokio::time::timeout(PATIENCE, await_condition(api.clone(), &name, is_settled())).await??;
            api.patch(&name, &parameters, &Patch::Apply(&definition)).await?;
            count += 1;
        }
    }
    if count == 0 {
        println!("there are no definitions in {}: ours are used", programs.display());
        reconciler::run::install_definitions(client).await?;
    }
    Ok(())
}

/// There is no definition, or one that stays.
fn is_settled() -> impl Condition<CustomResourceDefinition> {
    |found: Option<&CustomResourceDefinition>| {
        found.is_none_or(|found| found.metadata.deletion_timestamp.is_none())
    }
}

/// Serves the repositories of a directory over http.
async fn serve(directory: &Path) -> Outcome<(Child, String)> {
    let mut command = Command::new("githttp");
    command.arg("--root").arg(directory).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| {
        format!("githttp cannot be started: {error}; cargo xtask e2e --flux DIRECTORY puts it on PATH")
    })?;
    let output = child.stdout.take().ok_or("githttp has no output")?;
    let mut lines = BufReader::new(output).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await??.unwrap_or_default();
    let address = line.strip_prefix("READY address=").ok_or(format!("githttp says {line:?}"))?;
    Ok((child, address.to_owned()))
}

/// Runs git in a directory.
pub(crate) async fn git(directory: &Path, arguments: &[&str]) -> Outcome<String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(directory).args(["-c", "user.name=Test", "-c", "user.email=test@example.org"]);
    let output = command.args(arguments).output().await?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => Err(format!("git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
