//! The command line, with the words and flags of `flux`. Each command has a file of its own.

mod artifact;
mod bootstrap;
mod build;
mod check;
mod cluster;
mod comparison;
mod completion;
mod connection;
mod create;
mod debug;
mod debug_release;
mod delete;
mod diff;
mod envsubst;
mod events;
mod export;
mod failure;
mod get;
mod install;
mod kinds;
mod logs;
mod manifest;
mod manifests;
mod migrate;
mod policies;
mod reconcile;
mod render;
mod resource_type;
mod run;
mod select;
mod ssh_key;
mod stats;
mod suspend;
mod switches;
mod table;
mod term;
mod test;
mod trace;
mod transfer;
mod tree;
mod trigger;
mod uninstall;
mod usage;
mod variables;
mod version;
mod wait;
mod worktree;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use reconciler_api::Duration;

use failure::{Failure, Result};

/// Keeps clusters in line with their sources.
#[derive(Parser)]
#[command(name = "reconciler", version = concat!("version ", env!("CARGO_PKG_VERSION")), about, propagate_version = false, args_override_self = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// Namespace of the objects
    #[arg(long, short = 'n', global = true, env = "FLUX_SYSTEM_NAMESPACE", default_value = "flux-system")]
    pub(crate) namespace: String,
    /// File with the cluster's address and credentials
    #[arg(long, global = true)]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig to use
    #[arg(long, global = true)]
    pub(crate) context: Option<String>,
    /// How long to wait
    #[arg(long, global = true, default_value = "5m0s")]
    pub(crate) timeout: Duration,
    /// Print what is generated
    #[arg(long, global = true)]
    pub(crate) verbose: bool,
    /// The flags of every command but those that have others of the same name.
    #[arg(skip)]
    pub(crate) connection: connection::Connection,
}

#[derive(Subcommand)]
enum Command {
    /// Install the reconciler, and let it follow a repository
    Bootstrap(bootstrap::Bootstrap),
    /// Show what would be applied
    Build(build::Build),
    /// Check the cluster, and the controllers and kinds in it
    Check(check::Check),
    /// Print a script that completes commands in a shell
    Completion(completion::Completion),
    /// Create or update sources and other objects
    Create(Box<create::Create>),
    /// Run the controllers
    Run(Box<run::Run>),
    /// Show the values that an object is reconciled with
    Debug(debug::Debug),
    /// Show what applying would change
    Diff(diff::Diff),
    /// Replace variables of the environment in a text
    Envsubst(envsubst::Envsubst),
    /// Show the events of objects
    Events(events::Events),
    /// Delete objects
    Delete(delete::Delete),
    /// Print objects as they would be written by hand
    Export(export::Export),
    /// Show objects and their state
    Get(get::Get),
    /// Install the reconciler
    Install(install::Install),
    /// List the artifacts in a registry
    List(transfer::List),
    /// Show the logs of controllers in the cluster
    Logs(logs::Logs),
    /// Bring objects or manifests to the latest version of their kinds
    Migrate(migrate::Migrate),
    /// Fetch an artifact from a registry
    Pull(transfer::Pull),
    /// Push an artifact to a registry
    Push(transfer::Push),
    /// Reconcile an object now, and wait for the result
    Reconcile(reconcile::Reconcile),
    /// Reconcile objects again that were suspended
    Resume(suspend::Resume),
    /// Suspend the reconciliation of objects
    Suspend(suspend::Suspend),
    /// Count objects by kind and state
    Stats(stats::Stats),
    /// Add tags to an artifact in a registry
    Tag(transfer::Tag),
    /// Check what would be applied against policies, without a cluster
    Test(test::Test),
    /// Show where an object comes from
    Trace(trace::Trace),
    /// Show what an object has applied
    Tree(tree::Tree),
    /// Send a request to a webhook, without a cluster
    Trigger(trigger::Trigger),
    /// Delete the reconciler and its kinds
    Uninstall(uninstall::Uninstall),
    /// Print the version
    Version(version::Version),
}

/// Runs the command that the arguments ask for.
pub(crate) fn main() -> ExitCode {
    #[cfg(feature = "rego")]
    if std::env::args_os().nth(1).is_some_and(|first| first == reconciler::policy::ARGUMENT) {
        // A process that this program has started, with limits.
        return if reconciler::policy::serve().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let mut definition = definition();
    definition.build();
    let arguments = switches::plain(&definition, std::env::args_os());
    let matches = match definition.clone().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return usage::report(&error),
    };
    match parsed(&matches).and_then(|cli| run(&cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => usage::refuse(&message, &mut definition, &matches),
        Err(Failure::Failed(message)) => {
            term::failure(&message);
            ExitCode::FAILURE
        }
        Err(Failure::Trouble(message)) => {
            term::failure(&message);
            ExitCode::from(2)
        }
        // Nobody reads what is printed any more: `| head` has seen enough.
        Err(Failure::Closed) => ExitCode::SUCCESS,
    }
}

/// All commands with all their flags.
fn definition() -> clap::Command {
    connection::add(Cli::command())
}

/// What the arguments ask for.
fn parsed(matches: &clap::ArgMatches) -> Result<Cli> {
    let mut cli = Cli::from_arg_matches(matches).map_err(|error| Failure::Usage(error.to_string()))?;
    cli.global.connection = connection::Connection::of(matches)?;
    if let Some(namespace) = cluster::context_namespace(&cli.global) {
        cli.global.namespace = namespace;
    }
    Ok(cli)
}

fn run(cli: &Cli) -> Result {
    match &cli.command {
        Command::Create(create) => create.run(&cli.global),
        Command::Run(run) => run.run(&cli.global),
        Command::Delete(delete) => delete.run(&cli.global),
        Command::Export(export) => export.run(&cli.global),
        Command::Get(get) => get.run(&cli.global),
        Command::Reconcile(reconcile) => reconcile.run(&cli.global),
        Command::Resume(resume) => resume.run(&cli.global),
        Command::Suspend(suspend) => suspend.run(&cli.global),
        Command::Bootstrap(bootstrap) => bootstrap.run(&cli.global),
        Command::Install(install) => install.run(&cli.global),
        Command::Uninstall(uninstall) => uninstall.run(&cli.global),
        Command::Build(build) => build.run(&cli.global),
        Command::Check(check) => check.run(&cli.global),
        Command::Completion(completion) => completion.run(definition()),
        Command::Debug(debug) => debug.run(&cli.global),
        Command::Diff(diff) => diff.run(&cli.global),
        Command::Envsubst(envsubst) => envsubst.run(&cli.global),
        Command::Events(events) => events.run(&cli.global),
        Command::List(list) => list.run(&cli.global),
        Command::Migrate(migrate) => migrate.run(&cli.global),
        Command::Pull(pull) => pull.run(&cli.global),
        Command::Push(push) => push.run(&cli.global),
        Command::Tag(tag) => tag.run(&cli.global),
        Command::Logs(logs) => logs.run(&cli.global),
        Command::Stats(stats) => stats.run(&cli.global),
        Command::Test(test) => test.run(),
        Command::Trace(trace) => trace.run(&cli.global),
        Command::Trigger(trigger) => trigger.run(&cli.global),
        Command::Tree(tree) => tree.run(&cli.global),
        Command::Version(version) => version.run(&cli.global),
    }
}
