//! The variables of a Kustomization, from itself and from the cluster.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use reconciler_core::object;
use reconciler_core::substitute::Variables;
use serde_json::Value;

use super::cluster::Cluster;
use super::{Failure, Result};

/// The variables for a substitution.
pub(crate) async fn of(cluster: Option<&Cluster>, kustomization: &Value) -> Result<Variables> {
    let mut variables = Variables::default();
    for (name, value) in all(cluster, kustomization).await? {
        variables.set(&name, &value);
    }
    Ok(variables)
}

/// The variables with their values. Without a cluster only those that the Kustomization itself gives.
pub(crate) async fn all(
    cluster: Option<&Cluster>,
    kustomization: &Value,
) -> Result<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    let namespace = object::namespace(kustomization);
    let references = kustomization.pointer("/spec/postBuild/substituteFrom").and_then(Value::as_array);
    for reference in references.into_iter().flatten() {
        let Some(cluster) = cluster else { break };
        let (kind, name) = (object::text(reference, &["kind"]), object::text(reference, &["name"]));
        if !matches!(kind, "ConfigMap" | "Secret") {
            return Err(Failure::failed(format!("variables cannot come from a {kind}")));
        }
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", kind));
        let optional = reference["optional"].as_bool().unwrap_or_default();
        let Some(found) = cluster.find(&resource, namespace, name).await? else {
            if optional {
                continue;
            }
            return Err(Failure::failed(format!(
                "substitute from '{kind}/{name}' error: {}s \"{name}\" not found",
                kind.to_lowercase()
            )));
        };
        for (key, value) in found["data"].as_object().into_iter().flatten() {
            let text = value.as_str().unwrap_or_default();
            let value = match kind {
                "Secret" => {
                    let bytes = BASE64.decode(text).map_err(|error| {
                        Failure::failed(format!("Secret/{name} has no readable {key}: {error}"))
                    })?;
                    String::from_utf8_lossy(&bytes).into_owned()
                }
                _ => text.to_owned(),
            };
            variables.insert(key.clone(), value.replace('\n', ""));
        }
    }
    let inline = kustomization.pointer("/spec/postBuild/substitute").and_then(Value::as_object);
    for (key, value) in inline.into_iter().flatten() {
        variables.insert(key.clone(), value.as_str().unwrap_or_default().replace('\n', ""));
    }
    Ok(variables)
}
