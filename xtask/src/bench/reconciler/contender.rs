//! The programs that are measured, and the git server that they follow.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Failure, workspace};

/// How long one load may take.
pub const LIMIT: Duration = Duration::from_secs(3600);
/// How long a program may take to start.
const START: Duration = Duration::from_secs(60);

/// What is measured.
pub enum Contender {
    /// Flux's controllers, in this directory.
    Flux(PathBuf),
    /// Our reconciler.
    Ours {
        /// The program.
        program: PathBuf,
        /// Whether the cluster is inside its process.
        is_embedded: bool,
    },
}

/// Programs that run until this is dropped.
pub struct Running {
    programs: Vec<(Child, PathBuf)>,
    kubeconfig: PathBuf,
}

impl Contender {
    /// A short name.
    pub fn name(&self) -> &'static str {
        match self {
            Contender::Flux(_) => "flux",
            Contender::Ours { .. } => "ours",
        }
    }

    /// Whether the cluster is inside the process.
    pub fn is_embedded(&self) -> bool {
        matches!(self, Contender::Ours { is_embedded: true, .. })
    }

    /// Starts the programs on a cluster, with data and logs below a directory.
    ///
    /// # Errors
    /// One cannot be started.
    pub fn start(&self, root: &Path, kubeconfig: Option<&Path>) -> Result<Running, Failure> {
        match (self, kubeconfig) {
            (Contender::Flux(directory), Some(kubeconfig)) => flux(directory, root, kubeconfig),
            (Contender::Ours { program, .. }, kubeconfig) => ours(program, root, kubeconfig),
            (Contender::Flux(_), None) => Err("Flux needs an API server".into()),
        }
    }
}

fn ours(program: &Path, root: &Path, kubeconfig: Option<&Path>) -> Result<Running, Failure> {
    let data = root.join("data");
    let mut command = Command::new(program);
    command.arg("run").arg("--data").arg(&data);
    let kubeconfig = match kubeconfig {
        Some(kubeconfig) => {
            command.arg("--kubeconfig").arg(kubeconfig);
            kubeconfig.to_owned()
        }
        None => {
            command.arg("--embedded");
            data.join("kubeconfig")
        }
    };
    let log = root.join("reconciler.log");
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?;
    let running = Running { programs: vec![(child, log)], kubeconfig };
    let end = Instant::now() + START;
    while !running.kubeconfig.exists() {
        if Instant::now() > end {
            return Err(format!("the reconciler does not start:\n{}", running.last_words()).into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(running)
}

/// Both controllers, which unpack on a file system in memory where there is one: that is their best case.
fn flux(directory: &Path, root: &Path, kubeconfig: &Path) -> Result<Running, Failure> {
    let memory = Path::new("/dev/shm");
    let scratch =
        if memory.is_dir() { memory.join(format!("bench-{}", std::process::id())) } else { root.join("tmp") };
    std::fs::create_dir_all(&scratch)?;
    let storage = free_address()?;
    let mut programs = Vec::new();
    for name in ["source-controller", "kustomize-controller"] {
        let log = root.join(format!("{name}.log"));
        let mut command = Command::new(directory.join(workspace::executable(name)));
        command
            .args(["--watch-all-namespaces", "--enable-leader-election=false", "--log-level=info"])
            .args(["--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0", "--events-addr="])
            .env("KUBECONFIG", kubeconfig)
            .env("RUNTIME_NAMESPACE", "default")
            .env("TMPDIR", &scratch);
        if name == "source-controller" {
            command.arg("--storage-path").arg(scratch.join("storage"));
            command.args(["--storage-addr", &storage, "--storage-adv-addr", &storage]);
            std::fs::create_dir_all(scratch.join("storage"))?;
        }
        command.stdin(Stdio::null()).stdout(File::create(root.join(format!("{name}.out")))?);
        programs.push((command.stderr(File::create(&log)?).spawn()?, log));
    }
    Ok(Running { programs, kubeconfig: kubeconfig.to_owned() })
}

/// A loopback address whose port is free now.
fn free_address() -> Result<String, Failure> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

impl Running {
    /// The processes.
    pub fn pids(&self) -> Vec<u32> {
        self.programs.iter().map(|(child, _)| child.id()).collect()
    }

    /// Their logs.
    pub fn logs(&self) -> Vec<&Path> {
        self.programs.iter().map(|(_, log)| log.as_path()).collect()
    }

    /// What clients connect with.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The ends of the logs.
    pub fn last_words(&self) -> String {
        let last = |log: &Path| {
            let text = std::fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(5)..].join("\n")
        };
        self.logs().into_iter().map(last).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for (child, _) in &mut self.programs {
            let _ = child.kill();
            let _ = child.wait();
        }
        // What Flux has unpacked in memory.
        let _ = std::fs::remove_dir_all(format!("/dev/shm/bench-{}", std::process::id()));
    }
}

/// A git server over http, which ends when this is dropped.
pub struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Serves the repositories of a directory.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(programs: &Path, directory: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(programs.join(workspace::executable("githttp")));
        let mut child =
            command.arg("--root").arg(directory).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let line = child.stdout.take().and_then(|stdout| BufReader::new(stdout).lines().next());
        let address =
            line.transpose()?.and_then(|line| Some(line.strip_prefix("READY address=")?.to_owned()));
        Ok(Server { child, address: address.ok_or("the git server does not start")? })
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
