//! `debug`: what a controller has noted about an object, and what it works with.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::cluster::{Cluster, block_on};
use super::kinds::{HELM_RELEASE, KUSTOMIZATION};
use super::manifest::to_yaml;
use super::select::Names;
use super::{Failure, Global, Result, debug_release, term, variables};

/// The page about Kustomizations.
const DOCUMENTATION: &str = "kustomize/kustomizations/";

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
    /// A HelmRelease
    #[command(visible_alias = "hr")]
    Helmrelease(Release),
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

#[derive(Args)]
struct Release {
    #[command(flatten)]
    names: Names,
    /// Print the status
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    show_status: bool,
    /// Print the values, those from Secrets included
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    show_values: bool,
    /// Print what was installed before
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    show_history: bool,
}

/// A part of a status below the line that says where it is explained.
fn documented(title: &str, address: &str, value: &Value) -> Result {
    term::print(&format!(
        "# {title} documentation: https://fluxcd.io/flux/components/{address}\n{}",
        to_yaml(value)?
    ))
}

impl Release {
    fn run(&self, global: &Global) -> Result {
        let Some(name) = self.names.names.first() else {
            return Err(Failure::usage("helmrelease name is required"));
        };
        let asked = [self.show_status, self.show_values, self.show_history];
        if asked.iter().filter(|asked| **asked).count() != 1 {
            return Err(Failure::usage(
                "exactly one of --show-status, --show-values, or --show-history must be set",
            ));
        }
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            let object = cluster.get(&HELM_RELEASE, &cluster.namespace, name).await?;
            let page = "helm/helmreleases/";
            if self.show_values {
                return term::print(&to_yaml(&debug_release::values(&cluster, &object).await?)?);
            }
            if self.show_status {
                let status = object.get("status").cloned().unwrap_or_else(|| json!({}));
                return documented("Status", &format!("{page}#helmrelease-status"), &status);
            }
            let history = object.pointer("/status/history").cloned();
            let history = history.unwrap_or_else(|| Value::Array(Vec::new()));
            documented("History", &format!("{page}#history"), &history)
        })
    }
}

impl Debug {
    /// Prints what was asked for.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let what = match &self.what {
            What::Kustomization(what) => what,
            What::Helmrelease(what) => return what.run(global),
        };
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
                return documented("Status", &format!("{DOCUMENTATION}#kustomization-status"), &status);
            }
            if what.show_history {
                let history = object.pointer("/status/history").cloned();
                let history = history.unwrap_or_else(|| Value::Array(Vec::new()));
                return documented("History", &format!("{DOCUMENTATION}#history"), &history);
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
