//! The area cli: command lines, run by the program `reconciler` that was built beside this one.
//!
//! A case that needs a cluster gets an embedded one of its own, which listens on a loopback port.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::kustomization::Tree;
use crate::case::{Report, equal_text};
use crate::cluster::TestCluster;
use crate::registry::Registry;

/// Marks that the command prints to standard error, where Flux's tests read both outputs as one.
const PROGRESS: [&str; 4] = ["✚ ", "► ", "✔ ", "◎ "];

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    let program = std::env::current_exe().map_err(text)?.with_file_name("reconciler");
    if !program.is_file() {
        return Err(format!("{} has to be built first: cargo build -p reconciler", program.display()));
    }
    let folder = folder.canonicalize().map_err(text)?;
    let runtime = tokio::runtime::Runtime::new().map_err(text)?;
    report.table(&folder, "commands", |case| Run { program: &program, folder: &folder, case }.check(&runtime))
}

fn text(failure: impl std::fmt::Display) -> String {
    failure.to_string()
}

/// One case and where it runs.
struct Run<'a> {
    program: &'a Path,
    folder: &'a Path,
    case: &'a Value,
}

impl Run<'_> {
    fn check(&self, runtime: &tokio::runtime::Runtime) -> Result<(), String> {
        let files = Tree::write(self.case)?;
        let cluster = match self.text("needs") {
            "cluster" => Some(runtime.block_on(TestCluster::start(&self.objects()?))?),
            _ => None,
        };
        let controller = cluster
            .clone()
            .map(|cluster| runtime.spawn(cluster.play_source_controller(self.text("source").to_owned())));
        let mut args = words(self.text("args"))?;
        if args[0] == "create" && !args.iter().any(|arg| arg.starts_with("--interval")) {
            // Flux's tests set all flags to nothing between two commands, also those with a default.
            args.push("--interval=0s".to_owned());
        }
        let registry = match args.iter_mut().find(|arg| arg.starts_with("oci://localhost:")) {
            Some(address) => Some(runtime.block_on(self.registry(address))?),
            None => None,
        };
        let outcome = self.run(&args, &files.root, cluster.as_ref());
        drop(registry);
        if let Some(controller) = controller {
            controller.abort();
        }
        if let Some(cluster) = cluster {
            cluster.shutdown();
        }
        self.compare(&outcome?)
    }

    fn text(&self, key: &str) -> &str {
        self.case[key].as_str().unwrap_or_default()
    }

    /// The manifests that stand in the cluster before.
    fn objects(&self) -> Result<Vec<String>, String> {
        let names = self.case["cluster_objects"].as_array().into_iter().flatten();
        names
            .map(|name| {
                let path = self.folder.join(name.as_str().unwrap_or_default());
                std::fs::read_to_string(&path).map_err(|failure| format!("{}: {failure}", path.display()))
            })
            .collect()
    }

    /// A registry that holds what Flux's test has pushed before; the address is changed to where it listens.
    async fn registry(&self, address: &mut String) -> Result<Registry, String> {
        let registry = Registry::start().await?;
        let pushed = self.folder.join("testdata/diff-artifact/deployment.yaml");
        let name = address.rsplit('/').next().unwrap_or_default().to_owned();
        *address = format!("oci://{}/{name}", registry.address());
        let push = [
            "push",
            "artifact",
            address,
            "--path",
            &pushed.display().to_string(),
            "--source=example",
            "--revision=v1",
        ];
        let output = self.command(&push.map(str::to_owned), Path::new("."), None).output();
        let output = output.map_err(text)?;
        match output.status.success() {
            true => Ok(registry),
            false => Err(format!("not pushed: {}", String::from_utf8_lossy(&output.stderr))),
        }
    }

    fn command(&self, args: &[String], files: &Path, cluster: Option<&TestCluster>) -> Command {
        let place = |arg: &String| {
            let arg = arg.replace("$DIR", &self.folder.display().to_string());
            arg.replace("$FILES", &files.display().to_string())
        };
        let mut command = Command::new(self.program);
        command.args(args.iter().map(place)).current_dir(self.folder).env("TZ", "UTC").stdin(Stdio::null());
        let none = PathBuf::from("/no/kubeconfig");
        command.env("KUBECONFIG", cluster.map_or(none.as_path(), |cluster| cluster.kubeconfig()));
        command.env_remove("FLUX_SYSTEM_NAMESPACE");
        command
    }

    /// Runs the command. Its two outputs are read as one where the expected text has both.
    fn run(&self, args: &[String], files: &Path, cluster: Option<&TestCluster>) -> Result<Output, String> {
        let mut command = self.command(args, files, cluster);
        let wanted = self.text("stdout");
        if !wanted.lines().any(|line| PROGRESS.iter().any(|mark| line.starts_with(mark))) {
            return command.output().map_err(text);
        }
        let (mut reader, writer) = std::io::pipe().map_err(text)?;
        let twin = writer.try_clone().map_err(text)?;
        let mut child = command.stdout(writer).stderr(twin).spawn().map_err(text)?;
        // The command holds ends of the pipe, without which reading would not come to an end.
        drop(command);
        let mut stdout = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut stdout).map_err(text)?;
        let status = child.wait().map_err(text)?;
        Ok(Output { status, stdout, stderr: Vec::new() })
    }

    fn compare(&self, output: &Output) -> Result<(), String> {
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let success = output.status.success();
        match self.text("result") {
            "success" if success => Ok(()),
            "success" => Err(format!("failed: {stderr}")),
            "error" if success => {
                Err(format!("succeeded, but wanted {}:\n{stdout}{stderr}", self.text("error")))
            }
            "error" => {
                let wanted = format!("✗ {}", self.text("error"));
                let found = stderr.contains(wanted.trim_end()) || stdout.contains(wanted.trim_end());
                if found { Ok(()) } else { equal_text("error", &stderr, &wanted) }
            }
            // Differences are the answer of diff, which has a status of its own then.
            "output"
                if success || output.status.code() == Some(1) && self.text("args").starts_with("diff") =>
            {
                // The program has a name and a version of its own.
                let version = env!("CARGO_PKG_VERSION");
                let named = stdout.replace("reconciler", "flux").replace(version, "0.0.0-dev.0");
                let got = if self.text("args").contains("version") { named } else { stdout.into_owned() };
                equal_text("output", drop_outcome(&got), self.text("stdout"))
            }
            "output" => Err(format!("failed with {}: {stderr}{stdout}", output.status)),
            other => Err(format!("unknown result {other}")),
        }
    }
}

/// The output without the line that says that diff has found something, which Flux's tests see as an error.
fn drop_outcome(output: &str) -> &str {
    output.split("✗ identified at least one change").next().unwrap_or_default()
}

/// The words of a command line; `"` holds several together.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    if quoted { Err(format!("a quote has no end: {line}")) } else { Ok(words) }
}
