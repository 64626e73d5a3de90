//! `completion`: a script that completes commands and flags in a shell.

use clap::{Args, Command};
use clap_complete::Shell;

use super::{Result, term};

/// Options of `completion`.
#[derive(Args)]
pub(crate) struct Completion {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    /// Prints the script.
    pub(crate) fn run(&self, mut definition: Command) -> Result {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut definition, "reconciler", &mut script);
        term::print(&String::from_utf8_lossy(&script))
    }
}
