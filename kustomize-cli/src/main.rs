//! `kustomize-rs`: the command line of `kustomize-core`.
//!
//! Nothing is decided here that the library could decide: this crate reads flags, calls the library,
//! writes what came out, and shows what went wrong.

mod args;
mod command;
mod failure;
mod output;
mod reporter;

use std::process::ExitCode;

use args::{Cli, Command};
use failure::Failure;
use reporter::Reporter;

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(refusal) => return usage(&refusal),
    };
    let reporter = Reporter::for_stderr();
    let done = match &cli.command {
        Command::Build(args) => command::build::run(args, &reporter),
        Command::Version(args) => command::version::run(args),
        Command::Completion(args) => command::completion::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::ClosedOutput) => ExitCode::FAILURE,
        Err(Failure::Reported(diagnostic)) => {
            reporter.report(&diagnostic);
            ExitCode::FAILURE
        }
    }
}

/// Shows help, or what was wrong with the arguments. Wrong arguments end with status 1, as in the reference.
fn usage(refusal: &clap::Error) -> ExitCode {
    let shown = refusal.print();
    if refusal.use_stderr() || shown.is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
