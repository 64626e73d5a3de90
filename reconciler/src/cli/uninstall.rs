//! `uninstall`: takes the reconciler and its kinds out of a cluster, and leaves what was applied from sources.
//!
//! The order matters. A Kustomization that is still reconciled would apply again what is deleted, the reconciler itself
//! included; and one that is deleted while it is reconciled would take along what it has applied. So all of them are
//! suspended first, and the controllers end before anything else goes.

use std::time::Duration;

use clap::Args;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use reconciler_core::object;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::cluster::{Cluster, block_on};
use super::delete::confirm;
use super::kinds::{self, Kind};
use super::{Failure, Global, Result, term};

/// What all parts of an installation are labelled with.
const PART_OF_FLUX: &str = "app.kubernetes.io/part-of=flux";
/// The end of the names of groups whose definitions are deleted.
const GROUPS: &str = ".toolkit.fluxcd.io";
/// The pause between two looks at what is being deleted.
const PAUSE: Duration = Duration::from_millis(250);
/// How long pods may take to end: a little longer than the manifests grant them.
const ENDING: Duration = Duration::from_secs(75);

/// Options of `uninstall`.
#[derive(Args)]
pub(crate) struct Uninstall {
    /// Keep the namespace
    #[arg(long)]
    keep_namespace: bool,
    /// Only print what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
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
            term::action("suspending Kustomizations and HelmReleases in all namespaces");
            self.suspend(&cluster).await?;
            term::action(&format!("deleting components in {namespace} namespace"));
            self.components(&cluster, &namespace).await?;
            term::action("deleting toolkit.fluxcd.io finalizers in all namespaces");
            self.release(&cluster).await?;
            term::action("deleting toolkit.fluxcd.io custom resource definitions");
            self.definitions(&cluster).await?;
            if !self.keep_namespace {
                // This also deletes what was applied again before everything was suspended.
                let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Namespace"));
                if self.dry_run || cluster.delete(&resource, "", &namespace).await? {
                    self.deleted("Namespace", "", &namespace);
                }
            }
            term::success("uninstall finished");
            Ok(())
        })
    }

    fn deleted(&self, kind: &str, namespace: &str, name: &str) {
        self.done(kind, namespace, name, "deleted");
    }

    fn done(&self, kind: &str, namespace: &str, name: &str, what: &str) {
        let dry = if self.dry_run { " (dry run)" } else { "" };
        let slash = if namespace.is_empty() { "" } else { "/" };
        term::success(&format!("{kind}/{namespace}{slash}{name} {what}{dry}"));
    }

    /// Suspends what applies objects, so that nothing is applied again, and nothing is deleted with its owner.
    async fn suspend(&self, cluster: &Cluster) -> Result {
        for kind in [&kinds::KUSTOMIZATION, &kinds::HELM_RELEASE] {
            let found = cluster.list(&kind.resource(), "", &ListParams::default()).await?;
            for found in found.unwrap_or_default() {
                if found.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
                    continue;
                }
                let [namespace, name] = [object::namespace(&found), object::name(&found)];
                if self.dry_run || patch(cluster, kind, &found, &json!({"spec": {"suspend": true}})).await? {
                    self.done(kind.kind, namespace, name, "suspended");
                }
            }
        }
        Ok(())
    }

    /// Deletes the controllers and what they use, and waits until they have ended.
    async fn components(&self, cluster: &Cluster, namespace: &str) -> Result {
        let mine = format!("{PART_OF_FLUX},app.kubernetes.io/instance={namespace}");
        let rbac = "rbac.authorization.k8s.io";
        let parts = [
            ("apps", "Deployment", "deployments", namespace, PART_OF_FLUX),
            ("", "Service", "services", namespace, PART_OF_FLUX),
            ("networking.k8s.io", "NetworkPolicy", "networkpolicies", namespace, PART_OF_FLUX),
            ("", "ServiceAccount", "serviceaccounts", namespace, PART_OF_FLUX),
            (rbac, "ClusterRole", "clusterroles", "", &mine),
            (rbac, "ClusterRoleBinding", "clusterrolebindings", "", &mine),
        ];
        for (group, kind, plural, namespace, labels) in parts {
            let kind = GroupVersionKind::gvk(group, "v1", kind);
            let resource = ApiResource::from_gvk_with_plural(&kind, plural);
            let found = cluster.list(&resource, namespace, &ListParams::default().labels(labels)).await?;
            for found in found.unwrap_or_default() {
                let [namespace, name] = [object::namespace(&found), object::name(&found)];
                if self.dry_run || cluster.delete(&resource, namespace, name).await? {
                    self.deleted(&kind.kind, namespace, name);
                }
                if resource.kind == "Deployment" && !self.dry_run {
                    end_of_pods(cluster, &found).await?;
                }
            }
        }
        Ok(())
    }

    /// Takes the finalizers away, which controllers that have ended cannot do any more.
    async fn release(&self, cluster: &Cluster) -> Result {
        for kind in kinds::ALL {
            let found = cluster.list(&kind.resource(), "", &ListParams::default()).await?;
            for found in found.unwrap_or_default() {
                if found.pointer("/metadata/finalizers").is_none() {
                    continue;
                }
                let without = json!({"metadata": {"finalizers": null}});
                if self.dry_run || patch(cluster, kind, &found, &without).await? {
                    let [namespace, name] = [object::namespace(&found), object::name(&found)];
                    self.done(kind.kind, namespace, name, "finalizers deleted");
                }
            }
        }
        Ok(())
    }

    /// Deletes the definitions, and with them all objects of the kinds, until none is left.
    async fn definitions(&self, cluster: &Cluster) -> Result {
        let kind = "CustomResourceDefinition";
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apiextensions.k8s.io", "v1", kind));
        let end = Instant::now() + cluster.timeout;
        let ours: Vec<String> =
            reconciler_api::crds().into_iter().filter_map(|crd| crd.metadata.name).collect();
        let mut told: Vec<String> = Vec::new();
        loop {
            let mut left = cluster.list(&resource, "", &ListParams::default()).await?.unwrap_or_default();
            left.retain(|found| {
                let is_part =
                    object::text(found, &["metadata", "labels", "app.kubernetes.io/part-of"]) == "flux";
                let group = object::text(found, &["spec", "group"]);
                // `run` defines the kinds without labels.
                (is_part && group.ends_with(GROUPS)) || ours.iter().any(|name| name == object::name(found))
            });
            for found in &left {
                let name = object::name(found);
                let is_deleted = self.dry_run || cluster.delete(&resource, "", name).await?;
                if is_deleted && !told.iter().any(|known| known == name) {
                    self.deleted(kind, "", name);
                    told.push(name.to_owned());
                }
            }
            if self.dry_run || left.is_empty() {
                return Ok(());
            }
            if Instant::now() > end {
                let names: Vec<&str> = left.iter().map(object::name).collect();
                return Err(Failure::failed(format!(
                    "still there after {:?}: {}; something holds or makes them again, such as a controller that runs \
                     elsewhere. End it, and uninstall again",
                    cluster.timeout,
                    names.join(", ")
                )));
            }
            tokio::time::sleep(PAUSE).await;
            // A controller that runs elsewhere may have added a finalizer since.
            self.release(cluster).await?;
        }
    }
}

