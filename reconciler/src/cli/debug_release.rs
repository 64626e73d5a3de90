//! The values that a HelmRelease is installed with.

use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use reconciler_core::object;
use serde_json::{Map, Value};

use super::cluster::Cluster;
use super::create::merge;
use super::render::decoded;
use super::{Failure, Result};

/// The values of all references, with those that stand in the release on top.
pub(crate) async fn values(cluster: &Cluster, release: &Value) -> Result<Value> {
    let mut merged = Value::Object(Map::new());
    let references = release.pointer("/spec/valuesFrom").and_then(Value::as_array);
    for reference in references.into_iter().flatten() {
        let field = |key: &str| object::text(reference, &[key]);
        let optional = reference["optional"].as_bool().unwrap_or_default();
        let key = if field("valuesKey").is_empty() { "values.yaml" } else { field("valuesKey") };
        let text = text(cluster, object::namespace(release), field("kind"), field("name"), key).await?;
        let Some(text) = text else {
            if optional {
                continue;
            }
            return Err(Failure::failed(format!(
                "could not resolve {} chart values reference '{}/{}' with key '{key}'",
                field("kind"),
                object::namespace(release),
                field("name")
            )));
        };
        let value: Value = serde_yaml::from_str(&text)
            .map_err(|error| Failure::failed(format!("{}/{}: {error}", field("kind"), field("name"))))?;
        match field("targetPath") {
            "" => merge(&mut merged, value),
            path => set(&mut merged, path, value),
        }
    }
    if let Some(own) = release.pointer("/spec/values") {
        merge(&mut merged, own.clone());
    }
    Ok(merged)
}

/// A value of a ConfigMap or Secret, if it exists.
async fn text(
    cluster: &Cluster,
    namespace: &str,
    kind: &str,
    name: &str,
    key: &str,
) -> Result<Option<String>> {
    if !matches!(kind, "ConfigMap" | "Secret") {
        return Err(Failure::failed(format!("unsupported ValuesReference kind '{kind}'")));
    }
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", kind));
    let Some(found) = cluster.find(&resource, namespace, name).await? else { return Ok(None) };
    let Some(value) = found["data"].get(key) else { return Ok(None) };
    Ok(Some(match kind {
        "Secret" => String::from_utf8_lossy(&decoded(value)).into_owned(),
        _ => value.as_str().unwrap_or_default().to_owned(),
    }))
}

/// Sets a value at a path of names with dots between.
fn set(values: &mut Value, path: &str, value: Value) {
    let mut at = values;
    for step in path.split('.') {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = &mut at[step];
    }
    *at = value;
}
