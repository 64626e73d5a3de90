//! What a cluster has to have before anything can be reconciled.

use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::conditions::is_crd_established;
use kube::runtime::wait::await_condition;
use kube::{Client, ResourceExt};
use reconciler_api::{GitRepository, Kustomization};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::RunError;

/// The manager of what is set up.
const MANAGER: &str = "flux";
/// The name of the objects that follow the repository.
const NAME: &str = "flux-system";
/// How long a definition may take until it can be used.
const ESTABLISH: Duration = Duration::from_secs(30);

/// What a cluster follows.
#[derive(Clone, Debug)]
pub struct SyncOptions {
    /// Namespace of the objects.
    pub namespace: String,
    /// Address of the repository.
    pub url: String,
    /// Its branch.
    pub branch: String,
    /// The directory in it.
    pub path: String,
    /// How often the repository is looked at.
    pub interval: reconciler_api::Duration,
}

/// Defines Flux's kinds, and waits until they can be used.
///
/// # Errors
/// The cluster refuses that.
pub async fn install_definitions(client: &Client) -> Result<(), RunError> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let crds = reconciler_api::crds();
    for crd in &crds {
        apply(&definitions, &crd.name_any(), crd).await?;
    }
    for crd in &crds {
        let name = crd.name_any();
        let established = await_condition(definitions.clone(), &name, is_crd_established());
        match tokio::time::timeout(ESTABLISH, established).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(RunError::Setup(format!("{name}: {error}"))),
            Err(_) => return Err(RunError::Setup(format!("{name} cannot be used after 30s"))),
        }
    }
    Ok(())
}

/// Makes a namespace, a GitRepository and a Kustomization that follow a repository.
///
/// # Errors
/// The cluster refuses that.
pub async fn set_up_sync(client: &Client, sync: &SyncOptions) -> Result<(), RunError> {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": sync.namespace}});
    apply(&Api::<Namespace>::all(client.clone()), &sync.namespace, &namespace).await?;
    let metadata = json!({"name": NAME, "namespace": sync.namespace});
    let repository = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": metadata,
        "spec": {"interval": sync.interval, "ref": {"branch": sync.branch}, "url": sync.url},
    });
    let kustomization: Value = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": metadata,
        "spec": {
            "interval": "10m0s",
            "path": sync.path,
            "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": NAME},
        },
    });
    apply(&Api::<GitRepository>::namespaced(client.clone(), &sync.namespace), NAME, &repository).await?;
    apply(&Api::<Kustomization>::namespaced(client.clone(), &sync.namespace), NAME, &kustomization).await
}

async fn apply<K>(api: &Api<K>, name: &str, object: &(impl Serialize + Debug)) -> Result<(), RunError>
where
    K: Clone + DeserializeOwned + Debug,
{
    let applied = api.patch(name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(object)).await;
    applied.map(|_| ()).map_err(|error| RunError::Setup(format!("{name}: {error}")))
}
