//! A control plane that lives as long as the suites run.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::steps::human;
use crate::{Failure, workspace};

/// How long a control plane may take to start.
const START: Duration = Duration::from_secs(120);

/// What a control plane consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// Everything, with nodes that are played.
    All,
    /// Only etcd and the API server, so that nothing else takes time or makes requests.
    ApiServer,
}

/// A running control plane. It is killed when this is dropped; its state goes with it.
pub struct Cluster {
    child: Child,
    directory: tempfile::TempDir,
    kubeconfig: PathBuf,
}

impl Cluster {
    /// Starts one on a free port, with more flags for its API server, and waits until it is ready.
    ///
    /// # Errors
    /// It ends, or is not ready in time. The message has its last words.
    pub fn start(programs: &Path, parts: Parts, flags: &[&str]) -> Result<Self, Failure> {
        let directory = tempfile::Builder::new().prefix("testcluster-").tempdir()?;
        let log = directory.path().join("log");
        let mut command = Command::new(programs.join(workspace::executable("testcluster")));
        command.args(["up", "--port", "0", "--until-eof", "--dir"]).arg(directory.path().join("state"));
        if parts == Parts::ApiServer {
            command.args(["--kcm=false", "--scheduler=false", "--kwok=false"]);
        }
        command.arg("--").args(flags);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(std::fs::File::create(&log)?);
        println!("starting a control plane");
        let started = Instant::now();
        let mut child = command.spawn()?;
        let ready = ready_line(&mut child);
        // From here on, dropping it kills the process.
        let mut cluster = Cluster { child, directory, kubeconfig: PathBuf::new() };
        match ready.recv_timeout(START) {
            Ok(kubeconfig) => cluster.kubeconfig = kubeconfig.into(),
            Err(error) => {
                let reason = match error {
                    mpsc::RecvTimeoutError::Timeout => "is not ready in time",
                    mpsc::RecvTimeoutError::Disconnected => "ended",
                };
                return Err(format!("the control plane {reason}:\n{}", last_lines(&log)).into());
            }
        }
        println!("ready after {}", human(started.elapsed()));
        Ok(cluster)
    }

    /// The file that clients connect with.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Copies the log of the control plane to the target directory, and says so.
    pub fn keep_log(&self) {
        let kept = workspace::target().join("e2e.log");
        if std::fs::copy(self.directory.path().join("log"), &kept).is_ok() {
            println!("the log of the control plane is {}", kept.display());
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It takes seconds to stop in order, and nothing of it is kept. Its children end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads what the control plane prints until it names its kubeconfig.
fn ready_line(child: &mut Child) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(path) = line.strip_prefix("READY kubeconfig=") {
                    let _ = sender.send(path.to_owned());
                }
            }
        });
    }
    receiver
}

/// The end of a log.
fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
