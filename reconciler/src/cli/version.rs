//! `version`.

use clap::Args;

use super::{Result, term};

/// Options of `version`.
#[derive(Args)]
pub(crate) struct Version {
    /// Print only the version of this program
    #[arg(long)]
    client: bool,
}

impl Version {
    /// Prints the version of this program.
    pub(crate) fn run(&self) -> Result {
        term::print(&format!("reconciler: v{}\n", env!("CARGO_PKG_VERSION")))
    }
}
