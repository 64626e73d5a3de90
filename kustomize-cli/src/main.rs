//! `kustomize-rs`: the command line of `kustomize-core`.
//!
//! Nothing is decided here that the library could decide: this crate reads flags, calls the library,
//! writes what came out, and shows what went wrong.

mod args;
mod command;
mod comparison;
mod failure;
mod git;
mod output;
mod reporter;

use std::process::ExitCode;

use args::{Cli, Command};
use failure::Failure;
use reporter::Reporter;

/// With the allocator of musl, which downloads are linked with, large overlays take 1.3 times as long as with this one
/// (benches/README.md).
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(unix)]
    end_without_abort();
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(refusal) => return usage(&refusal),
    };
    let reporter = Reporter::for_stderr();
    let done = match &cli.command {
        Command::Build(args) => command::build::run(args, &reporter).map(|()| ExitCode::SUCCESS),
        Command::Watch(args) => command::watch::run(args, &reporter).map(|()| ExitCode::SUCCESS),
        Command::Test(args) => command::test::run(args, &reporter),
        Command::Diff(args) => command::diff::run(args),
        Command::Version(args) => command::version::run(args).map(|()| ExitCode::SUCCESS),
        Command::Completion(args) => command::completion::run(args).map(|()| ExitCode::SUCCESS),
    };
    match done {
        Ok(status) => status,
        Err(failure) => {
            if let Failure::Reported(diagnostic) = failure {
                reporter.report(&diagnostic);
            }
            match cli.command {
                Command::Test(_) | Command::Diff(_) => ExitCode::from(TROUBLE),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

/// Has the process end with a status where Rust would abort it. That is when memory runs out, which the
/// standard library has told by then.
#[cfg(unix)]
fn end_without_abort() {
    use signal_hook::consts::SIGABRT;
    use signal_hook::flag::register_conditional_shutdown;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    // If this fails, the process aborts as any other does.
    let _ = register_conditional_shutdown(SIGABRT, TROUBLE.into(), Arc::new(AtomicBool::new(true)));
}

/// How commands that compare end when they could not: 1 is for what differs.
const TROUBLE: u8 = 2;

/// Shows help, or what was wrong with the arguments. Wrong arguments end with status 1, as in
/// kustomize, except for commands that compare.
fn usage(refusal: &clap::Error) -> ExitCode {
    let shown = refusal.print();
    let compares = std::env::args_os().nth(1).is_some_and(|command| command == "test" || command == "diff");
    match refusal.use_stderr() || shown.is_err() {
        false => ExitCode::SUCCESS,
        true if compares => ExitCode::from(TROUBLE),
        true => ExitCode::FAILURE,
    }
}
