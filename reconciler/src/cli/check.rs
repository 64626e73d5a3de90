//! `check`: whether a cluster can run a reconciler, and whether it does.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use kube::api::{ApiResource, ListParams};
use kube::core::GroupVersionKind;
use reconciler_api::Duration;
use reconciler_api::annotation::TENANT;
use reconciler_core::kstatus::{self, Status};
use serde_json::Value;

use super::cluster::{Cluster, block_on, request_failed};
use super::manifests::{NAME, component, is_replaced};
use super::{Failure, Global, Result, term};

/// The oldest minor version of Kubernetes that is supported.
const OLDEST_MINOR: u32 = 31;

/// Options of `check`.
#[derive(Args)]
pub(crate) struct Check {
    /// Only look at what has to be there before an installation
    #[arg(long)]
    pre: bool,
    /// Controllers that must be installed
    #[arg(long, value_delimiter = ',', value_parser = component)]
    components: Vec<String>,
    /// Additional controllers that must be installed
    #[arg(long, value_delimiter = ',', value_parser = component)]
    components_extra: Vec<String>,
    /// Accepted for compatibility: the controllers are checked only once
    #[arg(long, hide_short_help = true)]
    poll_interval: Option<Duration>,
}

impl Check {
    /// Looks at the cluster.
    pub(crate) fn run(&self, global: &Global) -> Result {
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            term::action("checking prerequisites");
            let version = cluster.client.apiserver_version().await.map_err(request_failed)?;
            let digits = |text: &str| -> u32 {
                let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().unwrap_or_default()
            };
            let name = version.git_version.trim_start_matches('v');
            if (digits(&version.major), digits(&version.minor)) < (1, OLDEST_MINOR) {
                return Err(Failure::failed(format!(
                    "Kubernetes version {name} does not match >=1.{OLDEST_MINOR}.0-0"
                )));
            }
            term::success(&format!("Kubernetes {name} >=1.{OLDEST_MINOR}.0-0"));
            if self.pre {
                term::success("prerequisites checks passed");
                return Ok(());
            }
            let healthy = controllers(&cluster).await? & self.components(&cluster).await?;
            let defined = definitions(&cluster).await?;
            if defined {
                tenants(&cluster).await?;
            }
            match healthy && defined {
                true => {
                    term::success("all checks passed");
                    Ok(())
                }
                false => Err(Failure::failed("check failed")),
            }
        })
    }
}

impl Check {
    /// Whether the controllers that the flags name run: in the reconciler, or as a Deployment of Flux.
    async fn components(&self, cluster: &Cluster) -> Result<bool> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"));
        let mut complete = true;
        for name in self.components.iter().chain(&self.components_extra) {
            let ours = cluster.find(&resource, &cluster.namespace, NAME).await?;
            let runs_here = ours.as_ref().is_some_and(|ours| runs(ours, name));
            if !runs_here && cluster.find(&resource, &cluster.namespace, name).await?.is_none() {
                term::failure(&format!(
                    "{name}: not installed; add --components-extra={name} to install or bootstrap"
                ));
                complete = false;
            }
        }
        Ok(complete)
    }
}

/// Whether a Deployment of the reconciler runs a controller.
fn runs(deployment: &Value, controller: &str) -> bool {
    let arguments = deployment.pointer("/spec/template/spec/containers/0/args").and_then(Value::as_array);
    let listed = arguments.into_iter().flatten().filter_map(Value::as_str);
    // Without a list, all run.
    match listed.filter_map(|argument| argument.strip_prefix("--controllers=")).next_back() {
        Some(list) => list.split(',').any(|name| name == controller),
        None => is_replaced(controller),
    }
}

/// Whether the deployments of a reconciler are healthy.
async fn controllers(cluster: &Cluster) -> Result<bool> {
    term::action("checking controllers");
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"));
    let params = ListParams::default().labels("app.kubernetes.io/part-of=flux");
    let found = cluster.list(&resource, &cluster.namespace, &params).await?.unwrap_or_default();
    if found.is_empty() {
        let namespace = &cluster.namespace;
        term::failure(&format!(
            "no controllers found in the '{namespace}' namespace; one that `reconciler run` started elsewhere cannot be checked"
        ));
        return Ok(false);
    }
    let mut healthy = true;
    for deployment in &found {
        let name = deployment.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let outcome = kstatus::compute(deployment, jiff::Timestamp::now())
            .map_err(|error| Failure::failed(error.to_string()))?;
        if outcome.status == Status::Current {
            term::success(&format!("{name}: deployment ready"));
        } else {
            term::failure(&format!("{name}: deployment not ready: {}", outcome.message));
            healthy = false;
        }
        let containers = deployment.pointer("/spec/template/spec/containers").and_then(Value::as_array);
        for container in containers.into_iter().flatten() {
            term::action(container["image"].as_str().unwrap_or_default());
        }
    }
    Ok(healthy)
}

/// Warns of namespaces that seem to be a tenant's and are not strict: their Kustomizations name an account, or an
/// account has the label of tenants.
async fn tenants(cluster: &Cluster) -> Result {
    term::action("checking tenants");
    let list = async |group: &str, kind: &str, labels: &str| -> Result<Vec<Value>> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
        Ok(cluster.list(&resource, "", &ListParams::default().labels(labels)).await?.unwrap_or_default())
    };
    let strict: BTreeSet<String> = list("", "Namespace", TENANT).await?.iter().map(name_of).collect();
    let mut seeming: BTreeMap<String, String> = BTreeMap::new();
    for account in list("", "ServiceAccount", TENANT).await? {
        let why = format!("the service account '{}' has the label {TENANT}", name_of(&account));
        seeming.insert(namespace_of(&account), why);
    }
    for kustomization in list("kustomize.toolkit.fluxcd.io", "Kustomization", "").await? {
        let account = kustomization.pointer("/spec/serviceAccountName").and_then(Value::as_str);
        if let Some(account) = account.filter(|account| !account.is_empty()) {
            let why = format!("the Kustomization '{}' acts as '{account}'", name_of(&kustomization));
            seeming.insert(namespace_of(&kustomization), why);
        }
    }
    seeming.retain(|namespace, _| !strict.contains(namespace));
    for (namespace, why) in &seeming {
        term::warning(&format!(
            "namespace '{namespace}' is not strict, although {why}: label it with {TENANT}, unless the reconciler runs with --tenancy=strict"
        ));
    }
    if seeming.is_empty() {
        term::success("no tenant's namespace is without the label of tenants");
    }
    Ok(())
}

fn name_of(object: &Value) -> String {
    object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn namespace_of(object: &Value) -> String {
    object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Whether the kinds are defined.
async fn definitions(cluster: &Cluster) -> Result<bool> {
    term::action("checking crds");
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let resource = ApiResource::from_gvk(&kind);
    let mut complete = true;
    for crd in reconciler_api::crds() {
        let name = crd.metadata.name.unwrap_or_default();
        let versions =
            crd.spec.versions.iter().map(|version| version.name.clone()).collect::<Vec<_>>().join(",");
        match cluster.find(&resource, "", &name).await? {
            Some(_) => term::success(&format!("{name}/{versions}")),
            None => {
                term::failure(&format!("{name} not found"));
                complete = false;
            }
        }
    }
    Ok(complete)
}
