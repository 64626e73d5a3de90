//! The finalizer, which keeps an object until what it left behind is gone.

use std::fmt::Debug;

use kube::api::{Api, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::{Client, Resource, ResourceExt};
use reconciler_api::annotation::FINALIZER;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::apply::{METADATA_MANAGER, RequestError};

/// Adds the finalizer if it is missing.
pub(super) async fn add<K>(client: &Client, object: &K) -> Result<(), RequestError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
{
    if object.finalizers().iter().any(|finalizer| finalizer == FINALIZER) {
        return Ok(());
    }
    let mut finalizers = object.finalizers().to_vec();
    finalizers.push(FINALIZER.to_owned());
    write(client, object, &finalizers).await
}

/// Removes the finalizer.
pub(super) async fn remove<K>(client: &Client, object: &K) -> Result<(), RequestError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
{
    let finalizers: Vec<String> =
        object.finalizers().iter().filter(|finalizer| *finalizer != FINALIZER).cloned().collect();
    match write(client, object, &finalizers).await {
        Err(error) if error.code() == 404 => Ok(()),
        outcome => outcome,
    }
}

async fn write<K>(client: &Client, object: &K, finalizers: &[String]) -> Result<(), RequestError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
{
    let api: Api<K> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    // Another finalizer that was added meanwhile must not be lost.
    let patch = json!({"metadata": {"finalizers": finalizers, "resourceVersion": object.resource_version()}});
    let parameters =
        PatchParams { field_manager: Some(METADATA_MANAGER.to_owned()), ..PatchParams::default() };
    api.patch_metadata(&object.name_any(), &parameters, &Patch::Merge(&patch)).await?;
    Ok(())
}
