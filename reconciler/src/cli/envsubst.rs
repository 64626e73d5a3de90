//! `envsubst`: variables of the environment in a text, replaced as in Kustomizations.

use std::collections::BTreeMap;
use std::io::Read;

use clap::Args;
use reconciler_core::substitute::{Mode, expand};

use super::{Failure, Global, Result, term};

/// Options of `envsubst`.
#[derive(Args)]
pub(crate) struct Envsubst {
    /// Refuse variables that have neither a value nor a default
    #[arg(long)]
    strict: bool,
}

impl Envsubst {
    /// Replaces the variables in what standard input gives.
    pub(crate) fn run(&self, _: &Global) -> Result {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text)?;
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let mode = if self.strict { Mode::Strict } else { Mode::Lenient };
        let expanded = expand(&text, mode, &|name| variables.get(name).map(String::as_str))
            .map_err(|error| Failure::failed(format!("variable substitution failed: {error}")))?;
        term::print(&expanded)
    }
}
