//! A git repository, the reconciler that follows it, and what a user does with both.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{Failure, workspace};

/// The directory that the cluster's own Kustomization applies.
pub(super) const CLUSTER: &str = "clusters/flux-blog-cluster";
/// How long the reconciler may take to start, or a step to succeed.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A repository, and a reconciler that follows it.
pub(super) struct Stage {
    program: PathBuf,
    directory: TempDir,
    kubeconfig: PathBuf,
    reconciler: Child,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.reconciler.kill();
        let _ = self.reconciler.wait();
    }
}

impl Stage {
    /// Makes the repository from `fixtures/walkthrough`, and starts the reconciler on it.
    pub(super) fn start(program: &Path) -> Result<Self, Failure> {
        explain("A git repository, and a reconciler with a cluster inside its process that follows it.");
        let directory = TempDir::with_prefix("walkthrough-")?;
        let (repository, data) = (directory.path().join("repository"), directory.path().join("data"));
        copy(&fixtures().join("apps"), &repository.join("apps"))?;
        fs::create_dir_all(repository.join(CLUSTER))?;
        fs::write(repository.join(CLUSTER).join(".gitkeep"), "")?;
        git(&repository, &["init", "--quiet", "--initial-branch", "main"])?;
        // What image automation pushes shows in the files at once.
        git(&repository, &["config", "receive.denyCurrentBranch", "updateInstead"])?;
        commit(&repository, "Add base and overlays")?;
        println!("$ reconciler run --embedded --git repository --path {CLUSTER}");
        let log = fs::File::create(directory.path().join("log"))?;
        let mut reconciler = Command::new(program)
            .args(["run", "--embedded", "--path", CLUSTER, "--git"])
            .arg(&repository)
            .arg("--data")
            .arg(&data)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let stdout = reconciler.stdout.take();
        let stage =
            Stage { program: program.to_owned(), kubeconfig: data.join("kubeconfig"), directory, reconciler };
        stage.wait_for_start(stdout)?;
        Ok(stage)
    }

    /// Waits until the reconciler has said where its cluster is.
    fn wait_for_start(&self, stdout: Option<ChildStdout>) -> Result<(), Failure> {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let lines = stdout.map(|stdout| BufReader::new(stdout).lines());
            lines.into_iter().flatten().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let end = Instant::now() + PATIENCE;
        loop {
            let line = receiver.recv_timeout(end.saturating_duration_since(Instant::now()));
            let line = line.map_err(|_| format!("the reconciler did not start:\n{}", self.log()))?;
            println!("{line}");
            if line.starts_with("export KUBECONFIG=") {
                return Ok(());
            }
        }
    }

    pub(super) fn repository(&self) -> PathBuf {
        self.directory.path().join("repository")
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    pub(super) fn write(&self, path: &str, text: &str) -> Result<(), Failure> {
        let path = self.repository().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        Ok(fs::write(path, text)?)
    }

    /// Copies a file of the fixtures into the repository, with something in place of each name.
    pub(super) fn copy(&self, from: &str, to: &str, values: &[(&str, &str)]) -> Result<(), Failure> {
        let mut text = fs::read_to_string(fixtures().join(from))?;
        for (name, value) in values {
            text = text.replace(name, value);
        }
        self.write(to, &text)
    }

    /// Waits until a file of the repository has a text, and shows the commit that brought it.
    pub(super) fn expect_commit(&self, path: &str, wanted: &str) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        while !fs::read_to_string(self.repository().join(path))?.contains(wanted) {
            if Instant::now() > end {
                return Err(format!("{path} does not have {wanted:?}\n{}", self.log()).into());
            }
            thread::sleep(Duration::from_millis(200));
        }
        let arguments = ["log", "-1", "--format=%an: %B", "--patch", "--unified=0"];
        println!("$ git {}", arguments.join(" "));
        let shown = Command::new("git").args(arguments).current_dir(self.repository()).output()?;
        print!("{}", String::from_utf8_lossy(&shown.stdout));
        Ok(())
    }

    pub(super) fn commit(&self, message: &str) -> Result<(), Failure> {
        println!("$ git commit --all --message '{message}'");
        commit(&self.repository(), message)
    }

    /// Runs a command of the reconciler and shows it. Returns what it printed and whether it succeeded.
    pub(super) fn reconciler(&self, arguments: &[&str]) -> Result<(String, bool), Failure> {
        println!("$ reconciler {}", arguments.join(" "));
        let mut command = Command::new(&self.program);
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig).current_dir(self.repository());
        let ended = command.output()?;
        let (stdout, stderr) =
            (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        print!("{stderr}{stdout}");
        Ok((format!("{stderr}{stdout}"), ended.status.success()))
    }

    /// Reconciles the repository and a Kustomization now.
    pub(super) fn reconcile(&self, name: &str) -> Result<(String, bool), Failure> {
        self.reconciler(&["reconcile", "kustomization", name, "--with-source"])
    }

    /// Reconciles, which has to succeed.
    pub(super) fn succeed(&self, name: &str) -> Result<(), Failure> {
        let (text, is_ok) = self.reconcile(name)?;
        if is_ok { Ok(()) } else { Err(format!("{name} is not ready:\n{text}\n{}", self.log()).into()) }
    }

    /// Waits until the tree of what a Kustomization applied has, or has no more, a text.
    pub(super) fn expect(&self, name: &str, text: &str, is_there: bool) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        loop {
            let mut command = Command::new(&self.program);
            command.args(["tree", "kustomization", name]).env("KUBECONFIG", &self.kubeconfig);
            let tree = String::from_utf8_lossy(&command.output()?.stdout).into_owned();
            if tree.contains(text) == is_there {
                print!("$ reconciler tree kustomization {name}\n{tree}");
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("{text} in the tree of {name}: expected {is_there}\n{tree}").into());
            }
            thread::sleep(Duration::from_millis(200));
        }
    }
}

/// Says what comes next.
pub(super) fn explain(text: &str) {
    println!("\n# {text}");
}

pub(super) fn fixtures() -> PathBuf {
    workspace::root().join("fixtures/walkthrough")
}

/// Copies a directory without the golden files in it.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if !entry.file_name().to_string_lossy().ends_with(".snap.yaml") {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn git(repository: &Path, arguments: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Demo", "-c", "user.email=demo@example.org"]).args(arguments);
    let ended = command.current_dir(repository).output()?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    Err(format!("git {} failed: {}", arguments.join(" "), said.trim()).into())
}

fn commit(repository: &Path, message: &str) -> Result<(), Failure> {
    git(repository, &["add", "--all"])?;
    git(repository, &["commit", "--quiet", "--message", message])
}
