//! `install` and `uninstall`: the reconciler itself, and what it needs.

use clap::Args;
use kube::api::{ApiResource, ListParams};
use kube::core::GroupVersionKind;
use reconciler::apply::Objects;
use reconciler_core::kstatus::{self, Status};
use reconciler_core::object;
use reconciler_core::ssa::ObjectId;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use super::cluster::{Cluster, block_on};
use super::delete::confirm;
use super::kinds;
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

/// Options of `uninstall`.
#[derive(Args)]
pub(crate) struct Uninstall {
    /// Leave the namespace
    #[arg(long)]
    keep_namespace: bool,
    /// Only say what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before
    #[arg(long, short)]
    silent: bool,
}

impl Uninstall {
    /// Deletes the reconciler and its kinds. What was applied from sources stays.
    pub(crate) fn run(&self, global: &Global) -> Result {
        if !self.dry_run && !self.silent {
            confirm(
                "Are you sure you want to delete the reconciler and its custom resource definitions",
                "--silent",
            )?;
        }
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            let namespace = cluster.namespace.clone();
            term::action(&format!("deleting components in {namespace} namespace"));
            let part = ListParams::default().labels("app.kubernetes.io/part-of=flux");
            let mine = ListParams::default()
                .labels(&format!("app.kubernetes.io/part-of=flux,app.kubernetes.io/instance={namespace}"));
            self.delete_all(&cluster, ("apps", "v1", "Deployment"), &namespace, &part).await?;
            self.delete_all(&cluster, ("networking.k8s.io", "v1", "NetworkPolicy"), &namespace, &part)
                .await?;
            self.delete_all(&cluster, ("", "v1", "ServiceAccount"), &namespace, &part).await?;
            let rbac = "rbac.authorization.k8s.io";
            self.delete_all(&cluster, (rbac, "v1", "ClusterRole"), "", &mine).await?;
            self.delete_all(&cluster, (rbac, "v1", "ClusterRoleBinding"), "", &mine).await?;
            term::action("deleting toolkit.fluxcd.io finalizers in all namespaces");
            self.release(&cluster).await?;
            term::action("deleting toolkit.fluxcd.io custom resource definitions");
            let definitions = ("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
            self.delete_all(&cluster, definitions, "", &part).await?;
            if !self.keep_namespace {
                let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Namespace"));
                if self.dry_run || cluster.delete(&resource, "", &namespace).await? {
                    self.deleted("Namespace", &namespace);
                }
            }
            term::success("uninstall finished");
            Ok(())
        })
    }

    fn deleted(&self, kind: &str, name: &str) {
        let dry = if self.dry_run { " (dry run)" } else { "" };
        term::success(&format!("{kind}/{name} deleted{dry}"));
    }

    async fn delete_all(
        &self,
        cluster: &Cluster,
        (group, version, kind): (&str, &str, &str),
        namespace: &str,
        params: &ListParams,
    ) -> Result {
        let plural = if kind == "NetworkPolicy" {
            "networkpolicies".to_owned()
        } else {
            format!("{}s", kind.to_lowercase())
        };
        let resource =
            ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), &plural);
        for found in cluster.list(&resource, namespace, params).await?.unwrap_or_default() {
            let name = object::name(&found);
            if self.dry_run || cluster.delete(&resource, object::namespace(&found), name).await? {
                self.deleted(kind, name);
            }
        }
        Ok(())
    }

    /// Takes the finalizers away, without which deleting an object would delete what it has applied.
    async fn release(&self, cluster: &Cluster) -> Result {
        for kind in kinds::ALL {
            let found = cluster.list(&kind.resource(), "", &ListParams::default()).await?;
            for found in found.unwrap_or_default() {
                let [namespace, name] = [object::namespace(&found), object::name(&found)];
                let has_some = found.pointer("/metadata/finalizers").is_some();
                if has_some && !self.dry_run {
                    let patch = json!({"metadata": {"finalizers": null}});
                    cluster.merge(kind, namespace, name, &patch).await?;
                }
                if has_some {
                    let dry = if self.dry_run { " (dry run)" } else { "" };
                    term::success(&format!("{}/{namespace}/{name} finalizers deleted{dry}", kind.kind));
                }
            }
        }
        Ok(())
    }
}
