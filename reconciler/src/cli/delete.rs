//! `delete`: takes objects out of the cluster.

use std::io::{BufRead, IsTerminal};

use clap::Args;

use super::cluster::{Cluster, block_on};
use super::select::Selection;
use super::{Failure, Global, Result, term};

/// Options of `delete`.
#[derive(Args)]
pub(crate) struct Delete {
    #[command(subcommand)]
    selection: Selection,
    /// Do not ask before
    #[arg(long, short, global = true)]
    silent: bool,
}

impl Delete {
    /// Deletes the objects, after a question.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let (kind, names) = self.selection.parts();
        if names.is_empty() {
            return Err(Failure::usage(format!("{} name is required", kind.human)));
        }
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            let namespace = &cluster.namespace;
            for name in names {
                cluster.get(kind, namespace, name).await?;
                if !self.silent {
                    confirm(&format!("Are you sure you want to delete this {}", kind.human), "--silent")?;
                }
                term::action(&format!("deleting {} {name} in {namespace} namespace", kind.human));
                cluster.delete(&kind.resource(), namespace, name).await?;
                term::success(&format!("{} deleted", kind.human));
            }
            Ok(())
        })
    }
}

/// Asks a question that only `y` answers with yes. `flag` is the flag that answers it.
///
/// # Errors
/// The answer is no, or nobody is there to ask.
pub(crate) fn confirm(question: &str, flag: &str) -> Result {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::failed(format!("aborting: nobody is there to confirm it, add {flag}")));
    }
    term::note(&format!("{question}? [y/N] "));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().eq_ignore_ascii_case("y") {
        true => Ok(()),
        false => Err(Failure::failed("aborting")),
    }
}
