//! A cluster and the commands that use it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use embedded_cluster::Cluster;
use k8s_openapi::api::core::v1::Namespace;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::{Api, Client};
use serde_json::Value;
use tempfile::TempDir;

/// What a test ends with.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A real cluster has one stage at a time: every controller sees all of it.
static REAL_CLUSTER: Mutex<()> = Mutex::new(());

/// A cluster, and a directory for what belongs to it. It is the one that `KUBECONFIG` names, or an embedded one.
pub(crate) struct Stage {
    pub(crate) directory: TempDir,
    kubeconfig: PathBuf,
    /// None on a real cluster.
    cluster: Option<Cluster>,
    controllers: Option<Child>,
    /// Environment variables of the commands.
    variables: Vec<(String, String)>,
    /// The embedded cluster lives in it.
    runtime: tokio::runtime::Runtime,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl Stage {
    pub(crate) fn new() -> Result<Self> {
        let runtime = tokio::runtime::Runtime::new()?;
        let directory = TempDir::new()?;
        let (kubeconfig, cluster, turn) = match std::env::var_os("KUBECONFIG") {
            Some(given) => {
                let turn = REAL_CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
                (given.into(), None, Some(turn))
            }
            None => {
                let cluster = runtime.block_on(async { Cluster::in_memory() });
                let server = runtime.block_on(cluster.listen(([127, 0, 0, 1], 0).into()))?;
                let kubeconfig = directory.path().join("kubeconfig");
                std::fs::write(&kubeconfig, server.kubeconfig())?;
                (kubeconfig, Some(cluster), None)
            }
        };
        let stage = Stage {
            directory,
            kubeconfig,
            cluster,
            controllers: None,
            variables: Vec::new(),
            runtime,
            _turn: turn,
        };
        if stage.cluster.is_none() {
            // Other suites may have left objects in the cluster.
            stage.clear()?;
        }
        Ok(stage)
    }

    /// Removes everything that the commands may have put into a real cluster.
    fn clear(&self) -> Result {
        drop(self.run("uninstall --silent"));
        self.runtime.block_on(namespace_is_gone(&self.kubeconfig))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Makes an empty repository. Returns its path.
    pub(crate) fn repository(&self, name: &str) -> Result<PathBuf> {
        git(self.directory.path(), &["init", "--quiet", "--bare", "--initial-branch=main", name])?;
        Ok(self.path(name))
    }

    /// The kubeconfig of the cluster.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciler"));
        command.env("KUBECONFIG", &self.kubeconfig).env_remove("FLUX_SYSTEM_NAMESPACE").stdin(Stdio::null());
        for variable in ["GITHUB_TOKEN", "GITLAB_TOKEN", "GITEA_TOKEN", "BITBUCKET_TOKEN"] {
            command.env_remove(variable);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Sets an environment variable of all commands that follow.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Runs the controllers until the stage is gone.
    pub(crate) fn run_controllers(&mut self) -> Result {
        let log = std::fs::File::create(self.path("log"))?;
        let mut command = self.command();
        command.args(["run", "--data"]).arg(self.path("data")).stdout(Stdio::null()).stderr(log);
        self.controllers = Some(command.spawn()?);
        Ok(())
    }

    /// What the cluster has at a path; null if that is nothing.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        self.runtime.block_on(async {
            let client = client(&self.kubeconfig).await?;
            let request = http::Request::get(path).body(Vec::new())?;
            match client.request::<Value>(request).await {
                Ok(found) => Ok(found),
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(Value::Null),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Makes an object of the list at a path.
    pub(crate) fn post(&self, path: &str, object: &Value) -> Result {
        self.runtime.block_on(async {
            let request = http::Request::post(path).header("content-type", "application/json");
            let request = request.body(serde_json::to_vec(object)?)?;
            client(&self.kubeconfig).await?.request::<Value>(request).await?;
            Ok(())
        })
    }

    /// Changes the object at a path.
    pub(crate) fn merge(&self, path: &str, patch: &Value) -> Result {
        self.runtime.block_on(async {
            let request = http::Request::patch(path).header("content-type", "application/merge-patch+json");
            let request = request.body(serde_json::to_vec(patch)?)?;
            client(&self.kubeconfig).await?.request::<Value>(request).await?;
            Ok(())
        })
    }

    /// Deletes the object at a path.
    pub(crate) fn delete(&self, path: &str) -> Result {
        self.runtime.block_on(async {
            let request = http::Request::delete(path).body(Vec::new())?;
            client(&self.kubeconfig).await?.request::<Value>(request).await?;
            Ok(())
        })
    }

    pub(crate) fn run(&self, line: &str) -> Result<Output> {
        Ok(self.command().args(line.split_whitespace()).output()?)
    }

    /// Both outputs of a command that has to succeed.
    pub(crate) fn succeeds(&self, line: &str) -> Result<String> {
        let output = self.run(line)?;
        let text = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
        let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
        assert!(output.status.success(), "{line}: {text}\n{log}");
        Ok(text)
    }

    /// What a command says that has to fail.
    pub(crate) fn fails(&self, line: &str) -> Result<String> {
        let output = self.run(line)?;
        assert!(!output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stdout));
        Ok(String::from_utf8(output.stderr)?)
    }

    /// Checks what a command says of each of these flags, which it has to refuse.
    pub(crate) fn refuses(&self, line: &str, cases: &[(&str, &str)]) -> Result {
        for (flags, wanted) in cases {
            let refused = self.fails(&format!("{line} {flags}"))?;
            assert!(refused.contains(wanted), "{flags}: {refused}");
        }
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(controllers) = &mut self.controllers {
            // They may have ended already.
            let _ = controllers.kill();
            let _ = controllers.wait();
        }
        match &self.cluster {
            Some(cluster) => cluster.shutdown(),
            // The next test finds nothing of this one.
            None => {
                let gone = self.clear();
                assert!(gone.is_ok() || std::thread::panicking(), "{gone:?}");
            }
        }
    }
}

/// Waits until the namespace that was uninstalled is gone.
async fn namespace_is_gone(kubeconfig: &Path) -> Result {
    let namespaces: Api<Namespace> = Api::all(client(kubeconfig).await?);
    let end = Instant::now() + Duration::from_secs(120);
    while namespaces.get_opt("flux-system").await?.is_some() {
        if Instant::now() > end {
            return Err("the namespace flux-system is still there".into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn client(kubeconfig: &Path) -> Result<Client> {
    let config = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// Checks that a command has said all of this, in this order.
pub(crate) fn assert_in_order(said: &str, order: &[&str]) {
    let places: Vec<_> = order.iter().map(|line| said.find(line)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{said}");
}

/// Commits everything in a clone, and pushes it as `main`.
pub(crate) fn publish(work: &Path, message: &str) -> Result {
    git(work, &["checkout", "--quiet", "-B", "main"])?;
    git(work, &["add", "--all"])?;
    git(work, &["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", message])?;
    git(work, &["push", "--quiet", "origin", "main"])?;
    Ok(())
}

/// Runs git.
pub(crate) fn git(directory: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new("git").args(args).current_dir(directory).output()?;
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
