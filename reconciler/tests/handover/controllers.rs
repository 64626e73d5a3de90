//! Who reconciles: Flux's controllers or ours, as processes.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::stage::Outcome;

/// How long a process may take to end when it is told to.
const END: Duration = Duration::from_secs(60);

/// Flux's controllers that are needed.
const FLUX: [&str; 2] = ["source-controller", "kustomize-controller"];

/// Running controllers. They are killed when this is dropped.
pub(crate) struct Controllers {
    name: &'static str,
    children: Vec<Child>,
    logs: Vec<PathBuf>,
}

/// The directory with Flux's controllers.
///
/// # Errors
/// `FLUX_PROGRAMS` does not name one.
pub(crate) fn flux_programs() -> Outcome<PathBuf> {
    let advice = "cargo xtask e2e --flux DIRECTORY sets it";
    let directory = std::env::var_os("FLUX_PROGRAMS")
        .ok_or(format!("FLUX_PROGRAMS has to name the directory with Flux's controllers; {advice}"))?;
    let directory = PathBuf::from(directory);
    for name in FLUX {
        let program = directory.join(name);
        if !program.is_file() {
            return Err(format!("FLUX_PROGRAMS: there is no program {}", program.display()).into());
        }
    }
    Ok(directory)
}

impl Controllers {
    /// Starts Flux's controllers. They keep their files in a directory.
    pub(crate) fn flux(data: &Path, kubeconfig: &str) -> Outcome<Self> {
        let programs = flux_programs()?;
        let storage = data.join("storage");
        std::fs::create_dir_all(&storage)?;
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let mut controllers = Controllers { name: "Flux", children: Vec::new(), logs: Vec::new() };
        for name in FLUX {
            let mut command = Command::new(programs.join(name));
            command
                .args(["--watch-all-namespaces", "--enable-leader-election=false", "--log-level=debug"])
                .args(["--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0", "--events-addr="])
                .env("KUBECONFIG", kubeconfig)
                .env("RUNTIME_NAMESPACE", "default")
                .env("TMPDIR", data);
            match name {
                "source-controller" => {
                    command.arg("--storage-path").arg(&storage);
                    command.args(["--storage-addr", &address, "--storage-adv-addr", &address]);
                }
                // It may look for our archives before the other controller has its own, and not for minutes.
                _ => drop(command.args(["--requeue-dependency=2s", "--http-retry=1"])),
            }
            controllers.spawn(command, data.join(format!("{name}.log")))?;
        }
        Ok(controllers)
    }

    /// Starts our controllers, with more arguments.
    pub(crate) fn ours(data: &Path, kubeconfig: &str, arguments: &[&str]) -> Outcome<Self> {
        std::fs::create_dir_all(data)?;
        let mut controllers = Controllers { name: "ours", children: Vec::new(), logs: Vec::new() };
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciler"));
        command.args(["run", "--kubeconfig", kubeconfig, "--data"]).arg(data.join("data"));
        command.args(["--controllers", "source-controller,kustomize-controller"]).args(arguments);
        controllers.spawn(command, data.join("reconciler.log"))?;
        Ok(controllers)
    }

    fn spawn(&mut self, mut command: Command, log: PathBuf) -> Outcome {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).kill_on_drop(true);
        self.children.push(command.spawn()?);
        self.logs.push(log);
        Ok(())
    }

    /// Ends them as an operator would.
    pub(crate) async fn stop(mut self) -> Outcome {
        for child in &self.children {
            let id = child.id().ok_or_else(|| format!("{} ended too early:\n{}", self.name, self.log()))?;
            Command::new("kill").arg(id.to_string()).status().await?;
        }
        for child in &mut self.children {
            if tokio::time::timeout(END, child.wait()).await.is_err() {
                child.kill().await?;
            }
        }
        Ok(())
    }

    /// The ends of the logs.
    pub(crate) fn log(&self) -> String {
        let mut text = String::new();
        for log in &self.logs {
            let content = std::fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<&str> = content.lines().collect();
            text.push_str(&format!("{}:\n", log.display()));
            text.push_str(&lines[lines.len().saturating_sub(40)..].join("\n"));
            text.push('\n');
        }
        text
    }
}
