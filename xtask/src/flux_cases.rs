//! Recorded cases of Flux, run by the program `flux-cases`.

use std::process::Command;

use clap::Args as ClapArgs;

use crate::Failure;

/// What to run.
#[derive(ClapArgs)]
pub struct Args {
    /// The directory of the cases, with a directory for each area
    directory: String,
    /// The areas to run; all without one
    areas: Vec<String>,
    /// Print every case that failed, and why
    #[arg(long, short)]
    verbose: bool,
}

/// Builds and runs the program.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--package", "flux-cases", "--", &args.directory]);
    command.args(&args.areas);
    if args.verbose {
        command.arg("--verbose");
    }
    if command.status()?.success() { Ok(()) } else { Err("not every case passed".into()) }
}
