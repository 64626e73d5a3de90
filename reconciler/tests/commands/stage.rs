//! A cluster and the commands that use it.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use embedded_cluster::Cluster;
use tempfile::TempDir;

/// What a test ends with.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A cluster, and a directory for what belongs to it.
pub(crate) struct Stage {
    pub(crate) directory: TempDir,
    kubeconfig: PathBuf,
    cluster: Cluster,
    controllers: Option<Child>,
    /// Environment variables of the commands.
    variables: Vec<(String, String)>,
    /// The cluster lives in it.
    _runtime: tokio::runtime::Runtime,
}

impl Stage {
    pub(crate) fn new() -> Result<Self> {
        let runtime = tokio::runtime::Runtime::new()?;
        let directory = TempDir::new()?;
        let cluster = runtime.block_on(async { Cluster::in_memory() });
        let server = runtime.block_on(cluster.listen(([127, 0, 0, 1], 0).into()))?;
        let kubeconfig = directory.path().join("kubeconfig");
        std::fs::write(&kubeconfig, server.kubeconfig())?;
        Ok(Stage {
            directory,
            kubeconfig,
            cluster,
            controllers: None,
            variables: Vec::new(),
            _runtime: runtime,
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciler"));
        command.env("KUBECONFIG", &self.kubeconfig).env_remove("FLUX_SYSTEM_NAMESPACE").stdin(Stdio::null());
        for variable in ["GITHUB_TOKEN", "GITLAB_TOKEN", "GITEA_TOKEN"] {
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
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(controllers) = &mut self.controllers {
            // They may have ended already.
            let _ = controllers.kill();
            let _ = controllers.wait();
        }
        self.cluster.shutdown();
    }
}

/// Runs git.
pub(crate) fn git(directory: &std::path::Path, args: &[&str]) -> Result<String> {
    let output = Command::new("git").args(args).current_dir(directory).output()?;
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
