//! `export`: objects of the cluster as they would be written by hand.

use clap::Args;
use kube::api::{ApiResource, ListParams};
use kube::core::GroupVersionKind;
use reconciler_api::Duration;
use serde_json::{Map, Value, json};

use super::cluster::{Cluster, block_on};
use super::kinds::Kind;
use super::manifest::to_yaml;
use super::select::Selection;
use super::{Failure, Global, Result, term};

/// Fields that are kept although they are empty, since they have to be there.
const REQUIRED: [&str; 4] = ["issuer", "subject", "name", "prune"];

/// Options of `export`.
#[derive(Args)]
pub(crate) struct Export {
    #[command(subcommand)]
    selection: Selection,
    /// All objects of the kind
    #[arg(long, global = true)]
    all: bool,
    /// Print the Secrets of sources, too
    #[arg(long, global = true)]
    with_credentials: bool,
}

impl Export {
    /// Prints the objects.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let (kind, names) = self.selection.parts();
        if self.with_credentials && !kind.is_source() {
            return Err(Failure::usage("--with-credentials is for sources"));
        }
        if !self.all && names.is_empty() {
            return Err(Failure::usage("name is required"));
        }
        block_on(async {
            let cluster = Cluster::connect(global).await?;
            let namespace = &cluster.namespace;
            let mut objects = Vec::new();
            if self.all {
                let found = cluster.list(&kind.resource(), namespace, &ListParams::default()).await?;
                objects = found.unwrap_or_default();
                if objects.is_empty() {
                    return Err(Failure::failed(format!("no objects found in {namespace} namespace")));
                }
            } else {
                for name in names {
                    objects.push(cluster.get(kind, namespace, name).await?);
                }
            }
            let mut text = String::new();
            for object in &objects {
                text.push_str("---\n");
                text.push_str(&to_yaml(&exported(kind, object))?);
                if let Some(name) = object.pointer("/spec/secretRef/name").and_then(Value::as_str)
                    && self.with_credentials
                {
                    text.push_str("---\n");
                    text.push_str(&to_yaml(&credentials(&cluster, name).await?)?);
                }
            }
            term::print(&text)
        })
    }
}

/// The Secret of a source.
async fn credentials(cluster: &Cluster, name: &str) -> Result<Value> {
    let namespace = &cluster.namespace;
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Secret"));
    let failed = |reason: &str| Failure::failed(format!("failed to retrieve secret {name}, error: {reason}"));
    let found = match cluster.find(&resource, namespace, name).await {
        Ok(found) => found.ok_or_else(|| failed("it does not exist"))?,
        Err(Failure::Failed(reason)) => return Err(failed(&reason)),
        Err(other) => return Err(other),
    };
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
        "data": found["data"], "type": found["type"],
    });
    Ok(secret)
}

/// What a user has written of an object, in the form in which Flux writes it.
pub(crate) fn exported(kind: &Kind, object: &Value) -> Value {
    let mut metadata = Map::new();
    for key in ["name", "namespace", "labels", "annotations"] {
        if let Some(value) = object["metadata"].get(key) {
            metadata.insert(key.to_owned(), value.clone());
        }
    }
    let mut spec = object["spec"].clone();
    tidy(&mut spec);
    json!({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": metadata, "spec": spec})
}

/// Writes durations as Go does, and takes out what is empty.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                let is_duration = key == "timeout" || key.ends_with("nterval");
                let duration = field.as_str().and_then(|text| text.parse::<Duration>().ok());
                if let Some(duration) = duration.filter(|_| is_duration) {
                    *field = duration.to_string().into();
                }
                tidy(field);
            }
            fields.retain(|key, field| {
                let empty = match field {
                    Value::String(text) => text.is_empty(),
                    Value::Bool(set) => !*set,
                    _ => false,
                };
                !empty || REQUIRED.contains(&key.as_str())
            });
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::exported;
    use crate::cli::kinds::KUSTOMIZATION;

    #[test]
    fn only_what_was_written_is_left() {
        let object = json!({
            "metadata": {"name": "a", "namespace": "b", "uid": "c"},
            "spec": {"interval": "5m", "path": "", "prune": false},
            "status": {},
        });
        let wanted = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": "a", "namespace": "b"},
            "spec": {"interval": "5m0s", "prune": false},
        });
        assert_eq!(exported(&KUSTOMIZATION, &object), wanted);
    }
}
