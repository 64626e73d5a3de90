//! The walk-through of the reconciler: a git repository, a cluster inside the reconciler's process,
//! and the commands that a user would type. Each step checks what the cluster has in the end.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::steps::human;
use crate::{Failure, build, workspace};

/// The directory that the cluster's own Kustomization applies.
const CLUSTER: &str = "clusters/flux-blog-cluster";
/// How long the reconciler may take to start, or a step to succeed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Plays the walk-through.
///
/// # Errors
/// The reconciler does not compile, or a step does not end as it should.
pub fn run() -> Result<(), Failure> {
    println!(
        "\nbuilding the reconciler: about ten minutes the first time on two cores; cargo shows how far it is"
    );
    let program = build::reconciler(build::Profile::Debug)?;
    let started = Instant::now();
    let demo = Demo::start(&program)?;
    demo.first_pods()?;
    demo.typo()?;
    demo.two_environments()?;
    demo.staging_alone()?;
    demo.prune()?;
    demo.broken_overlay()?;
    println!("\nThe walk-through took {}. The command is {}", human(started.elapsed()), program.display());
    Ok(())
}

/// A repository, and a reconciler that follows it.
struct Demo {
    program: PathBuf,
    directory: TempDir,
    kubeconfig: PathBuf,
    reconciler: Child,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.reconciler.kill();
        let _ = self.reconciler.wait();
    }
}

impl Demo {
    /// Makes the repository from `fixtures/walkthrough`, and starts the reconciler on it.
    fn start(program: &Path) -> Result<Self, Failure> {
        explain("A git repository, and a reconciler with a cluster inside its process that follows it.");
        let directory = TempDir::with_prefix("walkthrough-")?;
        let (repository, data) = (directory.path().join("repository"), directory.path().join("data"));
        copy(&fixtures().join("apps"), &repository.join("apps"))?;
        fs::create_dir_all(repository.join(CLUSTER))?;
        fs::write(repository.join(CLUSTER).join(".gitkeep"), "")?;
        git(&repository, &["init", "--quiet", "--initial-branch", "main"])?;
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
        let demo =
            Demo { program: program.to_owned(), kubeconfig: data.join("kubeconfig"), directory, reconciler };
        demo.wait_for_start(stdout)?;
        Ok(demo)
    }

