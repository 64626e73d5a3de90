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
use super::delete::confirm;
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
        self.flags.check()?;
        let objects = self.flags.objects(&global.namespace)?;
        if self.export {
            return term::print(&manifests::text(&objects)?);
        }
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            if let Some(found) = existing(&cluster).await? {
                found.check_replacement(&self.flags)?;
                if found.is_bootstrapped {
                    return Err(Failure::failed(format!(
                        "this cluster follows a repository that has {} in it, and would undo the installation: \
                         use `reconciler bootstrap` to upgrade",
                        found.version
                    )));
                }
            }
            let namespace = &cluster.namespace;
            term::generate("generating manifests");
            term::success("manifests build completed");
            term::action(&format!("installing components in {namespace} namespace"));
            apply(&cluster, &objects).await?;
            pull_secret(&cluster, &self.flags).await?;
            term::waiting("verifying installation");
            healthy(&cluster).await?;
            term::success(&format!("{NAME}: deployment ready"));
            term::success("install finished");
            Ok(())
        })
    }
}

/// What is installed already.
pub(crate) struct Existing {
    version: String,
    /// The tool that manages it; empty if that is Flux or this program.
    manager: String,
    /// A Kustomization applies it.
    is_bootstrapped: bool,
}

/// Looks for an installation, which has defined the kind GitRepository.
pub(crate) async fn existing(cluster: &Cluster) -> Result<Option<Existing>> {
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let name = "gitrepositories.source.toolkit.fluxcd.io";
    let Some(found) = cluster.find(&ApiResource::from_gvk(&kind), "", name).await? else { return Ok(None) };
    let label = |key: &str| object::text(&found, &["metadata", "labels", key]).to_owned();
    let mut manager = label("app.kubernetes.io/managed-by");
    if manager == "flux" {
        manager.clear();
    }
    Ok(Some(Existing {
        version: label("app.kubernetes.io/version"),
        manager,
        is_bootstrapped: !label("kustomize.toolkit.fluxcd.io/name").is_empty(),
    }))
}

impl Existing {
    /// Asks before an installation is replaced that another tool manages, such as Helm.
    pub(crate) fn check_replacement(&self, flags: &Flags) -> Result {
        if self.manager.is_empty() || flags.force {
            return Ok(());
        }
        let Existing { version, manager, .. } = self;
        term::warning(&format!("Flux {version} has been installed on this cluster with {manager}!"));
        confirm(&format!("Are you sure you want to override the {manager} installation"), "--force")
    }
}

/// Stores the credentials for pulling the image, if some are given.
pub(crate) async fn pull_secret(cluster: &Cluster, flags: &Flags) -> Result {
    let Some(secret) = flags.pull_secret(&cluster.namespace) else { return Ok(()) };
    term::action(&format!("generating image pull secret {}", object::name(&secret)));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Secret"));
    cluster.upsert(&resource, &secret).await.map(drop)
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
