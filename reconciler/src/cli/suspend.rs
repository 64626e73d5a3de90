//! `suspend` and `resume`: stop looking after objects, and begin again.

use std::collections::BTreeSet;

use clap::Args;
use kube::api::ListParams;
use serde_json::{Value, json};

use super::cluster::{Cluster, block_on};
use super::kinds::Kind;
use super::reconcile::success_message;
use super::select::Selection;
use super::wait::{self, text};
use super::{Failure, Global, Result, term};

/// Options of `suspend`.
#[derive(Args)]
pub(crate) struct Suspend {
    #[command(subcommand)]
    selection: Selection,
    /// All objects of the kind in the namespace
    #[arg(long, global = true)]
    all: bool,
}

/// Options of `resume`.
#[derive(Args)]
pub(crate) struct Resume {
    #[command(subcommand)]
    selection: Selection,
    /// All objects of the kind in the namespace
    #[arg(long, global = true)]
    all: bool,
    /// Wait for the objects; for a single one that is done anyway
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    wait: Option<bool>,
}

impl Suspend {
    /// Suspends the objects.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let (kind, names) = self.selection.parts();
        block_on(async {
            let cluster = check(global, kind, names, self.all).await?;
            let mut missing = false;
            for name in selected(&cluster, kind, names).await? {
                if !names.is_empty() && !exists(&cluster, kind, &name).await? {
                    missing = true;
                    continue;
                }
                let namespace = &cluster.namespace;
                term::action(&format!("suspending {} {name} in {namespace} namespace", kind.human));
                cluster.merge(kind, namespace, &name, &json!({"spec": {"suspend": true}})).await?;
                term::success(&format!("{} suspended", kind.human));
            }
            if missing { Err(Failure::failed("not all objects were found")) } else { Ok(()) }
        })
    }
}

impl Resume {
    /// Resumes the objects.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let (kind, names) = self.selection.parts();
        let waits = self.wait.unwrap_or(names.len() == 1);
        block_on(async {
            let cluster = check(global, kind, names, self.all).await?;
            let namespace = &cluster.namespace;
            let mut resumed = Vec::new();
            let mut missing = false;
            for name in selected(&cluster, kind, names).await? {
                if !names.is_empty() && !exists(&cluster, kind, &name).await? {
                    missing = true;
                    continue;
                }
                term::action(&format!("resuming {} {name} in {namespace} namespace", kind.human));
                cluster.merge(kind, namespace, &name, &json!({"spec": {"suspend": null}})).await?;
                term::success(&format!("{} resumed", kind.human));
                resumed.push(name);
            }
            let mut failed = 0;
            for name in resumed.iter().filter(|_| waits) {
                term::waiting(&format!("waiting for {} reconciliation", kind.kind));
                match wait::until_ready(&cluster, kind, namespace, name, |_| true).await {
                    Ok(object) => {
                        term::success(&format!("{} {name} reconciliation completed", kind.kind));
                        term::success(&success_message(kind, &object));
                    }
                    Err(Failure::Failed(reason)) => {
                        term::failure(&format!("{} {name} reconciliation failed: {reason}", kind.kind));
                        failed += 1;
                    }
                    Err(other) => return Err(other),
                }
            }
            match failed {
                0 if missing => Err(Failure::failed("not all objects were found")),
                0 => Ok(()),
                _ => Err(Failure::failed(format!("reconciliation failed for {failed} {}(s)", kind.kind))),
            }
        })
    }
}

async fn check(global: &Global, kind: &Kind, names: &[String], all: bool) -> Result<Cluster> {
    if names.is_empty() && !all {
        return Err(Failure::usage(format!("{} name is required", kind.human)));
    }
    Cluster::connect(global).await
}

/// Says so if an object does not exist.
async fn exists(cluster: &Cluster, kind: &Kind, name: &str) -> Result<bool> {
    let found = cluster.find(&kind.resource(), &cluster.namespace, name).await?.is_some();
    if !found {
        term::failure(&format!("{} {name} not found in {} namespace", kind.kind, cluster.namespace));
    }
    Ok(found)
}

/// The names that were given, each once; all that there are if none was.
async fn selected(cluster: &Cluster, kind: &Kind, names: &[String]) -> Result<Vec<String>> {
    if !names.is_empty() {
        let mut seen = BTreeSet::new();
        return Ok(names.iter().filter(|name| seen.insert(name.as_str())).cloned().collect());
    }
    let found = cluster.list(&kind.resource(), &cluster.namespace, &ListParams::default()).await?;
    let found = found.unwrap_or_default();
    if found.is_empty() {
        return Err(Failure::failed(format!(
            "no {} objects found in {} namespace",
            kind.kind, cluster.namespace
        )));
    }
    Ok(found.iter().map(|object: &Value| text(&object["metadata"], "name").to_owned()).collect())
}
