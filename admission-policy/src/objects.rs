//! The objects that policies refer to.

use serde_json::Value;

/// Finds the objects that policies refer to: parameters, and the namespace of what is checked.
pub trait Lookup {
    /// A namespace.
    fn namespace(&self, name: &str) -> Option<Value>;

    /// All objects of a kind in a namespace, or of a kind without namespaces.
    fn list(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<Value>;
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
        found.next().cloned()
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
