//! The objects that policies refer to.

use serde_json::{Value, json};

/// Finds the objects that policies refer to: parameters, and the namespace of what is checked.
pub trait Lookup {
    /// A namespace.
    fn namespace(&self, name: &str) -> Option<Value>;

    /// All objects of a kind in a namespace, or of a kind without namespaces.
    fn list(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<Value>;
}

/// A Namespace with the label that says its name, which the API server sets and manifests leave out.
pub(crate) fn named(namespace: &Value) -> Value {
    let mut namespace = namespace.clone();
    let name = namespace["metadata"]["name"].clone();
    if let Some(metadata) = namespace["metadata"].as_object_mut() {
        let labels = metadata.entry("labels").or_insert(Value::Null);
        if labels.is_null() {
            *labels = json!({});
        }
        if let Some(labels) = labels.as_object_mut() {
            labels.insert("kubernetes.io/metadata.name".to_owned(), name);
        }
    }
    namespace
}

/// A fixed set of objects.
#[derive(Clone, Debug, Default)]
pub struct Objects(Vec<Value>);

impl Objects {
    /// A set of these objects.
    pub fn new(objects: impl IntoIterator<Item = Value>) -> Self {
        Objects(objects.into_iter().collect())
    }

    /// The objects of a kind of `admissionregistration.k8s.io`.
    pub(crate) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |object| {
            object["kind"] == kind
                && object["apiVersion"]
                    .as_str()
                    .is_some_and(|version| version.starts_with("admissionregistration.k8s.io/"))
        })
    }
}

impl Lookup for Objects {
    fn namespace(&self, name: &str) -> Option<Value> {
        let mut found = self.0.iter().filter(|object| {
            object["apiVersion"] == "v1"
                && object["kind"] == "Namespace"
                && object["metadata"]["name"] == name
        });
        found.next().map(named)
    }

    fn list(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<Value> {
        let is_there = |object: &&Value| {
            let found = object["metadata"]["namespace"].as_str().unwrap_or_default();
            object["apiVersion"] == api_version
                && object["kind"] == kind
                && (found.is_empty() || found == namespace)
        };
        self.0.iter().filter(is_there).cloned().collect()
    }
}

impl Objects {
    /// The name of a kind in paths, as `deployments`: from its definition if it is among the objects, and
    /// otherwise the plural of the kind in English.
    #[must_use]
    pub fn resource(&self, api_version: &str, kind: &str) -> String {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let defined = self.0.iter().find(|object| {
            object["kind"] == "CustomResourceDefinition"
                && object["spec"]["group"] == group
                && object["spec"]["names"]["kind"] == kind
        });
        if let Some(plural) = defined.and_then(|object| object["spec"]["names"]["plural"].as_str()) {
            return plural.to_owned();
        }
        let name = kind.to_lowercase();
        if name == "endpoints" {
            name
        } else if name.ends_with('s') {
            format!("{name}es")
        } else if let Some(stem) = name.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o'])) {
            format!("{stem}ies")
        } else {
            format!("{name}s")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn resources_are_defined_or_guessed() {
        let definition = json!({
            "kind": "CustomResourceDefinition",
            "spec": {"group": "example.org", "names": {"kind": "Mouse", "plural": "mice"}},
        });
        let objects = Objects::new([definition]);
        for (api_version, kind, resource) in [
            ("example.org/v1", "Mouse", "mice"),
            ("v1", "Mouse", "mouses"),
            ("apps/v1", "Deployment", "deployments"),
            ("networking.k8s.io/v1", "Ingress", "ingresses"),
            ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
            ("gateway.networking.k8s.io/v1", "Gateway", "gateways"),
            ("v1", "Endpoints", "endpoints"),
        ] {
            assert_eq!(objects.resource(api_version, kind), resource);
        }
    }
}
