//! `debug`: what a controller has noted about an object, and what it works with.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::cluster::{Cluster, block_on};
use super::kinds::KUSTOMIZATION;
use super::manifest::to_yaml;
use super::select::Names;
use super::{Failure, Global, Result, term, variables};

const DOCUMENTATION: &str = "https://fluxcd.io/flux/components/kustomize/kustomizations/";

/// Options of `debug`.
#[derive(Args)]
pub(crate) struct Debug {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// A Kustomization
    #[command(visible_alias = "ks")]
    Kustomization(Kustomization),
}

#[derive(Args)]
struct Kustomization {
    #[command(flatten)]
    names: Names,
    /// Print the status
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    show_status: bool,
    /// Print the variables with their values, those from Secrets included
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    show_vars: bool,
    /// Print what was reconciled before
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    show_history: bool,
}

impl Debug {
    /// Prints what was asked for.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let What::Kustomization(what) = &self.what;
        let Some(name) = what.names.names.first() else {
            return Err(Failure::usage("kustomization name is required"));
        };
        let asked = [what.show_status, what.show_vars, what.show_history];
        if asked.iter().filter(|asked| **asked).count() != 1 {
            return Err(Failure::usage(
                "exactly one of --show-status, --show-vars, or --show-history must be set",
            ));
        }
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            let object = cluster.get(&KUSTOMIZATION, &cluster.namespace, name).await?;
            if what.show_status {
                let status = object.get("status").cloned().unwrap_or_else(|| json!({}));
                return term::print(&format!(
                    "# Status documentation: {DOCUMENTATION}#kustomization-status\n{}",
                    to_yaml(&status)?
                ));
            }
            if what.show_history {
                let history = object.pointer("/status/history").cloned();
                let history = history.unwrap_or_else(|| Value::Array(Vec::new()));
                return term::print(&format!(
                    "# History documentation: {DOCUMENTATION}#history\n{}",
                    to_yaml(&history)?
                ));
            }
            if object.pointer("/spec/postBuild").is_none() {
                return Err(Failure::failed("no post build substitutions found"));
            }
            let mut text = String::new();
            for (name, value) in variables::all(Some(&cluster), &object).await? {
                text.push_str(&format!("{name}={value}\n"));
            }
            term::print(&text)
        })
    }
}