    /// Waits until the reconciler has said where its cluster is.
    fn wait_for_start(&self, stdout: Option<std::process::ChildStdout>) -> Result<(), Failure> {
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

    fn repository(&self) -> PathBuf {
        self.directory.path().join("repository")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn write(&self, path: &str, text: &str) -> Result<(), Failure> {
        let path = self.repository().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        Ok(fs::write(path, text)?)
    }

    fn commit(&self, message: &str) -> Result<(), Failure> {
        println!("$ git commit --all --message '{message}'");
        commit(&self.repository(), message)
    }

    /// Runs a command of the reconciler and shows it. Returns what it printed and whether it succeeded.
    fn reconciler(&self, arguments: &[&str]) -> Result<(String, bool), Failure> {
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
    fn reconcile(&self, name: &str) -> Result<(String, bool), Failure> {
        self.reconciler(&["reconcile", "kustomization", name, "--with-source"])
    }

    /// Reconciles, which has to succeed.
    fn succeed(&self, name: &str) -> Result<(), Failure> {
        let (text, is_ok) = self.reconcile(name)?;
        if is_ok { Ok(()) } else { Err(format!("{name} is not ready:\n{text}\n{}", self.log()).into()) }
    }

    /// Waits until the tree of what a Kustomization applied has, or has no more, a text.
    fn expect(&self, name: &str, text: &str, is_there: bool) -> Result<(), Failure> {
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

    fn first_pods(&self) -> Result<(), Failure> {
        explain("First pods: a Deployment in the repository is applied to the cluster.");
        let deploy = format!("{CLUSTER}/deploy.yaml");
        self.write(&deploy, &fs::read_to_string(fixtures().join(&deploy))?)?;
        self.commit("Add a deployment")?;
        self.succeed("flux-system")?;
        self.expect("flux-system", "Deployment/default/test-flux-nginx", true)
    }

    fn typo(&self) -> Result<(), Failure> {
        explain("A typo: the error names the file and the line, and what was probably meant.");
        let deploy = format!("{CLUSTER}/deploy.yaml");
        let text = fs::read_to_string(self.repository().join(&deploy))?;
        self.write(&deploy, &text.replace("namespace: default", "namespace: defailt"))?;
        self.commit("Move the deployment")?;
        let (printed, is_ok) = self.reconcile("flux-system")?;
        let expected = "Deployment/defailt/test-flux-nginx not found: namespaces \"defailt\" not found";
        if is_ok || !printed.contains(expected) {
            return Err(format!("the typo was not reported\n{}", self.log()).into());
        }
        self.write(&deploy, &text)?;
        self.commit("Move it back")?;
        self.succeed("flux-system")
    }

    fn two_environments(&self) -> Result<(), Failure> {
        explain("Two environments from one base: a Kustomization for each overlay.");
        for environment in ["staging", "production"] {
            let (name, target, path) = (
                format!("apps-{environment}"),
                format!("--target-namespace={environment}"),
                format!("--path=./apps/overlays/{environment}"),
            );
            let arguments = [
                "create",
                "kustomization",
                &name,
                &target,
                "--source=flux-system",
                &path,
                "--prune=true",
                "--interval=1m",
                "--export",
            ];
            let (text, _) = self.reconciler(&arguments)?;
            self.write(&format!("{CLUSTER}/{name}.yaml"), &text)?;
        }
        self.commit("Deploy staging and production")?;
        self.succeed("flux-system")?;
        for name in ["apps-staging", "apps-production"] {
            self.succeed(name)?;
        }
        self.reconciler(&["get", "kustomizations"])?;
        self.expect("apps-staging", "Deployment/staging/kustomize-ginx", true)
    }

    fn staging_alone(&self) -> Result<(), Failure> {
        explain("Staging alone: an image tag for one overlay; production stays as it is.");
        let file = "apps/overlays/staging/kustomization.yaml";
        let text = fs::read_to_string(self.repository().join(file))?;
        self.write(file, &format!("{text}images: [{{name: nginx, newName: nginx, newTag: 1.30.0}}]\n"))?;
        self.commit("Try nginx 1.30.0 in staging")?;
        let (diff, _) =
            self.reconciler(&["diff", "kustomization", "apps-staging", "--path=./apps/overlays/staging"])?;
        if !diff.contains("nginx:1.30.0") {
            return Err("the difference does not show the new image".into());
        }
        self.succeed("apps-staging")
    }

    fn prune(&self) -> Result<(), Failure> {
        explain("Pruning: what is removed from the repository is deleted from the cluster.");
        fs::remove_file(self.repository().join(CLUSTER).join("deploy.yaml"))?;
        self.commit("Remove the first deployment")?;
        self.succeed("flux-system")?;
        self.expect("flux-system", "test-flux-nginx", false)
    }

    fn broken_overlay(&self) -> Result<(), Failure> {
        explain("A broken overlay: the last good state keeps running, and the next good commit recovers.");
        let file = "apps/overlays/production/kustomization.yaml";
        let text = fs::read_to_string(self.repository().join(file))?;
        self.write(file, &format!("{text}   images:\n   - {{name: nginx, newTag: 1.31.0}}\n"))?;
        self.commit("Update production")?;
        let (printed, is_ok) = self.reconcile("apps-production")?;
        if is_ok || !printed.contains(file) {
            return Err(format!("the broken overlay was not reported\n{}", self.log()).into());
        }
        self.reconciler(&["get", "kustomizations"])?;
        self.write(file, &format!("{text}images:\n  - {{name: nginx, newTag: 1.31.0}}\n"))?;
        self.commit("Indent the images correctly")?;
        self.succeed("apps-production")?;
        self.reconciler(&["get", "kustomizations"])?;
        Ok(())
    }
}

fn explain(text: &str) {
    println!("\n# {text}");
}

fn fixtures() -> PathBuf {
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
