//! `kustomize-rs completion`.

use crate::args::{Cli, CompletionArgs};
use crate::failure::Failure;
use crate::output;

/// Prints a completion script.
pub(crate) fn run(args: &CompletionArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::definition(), "kustomize-rs", &mut script);
    output::to_stdout(&script)
}
