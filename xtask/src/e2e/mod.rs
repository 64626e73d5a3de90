//! `cargo xtask e2e`: the suites that need a Kubernetes API server, on a real one.

mod cluster;
mod go;
mod programs;
mod server;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::Steps;
use crate::{Failure, workspace};
pub use cluster::{Cluster, Parts};
pub use programs::build as build_programs;

/// The Go module of the programs, from the root of the repository.
const MODULE: &str = "e2e/cluster";

/// What home clusters switch on: autoscalers that take an application to zero replicas.
const SERVER_FLAGS: [&str; 1] = ["--feature-gates=HPAScaleToZero=true"];

/// Options of `cargo xtask e2e`.
#[derive(clap::Args)]
pub struct Args {
    /// Build the programs and stop there
    #[arg(long)]
    build_only: bool,
    /// Run what takes minutes, too: kill the reconciler at a hundred moments, and while ten thousand events are delivered
    #[arg(long)]
    long: bool,
    /// Directory with Flux's source-controller and kustomize-controller, and their custom resource definitions as YAML:
    /// hand a cluster from them to ours, and back
    #[arg(long, value_name = "DIRECTORY")]
    flux: Option<PathBuf>,
    /// Repository that was written for Flux, bare or not: reconcile its last commit instead of running the suites, on
    /// the embedded cluster and on a real API server, and report on every Kustomization
    #[arg(long, value_name = "DIRECTORY", requires = "path")]
    repository: Option<PathBuf>,
    /// Directory in it that the cluster follows, such as clusters/staging
    #[arg(long, requires = "repository")]
    path: Option<String>,
}

/// Runs the suites on the cluster that `KUBECONFIG` names, or on one that is started for them.
///
/// # Errors
/// There is no such cluster and none can be built, or a suite failed.
pub fn run(args: &Args) -> Result<(), Failure> {
    if let (Some(repository), Some(path)) = (&args.repository, &args.path) {
        return reconcile(repository, path, args.flux.as_deref());
    }
    let flux = args.flux.as_deref().map(flux_programs).transpose()?;
    if let Some(given) = std::env::var_os("KUBECONFIG").filter(|_| !args.build_only) {
        println!("running on the cluster that KUBECONFIG names: {}", Path::new(&given).display());
        return suites(&given, None, args.long, flux.as_deref());
    }
    let directory = programs::build()?;
    if args.build_only {
        println!("{}", directory.display());
        return Ok(());
    }
    let cluster = Cluster::start(&directory, Parts::All, &[])?;
    let result = suites(cluster.kubeconfig().as_os_str(), Some(&directory), args.long, flux.as_deref());
    // The server's own words are of use only when something went wrong.
    if result.is_err() {
        cluster.keep_log();
    }
    result
}

/// Runs every suite that can use a real API server.
fn suites(
    kubeconfig: &OsStr,
    programs: Option<&Path>,
    is_long: bool,
    flux: Option<&Path>,
) -> Result<(), Failure> {
    let mut steps = Steps::new();
    steps
        .command("the behavior of an API server", test("embedded-cluster", "behavior", kubeconfig, programs));
    match go::module_directory("k8s.io/api") {
        Ok(directory) => {
            let mut samples = workspace::cargo();
            samples.args(["test", "--package", "embedded-cluster", "--lib", "--target-dir"]);
            samples.arg(workspace::target()).args([
                "samples_of_kubernetes",
                "--",
                "--ignored",
                "--nocapture",
            ]);
            samples.env("KUBERNETES_SAMPLES", directory.join("testdata/HEAD"));
            steps.command("samples of Kubernetes in protobuf", samples);
        }
        Err(error) => println!("NOT RUN: samples of Kubernetes in protobuf: {error}"),
    }
    let walkthrough = workspace::root().join("reconciler/tests/walkthrough");
    if walkthrough.is_dir() || walkthrough.with_extension("rs").is_file() {
        steps.command("the walk-through", test("reconciler", "walkthrough", kubeconfig, programs));
        let second = test("reconciler", "automation", kubeconfig, programs);
        steps.command("the second half of the walk-through", second);
        steps.command("attacks by a tenant", test("reconciler", "attacks", kubeconfig, programs));
        let mut bootstrap = test("reconciler", "commands", kubeconfig, programs);
        bootstrap.arg("bootstrap::");
        steps.command("bootstrap", bootstrap);
        if programs.is_some() {
            let mut registry = test("reconciler", "sources", kubeconfig, programs);
            registry.args(["real_registry::", "--", "--include-ignored", "--test-threads=1"]);
            steps.command("artifacts and signatures in a registry", registry);
        }
        match server::MINIO.build() {
            Ok(program) => {
                let mut store = test("reconciler", "sources", kubeconfig, programs);
                store.args(["real_store::", "--", "--include-ignored", "--test-threads=1"]);
                store.env("MINIO", program);
                steps.command("buckets of a real store", store);
            }
            Err(error) => println!("NOT RUN: buckets of a real store, MinIO: {error}"),
        }
        deliveries(&mut steps, is_long);
        if is_long {
            let mut kill = test("reconciler", "kill", kubeconfig, programs);
            kill.args(["--", "--include-ignored", "--test-threads=1"]);
            steps.command("the reconciler, killed in the middle of its work", kill);
        }
        match flux {
            Some(flux) => {
                let mut handover = test("reconciler", "handover", kubeconfig, programs);
                handover.args(["--", "--include-ignored", "--test-threads=1", "--nocapture"]);
                handover.env("FLUX_PROGRAMS", flux);
                steps.command("from Flux to ours and back", handover);
            }
            None => println!("NOT RUN: from Flux to ours and back, which needs --flux DIRECTORY"),
        }
    }
    steps.run()
}

