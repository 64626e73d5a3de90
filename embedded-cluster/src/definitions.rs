//! Custom resource definitions: from the object to the kinds that are served.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::kinds::{Kind, Registry, resource_name};
use crate::managed::fieldset::FieldSet;
use crate::managed::{self, Writer};
use crate::state::State;
use crate::storage::{Expect, Name};

const RESOURCE: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// Serves the kinds of all stored definitions.
pub(crate) fn load(state: &State) {
    let (_, definitions) = state.store.snapshot(&RESOURCE.into(), "");
    state.set_registry(Registry::new(definitions.iter().map(|object| &object.value)));
}

/// Takes note of a change to the table, if it is that of the definitions.
pub(crate) fn changed(state: &State, resource: &Arc<str>) {
    if &**resource == RESOURCE {
        load(state);
    }
}

/// The status of a definition that is served. Versions in which objects were once stored stay listed.
pub(crate) fn status(definition: &Value, now: &str) -> Value {
    let spec = &definition["spec"];
    let mut names = spec["names"].clone();
    if !names.is_object() {
        // It is refused later.
        names = json!({});
    }
    let kind = names["kind"].as_str().unwrap_or_default().to_owned();
    if names.get("listKind").is_none() {
        names["listKind"] = format!("{kind}List").into();
    }
    if names.get("singular").is_none() {
        names["singular"] = kind.to_lowercase().into();
    }
    let stored =
        spec["versions"].as_array().into_iter().flatten().filter(|version| version["storage"] == true);
    let mut known = definition["status"]["storedVersions"].as_array().cloned().unwrap_or_default();
    for version in stored.map(|version| &version["name"]) {
        if !known.contains(version) {
            known.push(version.clone());
        }
    }
    json!({
        "acceptedNames": names,
        "conditions": [
            {"lastTransitionTime": now, "message": "no conflicts found", "reason": "NoConflicts", "status": "True", "type": "NamesAccepted"},
            {"lastTransitionTime": now, "message": "the initial names have been accepted", "reason": "InitialNamesAccepted", "status": "True", "type": "Established"},
        ],
        "storedVersions": known,
    })
}

/// A new definition as it is once it is served: its status belongs to the server.
pub(crate) fn established(kind: &Kind, mut definition: Value, now: &str) -> Value {
    if !kind.is(RESOURCE) {
        return definition;
    }
    let mut before = definition.clone();
    before["status"]["acceptedNames"] = json!({"kind": "", "plural": ""});
    before["status"]["conditions"] = json!([]);
    let api_version = kind.api_version();
    let writer = Writer { manager: "kube-apiserver", api_version: &api_version, subresource: "status", now };
    managed::record_update(kind.root(), &before, &mut definition, &writer, &FieldSet::default());
    definition
}

/// Takes away all objects of a definition that is deleted.
pub(crate) fn remove_instances(state: &State, definition: &Value) {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let resource = resource_name(text("/spec/group"), text("/spec/names/plural"));
    let (_, objects) = state.store.snapshot(&resource, "");
    for object in objects {
        let text = |field: &str| object.value["metadata"][field].as_str().unwrap_or_default().to_owned();
        let name = Name { namespace: text("namespace"), name: text("name") };
        // Someone who deletes it at the same time does the same.
        let _ = state.store.commit(&resource, &name, Expect::Revision(object.revision), None);
    }
}
