//! `cargo xtask bench reconciler`: what a load of Kustomizations takes, ours and Flux in turn.

mod contender;
mod report;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::machine;
use crate::e2e::{self, Cluster, Parts};
use crate::{Failure, build, process};
use contender::{Contender, Server};

/// Options of `cargo xtask bench reconciler`.
#[derive(clap::Args)]
pub struct Args {
    /// How many Kustomizations of four objects there are
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', default_value = "100,300")]
    sizes: Vec<usize>,
    /// Directory with Flux's source-controller and kustomize-controller, to compare with
    #[arg(long, value_name = "DIRECTORY")]
    flux: Option<PathBuf>,
    /// Use the cluster inside the reconciler's process; requests are not counted there
    #[arg(long, conflicts_with = "flux")]
    embedded: bool,
    /// Use this reconciler instead of building it
    #[arg(long, value_name = "PROGRAM")]
    ours: Option<PathBuf>,
    /// Keep repositories and logs in this directory
    #[arg(long, value_name = "DIRECTORY")]
    keep: Option<PathBuf>,
}

/// What was measured at one size: a line of JSON for each phase.
struct Row {
    count: usize,
    flux: Option<Vec<Value>>,
    ours: Vec<Value>,
}

/// Measures, and prints a table.
///
/// # Errors
/// There is no API server, a program fails, or a Kustomization does not become ready.
pub fn run(args: &Args) -> Result<(), Failure> {
    if !cfg!(target_os = "linux") {
        return Err("time and memory of processes are read from /proc: this needs Linux".into());
    }
    let ours = match &args.ours {
        Some(program) => std::fs::canonicalize(program)?,
        None => build::reconciler(build::Profile::Release)?,
    };
    let load = build::load()?;
    let programs = e2e::build_programs()?;
    let flux = args.flux.as_ref().map(std::fs::canonicalize).transpose()?;
    println!("{}\n", machine::describe_reconcilers(&ours)?);
    let mut rows = Vec::new();
    for count in &args.sizes {
        let measure = |contender: &Contender| {
            eprintln!("{count} Kustomizations, {}", contender.name());
            measure(contender, &load, &programs, *count, args)
        };
        let flux = flux.clone().map(|directory| measure(&Contender::Flux(directory))).transpose()?;
        let ours = measure(&Contender::Ours { program: ours.clone(), is_embedded: args.embedded })?;
        rows.push(Row { count: *count, flux, ours });
    }
    report::print(&rows);
    Ok(())
}

/// Runs the load on one contender, with a cluster of its own.
fn measure(
    contender: &Contender,
    load: &Path,
    programs: &Path,
    count: usize,
    args: &Args,
) -> Result<Vec<Value>, Failure> {
    let directory = tempfile::Builder::new().prefix("bench-").tempdir()?;
    let root = match &args.keep {
        Some(kept) => kept.join(format!("{}-{count}", contender.name())),
        None => directory.path().to_owned(),
    };
    std::fs::create_dir_all(&root)?;
    let repositories = tempfile::Builder::new().prefix("repositories-").tempdir_in(&root)?;
    let cluster = match contender.is_embedded() {
        true => None,
        false => Some(Cluster::start(programs, Parts::ApiServer, &[])?),
    };
    let git = Server::start(programs, repositories.path())?;
    let kubeconfig = cluster.as_ref().map(Cluster::kubeconfig);
    if let Some(kubeconfig) = kubeconfig {
        let mut command = Command::new(load);
        let ended =
            process::run(command.arg("--kubeconfig").arg(kubeconfig).arg("define"), contender::LIMIT)?;
        if ended.status != process::Status::Done {
            return Err(ended.stderr.trim().into());
        }
    }
    let running = contender.start(&root, kubeconfig)?;
    let pids: Vec<String> = running.pids().iter().map(u32::to_string).collect();
    let mut command = Command::new(load);
    command
        .arg("--kubeconfig")
        .arg(running.kubeconfig())
        .arg("measure")
        .arg("--repositories")
        .arg(repositories.path())
        .args(["--url", &format!("http://{}/apps.git", git.address())])
        .args(["--count", &count.to_string(), "--pids", &pids.join(",")]);
    for log in running.logs() {
        command.arg("--logs").arg(log);
    }
    if matches!(contender, Contender::Flux(_)) {
        // Flux corrects drift at the next interval, and has no interval without requests to show.
        command.args(["--phases", "create,asked,changed"]);
    }
    let ended = process::run(&mut command, contender::LIMIT)?;
    if ended.status != process::Status::Done {
        return Err(format!("{}\n{}", ended.stderr.trim(), running.last_words()).into());
    }
    let lines: Result<Vec<Value>, _> =
        String::from_utf8_lossy(&ended.stdout).lines().map(serde_json::from_str).collect();
    let lines = lines?;
    if args.keep.is_some() {
        std::fs::write(root.join("measured.jsonl"), &ended.stdout)?;
        println!("kept in {}", root.display());
    }
    Ok(lines)
}