/// Adds the deliveries of messages that need a real server of NATS, or minutes.
fn deliveries(steps: &mut Steps, is_long: bool) {
    let delivery = |name: &str| {
        let mut command = workspace::cargo();
        command.args(["test", "--package", "reconciler", "--test", "delivery", "--target-dir"]);
        command.arg(workspace::target()).args([name, "--", "--include-ignored", "--nocapture"]);
        command
    };
    match server::NATS.build() {
        Ok(program) => {
            let mut command = delivery("nats::");
            command.env("NATS_SERVER", program);
            steps.command("messages for a real server of NATS", command);
        }
        Err(error) => println!("NOT RUN: messages for a real server of NATS: {error}"),
    }
    if is_long {
        steps.command("ten thousand events", delivery("burst::ten_thousand_events"));
    }
}

/// Reconciles a repository on both clusters.
fn reconcile(repository: &Path, path: &str, flux: Option<&Path>) -> Result<(), Failure> {
    let absolute = |option: &str, directory: &Path| {
        std::fs::canonicalize(directory).map_err(|error| format!("{option} {}: {error}", directory.display()))
    };
    let repository = absolute("--repository", repository)?;
    let flux = flux.map(|flux| absolute("--flux", flux)).transpose()?;
    let command = |kubeconfig: Option<&OsStr>| {
        let mut command = workspace::cargo();
        command.args(["test", "--package", "reconciler", "--test", "repository"]);
        command.arg("--target-dir").arg(workspace::target());
        command.args(["--", "--include-ignored", "--nocapture"]).env_remove("KUBECONFIG");
        command.env("REPOSITORY", &repository).env("REPOSITORY_PATH", path);
        command.envs(kubeconfig.map(|kubeconfig| ("KUBECONFIG", kubeconfig)));
        command.envs(flux.as_ref().map(|flux| ("FLUX_PROGRAMS", flux)));
        command
    };
    let mut steps = Steps::new();
    steps.command("the repository on the embedded cluster", command(None));
    if let Some(given) = std::env::var_os("KUBECONFIG") {
        steps.command("the repository on the cluster that KUBECONFIG names", command(Some(&given)));
        return steps.run();
    }
    let cluster = Cluster::start(&programs::build()?, Parts::All, &SERVER_FLAGS)?;
    steps.command("the repository on a real API server", command(Some(cluster.kubeconfig().as_os_str())));
    steps.run()
}

/// The directory with Flux's controllers.
fn flux_programs(directory: &Path) -> Result<PathBuf, Failure> {
    let directory = std::fs::canonicalize(directory)
        .map_err(|error| format!("--flux {}: {error}", directory.display()))?;
    for name in ["source-controller", "kustomize-controller"] {
        let program = directory.join(workspace::executable(name));
        if !program.is_file() {
            return Err(format!("--flux: there is no program {}", program.display()).into());
        }
    }
    Ok(directory)
}

/// The command that runs one suite on a cluster.
fn test(package: &str, suite: &str, kubeconfig: &OsStr, programs: Option<&Path>) -> Command {
    let mut command = workspace::cargo();
    command.args(["test", "--package", package, "--test", suite, "--target-dir"]).arg(workspace::target());
    command.env("KUBECONFIG", kubeconfig);
    if let Some(path) = programs.and_then(path_with) {
        command.env("PATH", path);
    }
    command
}

/// `PATH` with a directory before all others, for the git server and the registry.
fn path_with(directory: &Path) -> Option<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(directory.to_owned()).chain(std::env::split_paths(&path))).ok()
}
