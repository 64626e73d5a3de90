//! What a cluster has at a moment, and what has become of it later.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::stage::{Outcome, Stage};

/// Lists of the kinds that are applied.
const LISTS: [&str; 12] = [
    "/api/v1/namespaces",
    "/api/v1/configmaps",
    "/api/v1/secrets",
    "/api/v1/services",
    "/api/v1/serviceaccounts",
    "/apis/apps/v1/deployments",
    "/apis/rbac.authorization.k8s.io/v1/roles",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/apis/handover.example.org/v1/widgets",
    "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations",
];

/// The objects that Kustomizations of the stage have applied, by list, namespace and name.
pub(crate) struct Picture {
    objects: BTreeMap<String, Value>,
    /// The ids in the inventories of the Kustomizations, by name.
    inventories: BTreeMap<String, BTreeSet<String>>,
}

/// What may have happened between two pictures. Names are the last part of an object's path.
#[derive(Default)]
pub(crate) struct Expected<'a> {
    pub(crate) added: &'a [&'a str],
    pub(crate) changed: &'a [&'a str],
    pub(crate) removed: &'a [&'a str],
}

impl Picture {
    /// Looks at the cluster.
    pub(crate) async fn take(stage: &Stage) -> Outcome<Self> {
        let mut objects = BTreeMap::new();
        let selector = format!("kustomize.toolkit.fluxcd.io%2Fnamespace%3D{}", stage.namespace);
        for list in LISTS {
            let found = stage.get(&format!("{list}?labelSelector={selector}")).await?.unwrap_or_default();
            for object in found["items"].as_array().into_iter().flatten() {
                let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
                let namespace = text("namespace");
                objects.insert(format!("{list}/{namespace}/{}", text("name")), object.clone());
            }
        }
        let mut inventories = BTreeMap::new();
        let list = stage.get(&stage.kustomization("")).await?.unwrap_or_default();
        for kustomization in list["items"].as_array().into_iter().flatten() {
            let entries = kustomization["status"]["inventory"]["entries"].as_array();
            let ids = entries.into_iter().flatten().filter_map(|entry| entry["id"].as_str());
            let name = kustomization["metadata"]["name"].as_str().unwrap_or_default();
            inventories.insert(name.to_owned(), ids.map(str::to_owned).collect());
        }
        Ok(Picture { objects, inventories })
    }

    /// How many objects there are.
    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// What is not as expected in a later picture.
    pub(crate) fn differences(&self, later: &Picture, expected: &Expected<'_>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (path, object) in &self.objects {
            let Some(now) = later.objects.get(path) else {
                if !is_one_of(path, expected.removed) {
                    wrong.push(format!("{path} is gone"));
                }
                continue;
            };
            if is_one_of(path, expected.removed) {
                wrong.push(format!("{path} is still there"));
            }
            if object["metadata"]["uid"] != now["metadata"]["uid"] {
                wrong.push(format!("{path} was made anew"));
            }
            wrong.extend(managers(path, now));
            let is_changed = stripped(object) != stripped(now);
            match (is_changed, is_one_of(path, expected.changed)) {
                (true, false) => {
                    wrong.push(format!("{path} was changed:\n{}\n{}", stripped(object), stripped(now)));
                }
                (false, true) => wrong.push(format!("{path} was not changed")),
                _ => {}
            }
            // Whoever writes without need makes a new version.
            let is_same_state = object["status"] == now["status"] && !is_changed;
            let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
            if is_same_state && version(object) != version(now) {
                wrong.push(format!("{path} was written without need"));
            }
        }
        for path in later.objects.keys().filter(|path| !self.objects.contains_key(*path)) {
            if !is_one_of(path, expected.added) {
                wrong.push(format!("{path} is new"));
            }
        }
        for name in expected.added {
            if !later.objects.keys().any(|path| is_one_of(path, &[name])) {
                wrong.push(format!("{name} is missing"));
            }
        }
        wrong.extend(self.inventory_differences(later, expected));
        wrong
    }

    fn inventory_differences(&self, later: &Picture, expected: &Expected<'_>) -> Vec<String> {
        let all = |picture: &Picture| -> BTreeSet<String> {
            let of = |(name, ids): (&String, &BTreeSet<String>)| -> Vec<String> {
                ids.iter().map(|id| format!("{name}: {id}")).collect()
            };
            picture.inventories.iter().flat_map(of).collect()
        };
        let (old, new) = (all(self), all(later));
        let has = |id: &str, names: &[&str]| names.iter().any(|name| id.contains(&format!("_{name}_")));
        let lost = old.difference(&new).filter(|id| !has(id, expected.removed));
        let lost = lost.map(|id| format!("the inventory lost {id}"));
        let gained = new.difference(&old).filter(|id| !has(id, expected.added));
        lost.chain(gained.map(|id| format!("the inventory gained {id}"))).collect()
    }
}

fn is_one_of(path: &str, names: &[&str]) -> bool {
    names.iter().any(|name| path.rsplit('/').next() == Some(*name))
}

/// What is wrong with who has applied an object: that has to be one manager, who is always the same.
fn managers(path: &str, object: &Value) -> Option<String> {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let applied: Vec<&Value> =
        entries.filter(|entry| entry["operation"] == "Apply").map(|entry| &entry["manager"]).collect();
    (applied != [&json!("kustomize-controller")]).then(|| format!("{path} was applied by {applied:?}"))
}

/// An object without what changes by itself.
fn stripped(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for key in ["resourceVersion", "generation"] {
            metadata.remove(key);
        }
        let entries = metadata.get_mut("managedFields").and_then(Value::as_array_mut);
        if let Some(entries) = entries {
            entries.retain(|entry| entry["operation"] == "Apply");
            entries.iter_mut().filter_map(Value::as_object_mut).for_each(|entry| {
                entry.remove("time");
            });
        }
        // The requests of this test.
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("reconcile.fluxcd.io/requestedAt");
            annotations.remove("deployment.kubernetes.io/revision");
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
    }
    object
}
