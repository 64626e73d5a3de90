//! A load on a GitOps controller, and what the controller takes for it.
//!
//! It pushes a repository of small applications, makes a GitRepository and one Kustomization for each
//! application on a real API server, and measures the controllers that run there: ours or Flux's. It
//! prints one line of JSON for each phase. `cargo xtask bench reconciler` starts everything else.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the lines are what this program is for")]

mod load;
mod meter;
mod repository;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use load::Load;
use meter::Meter;
use repository::Repository;

/// What anything here ends with.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A load on GitOps controllers.
#[derive(Parser)]
struct Options {
    /// Kubeconfig of the API server
    #[arg(long)]
    kubeconfig: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make the definitions, which Flux does not start without
    Define,
    /// Measure controllers that run already
    Measure(Measure),
}

#[derive(Args)]
struct Measure {
    /// Directory in which the bare repository `apps.git` is made
    #[arg(long)]
    repositories: PathBuf,
    /// Address of that repository for the controllers
    #[arg(long)]
    url: String,
    /// How many Kustomizations there are
    #[arg(long)]
    count: usize,
    /// Processes of the controllers
    #[arg(long, value_delimiter = ',', required = true)]
    pids: Vec<u32>,
    /// Logs of the controllers
    #[arg(long)]
    logs: Vec<PathBuf>,
    /// What to measure
    #[arg(long, value_delimiter = ',', default_value = "create,asked,changed,drift,interval")]
    phases: Vec<Phase>,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Phase {
    /// All Kustomizations are made.
    Create,
    /// All are asked to reconcile, and nothing has changed.
    Asked,
    /// One application changes in the repository.
    Changed,
    /// Someone else changes objects.
    Drift,
    /// The interval passes a few times.
    Interval,
}

fn main() -> ExitCode {
    let run = tokio::runtime::Runtime::new().map_err(Into::into).and_then(|runtime| runtime.block_on(run()));
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Outcome {
    let options = Options::parse();
    let file = Kubeconfig::read_from(&options.kubeconfig)?;
    let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
    let client = Client::try_from(config)?;
    let options = match options.what {
        What::Define => return load::define(&client).await,
        What::Measure(options) => options,
    };
    let repository = Repository::new(&options.repositories, options.count)?;
    let meter = Meter { client: client.clone(), pids: options.pids, logs: options.logs };
    let load = Load { client, repository, meter, count: options.count };
    load.set_up(&options.url).await?;
    for phase in options.phases {
        let measured = match phase {
            Phase::Create => load.create().await?,
            Phase::Asked => load.ask().await?,
            Phase::Changed => load.change_one().await?,
            Phase::Drift => load.drift().await?,
            Phase::Interval => load.interval().await?,
        };
        println!("{measured}");
    }
    Ok(())
}
