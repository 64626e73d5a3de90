//! Recorded cases of Flux, run by the program `flux-cases`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::{Failure, workspace};

/// Where the cases are unless told otherwise, from the root of the repository.
pub const CASES: &str = "../shared/flux-cases";

/// The tables that pass as a whole and have to keep doing so, from the root of the repository.
const COMPLETE: &str = ".ci/flux-cases-complete";

/// What to run.
#[derive(ClapArgs, Default)]
pub struct Args {
    /// The directory of the cases, with a directory for each area [default: ../shared/flux-cases]
    directory: Option<PathBuf>,
    /// The areas to run; all without one
    areas: Vec<String>,
    /// Print every case that failed, and why
    #[arg(long, short)]
    verbose: bool,
}

/// Builds and runs the program.
///
/// # Errors
/// A case failed; without a directory and areas, only a case of a table that is listed as complete.
pub fn run(args: &Args) -> Result<(), Failure> {
    // The area cli runs the program that stands beside the one that is run here.
    let mut program = workspace::cargo();
    program.args(["build", "--quiet", "--package", "reconciler", "--bin", "reconciler", "--target-dir"]);
    if !program.arg(workspace::target()).status()?.success() {
        return Err("the reconciler does not compile".into());
    }
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "--package", "flux-cases", "--target-dir"]).arg(workspace::target());
    command.arg("--").arg(args.directory.clone().unwrap_or_else(|| workspace::root().join(CASES)));
    command.args(&args.areas);
    if args.verbose {
        command.arg("--verbose");
    }
    if args.directory.is_none() && args.areas.is_empty() {
        command.arg(format!("--complete={}", workspace::root().join(COMPLETE).display()));
    }
    if command.status()?.success() { Ok(()) } else { Err("not every case passed that has to".into()) }
}