/// Changes an object. Says whether it was still there.
async fn patch(cluster: &Cluster, kind: &Kind, found: &Value, change: &Value) -> Result<bool> {
    let [namespace, name] = [object::namespace(found), object::name(found)];
    match cluster.merge(kind, namespace, name, change).await {
        Ok(_) => Ok(true),
        Err(failure) => match cluster.find(&kind.resource(), namespace, name).await {
            Ok(None) => Ok(false),
            _ => Err(failure),
        },
    }
}

/// Waits until no pod of a Deployment is left: what runs in one may still apply objects.
async fn end_of_pods(cluster: &Cluster, deployment: &Value) -> Result {
    let labels = deployment.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let labels: Vec<String> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    if labels.is_empty() {
        return Ok(());
    }
    let namespace = object::namespace(deployment);
    let pods = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Pod"));
    let api: Api<DynamicObject> = cluster.api(&pods, namespace);
    let end = Instant::now() + ENDING.min(cluster.timeout);
    let params = ListParams::default().labels(&labels.join(","));
    loop {
        match api.list(&params).await {
            Ok(found) if !found.items.is_empty() && Instant::now() < end => tokio::time::sleep(PAUSE).await,
            Ok(found) if !found.items.is_empty() => {
                let name = object::name(deployment);
                term::warning(&format!("the pods of {name} have not ended after {ENDING:?}"));
                return Ok(());
            }
            // Someone who may not list pods can still uninstall.
            _ => return Ok(()),
        }
    }
}
