//! The processes: the reconciler, and Flux's source-watcher where there is one.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::Outcome;

/// Running processes, which are killed when this is dropped.
pub(crate) struct Programs {
    children: Vec<Child>,
    log: PathBuf,
}

impl Programs {
    /// Starts the reconciler, and source-watcher if it is in the directory with Flux's controllers.
    pub(crate) fn start(directory: &Path, kubeconfig: &Path, flux: Option<&Path>) -> Outcome<Self> {
        let mut programs = Programs { children: Vec::new(), log: directory.join("reconciler.log") };
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciler"));
        command.args(["run", "--storage-addr", "127.0.0.1:0", "--kubeconfig"]).arg(kubeconfig);
        command.arg("--data").arg(directory.join("data"));
        programs.spawn(command, &directory.join("reconciler.log"))?;
        if let Some(watcher) =
            flux.map(|flux| flux.join("source-watcher")).filter(|program| program.is_file())
        {
            let storage = directory.join("storage");
            std::fs::create_dir(&storage)?;
            let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
            let mut command = Command::new(watcher);
            command
                .args(["--watch-all-namespaces", "--enable-leader-election=false"])
                .args(["--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0", "--events-addr="])
                .args(["--storage-addr", &address, "--storage-adv-addr", &address, "--storage-path"])
                .arg(&storage)
                .env("KUBECONFIG", kubeconfig)
                .env("RUNTIME_NAMESPACE", "default")
                .env("TMPDIR", directory);
            programs.spawn(command, &directory.join("source-watcher.log"))?;
        }
        Ok(programs)
    }

    fn spawn(&mut self, mut command: Command, log: &Path) -> Outcome {
        let file = std::fs::File::create(log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).kill_on_drop(true);
        self.children.push(command.spawn()?);
        Ok(())
    }

    /// The lines of the reconciler's log that report errors.
    pub(crate) fn errors(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.lines()
            .filter(|line| line.contains("\"level\":\"error\"") || line.contains("panicked"))
            .map(str::to_owned)
            .collect()
    }
}
