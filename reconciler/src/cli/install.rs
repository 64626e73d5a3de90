//! `install`: the reconciler itself, and what it needs.

use clap::Args;
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use reconciler::apply::Objects;
use reconciler_core::kstatus::{self, Status};
use reconciler_core::object;
use reconciler_core::ssa::ObjectId;
use serde_json::Value;
use tokio::time::{Duration, Instant};

use super::cluster::{Cluster, block_on};
use super::manifests::{self, Flags, NAME};
use super::{Failure, Global, Result, term};

/// How often the cluster is asked again while something is waited for.
const PAUSE: Duration = Duration::from_millis(250);

/// Options of `install`.
#[derive(Args)]
pub(crate) struct Install {
    #[command(flatten)]
    flags: Flags,
    /// Print the objects as YAML instead of applying them
    #[arg(long)]
    export: bool,
}

impl Install {
    /// Applies the objects and waits, or prints them.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let objects = self.flags.objects(&global.namespace)?;
        if self.export {
            return term::print(&manifests::text(&objects)?);
        }
        warn_of_missing(&self.flags);
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            let namespace = &cluster.namespace;
            term::generate("generating manifests");
            term::success("manifests build completed");
            term::action(&format!("installing components in {namespace} namespace"));
            apply(&cluster, &objects).await?;
            term::waiting("verifying installation");
            healthy(&cluster).await?;
            term::success(&format!("{NAME}: deployment ready"));
            term::success("install finished");
            Ok(())
        })
    }
}

/// Says which controllers were asked for in vain.
pub(crate) fn warn_of_missing(flags: &Flags) {
    for name in flags.missing() {
        term::warning(&format!("{name} is not part of this reconciler, and left out"));
    }
}

/// Applies objects in their order. Definitions can be used as soon as the next object comes.
pub(crate) async fn apply(cluster: &Cluster, wanted: &[Value]) -> Result {
    let objects = Objects::new(cluster.client.clone());
    let end = Instant::now() + cluster.timeout;
    for wanted in wanted {
        let id = ObjectId::of(wanted);
        let failed =
            |error: &dyn std::fmt::Display| Failure::failed(format!("{} not applied: {error}", id.subject()));
        let api_version = object::api_version(wanted);
        let kind = loop {
            let found = objects.kinds().find(api_version, &id.kind).await.map_err(|error| failed(&error))?;
            match found {
                Some(kind) => break kind,
                None if Instant::now() < end => {
                    // Its definition may have been applied just now.
                    objects.kinds().forget();
                    tokio::time::sleep(PAUSE).await;
                }
                None => return Err(failed(&format!("the cluster does not know the kind {}", id.kind))),
            }
        };
        let applied = objects.apply(&kind, wanted, false).await.map_err(|error| failed(&error))?;
        if applied.is_created {
            term::success(&format!("{} created", id.subject()));
        }
    }
    Ok(())
}

/// Waits until the reconciler runs.
pub(crate) async fn healthy(cluster: &Cluster) -> Result {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"));
    let end = Instant::now() + cluster.timeout;
    loop {
        let deployment = cluster.find(&resource, &cluster.namespace, NAME).await?;
        let deployment =
            deployment.ok_or_else(|| Failure::failed(format!("{NAME}: deployment not found")))?;
        let outcome = kstatus::compute(&deployment, jiff::Timestamp::now())
            .map_err(|error| Failure::failed(error.to_string()))?;
        match outcome.status {
            Status::Current => return Ok(()),
            Status::Failed => return Err(Failure::failed(format!("{NAME}: {}", outcome.message))),
            _ if Instant::now() > end => {
                return Err(Failure::failed(format!("{NAME}: deployment not ready: {}", outcome.message)));
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}
