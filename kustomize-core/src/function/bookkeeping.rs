//! What a build knows of a resource's past, as annotations: functions see them, and a resource
//! keeps its past only if the function leaves them in place. That is how kustomize does all
//! of its bookkeeping, so functions may rely on it.

use crate::resource::{Behavior, Resource};
use crate::schema::Schema;
use crate::yaml::{Node, Str, print};

const ID: &str = "kustomize.config.k8s.io/id";
const ALLOW_KIND_CHANGE: &str = "internal.config.kubernetes.io/allowKindChange";
const ALLOW_NAME_CHANGE: &str = "internal.config.kubernetes.io/allowNameChange";
const BEHAVIOR: &str = "internal.config.kubernetes.io/generatorBehavior";
const NEEDS_HASH: &str = "internal.config.kubernetes.io/needsHashSuffix";
const PREFIXES: &str = "internal.config.kubernetes.io/prefixes";
const PREVIOUS_KINDS: &str = "internal.config.kubernetes.io/previousKinds";
const PREVIOUS_NAMES: &str = "internal.config.kubernetes.io/previousNames";
const PREVIOUS_NAMESPACES: &str = "internal.config.kubernetes.io/previousNamespaces";
const SUFFIXES: &str = "internal.config.kubernetes.io/suffixes";
const ENABLED: &str = "enabled";

/// Annotations that are there for the duration of a function only.
const TEMPORARY: [&str; 9] = [
    ID,
    "config.k8s.io/id",
    "config.kubernetes.io/index",
    "config.kubernetes.io/path",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/seqindent",
];

/// A copy of a resource with its past and its id written out.
pub(super) fn written_out(resource: &Resource, schema: &Schema) -> Resource {
    let history = &resource.history;
    let join = |parts: &mut dyn Iterator<Item = &Str>| {
        let parts: Vec<&str> = parts.map(Str::as_str).filter(|part| !part.is_empty()).collect();
        parts.join(",")
    };
    let enabled = |is: bool| if is { ENABLED.to_owned() } else { String::new() };
    let past = [
        (ALLOW_KIND_CHANGE, enabled(history.allow_kind_change)),
        (ALLOW_NAME_CHANGE, enabled(history.allow_name_change)),
        (BEHAVIOR, behavior_text(history.behavior).to_owned()),
        (NEEDS_HASH, enabled(history.needs_hash)),
        (PREFIXES, join(&mut history.prefixes.iter())),
        (PREVIOUS_KINDS, join(&mut history.previous.iter().map(|id| &id.kind))),
        (PREVIOUS_NAMES, join(&mut history.previous.iter().map(|id| &id.name))),
        (PREVIOUS_NAMESPACES, join(&mut history.previous.iter().map(|id| &id.namespace))),
        (SUFFIXES, join(&mut history.suffixes.iter())),
        (ID, id_text(resource, schema)),
    ];
    let mut copy = resource.clone();
    for (name, value) in past.iter().filter(|(_, value)| !value.is_empty()) {
        set_annotation(&mut copy, name, value);
    }
    copy
}

/// The id as kustomize writes it: a small YAML document.
fn id_text(resource: &Resource, schema: &Schema) -> String {
    let id = resource.id(schema);
    let mut map = crate::yaml::Map::new();
    for (field, value) in [
        ("group", &id.gvk.group),
        ("kind", &id.gvk.kind),
        ("name", &id.name),
        ("namespace", &id.namespace),
        ("version", &id.gvk.version),
    ] {
        if !value.is_empty() {
            map.insert(field, Node::string(value));
        }
    }
    let mut text = String::new();
    match print(&Node::map(map), &mut text) {
        Ok(()) => text,
        Err(_) => String::new(),
    }
}

/// Removes the annotations that were for the function. Those with the past are read where all
/// resources are read.
pub(super) fn drop_temporary(resource: &mut Resource) {
    for name in TEMPORARY {
        take_annotation(resource, name);
    }
}

fn behavior_text(behavior: Behavior) -> &'static str {
    match behavior {
        Behavior::Unspecified => "",
        Behavior::Create => "create",
        Behavior::Replace => "replace",
        Behavior::Merge => "merge",
    }
}

/// Sets an annotation, behind those that are there.
pub(super) fn set_annotation(resource: &mut Resource, name: &str, value: &str) {
    let annotations = resource.metadata_mut().get_or_insert_with("annotations", empty_map);
    if annotations.as_map().is_none() {
        *annotations = empty_map();
    }
    if let Some(map) = annotations.as_map_mut() {
        map.insert(name, Node::string(value));
    }
}

fn empty_map() -> Node {
    Node::map(crate::yaml::Map::new())
}

/// Removes an annotation, and the field with the last of them.
pub(super) fn take_annotation(resource: &mut Resource, name: &str) -> Option<Str> {
    let metadata = resource.node.get_mut("metadata")?.as_map_mut()?;
    let annotations = metadata.get_mut("annotations")?.as_map_mut()?;
    let taken = annotations.remove(name)?;
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
    Some(taken.value.text().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{History, PreviousId};

    #[test]
    fn the_past_survives_a_function() {
        let mut root = crate::yaml::Map::new();
        root.insert("apiVersion", Node::string("apps/v1"));
        root.insert("kind", Node::string("Deployment"));
        let mut resource = Resource::new(Node::map(root));
        resource.set_name("pre-d");
        let previous =
            |name: &str| PreviousId { kind: "Deployment".into(), name: name.into(), namespace: "nn".into() };
        resource.history = History {
            previous: vec![previous("d"), previous("e")],
            prefixes: vec!["pre-".into()],
            behavior: Behavior::Merge,
            needs_hash: true,
            ..History::default()
        };
        let mut copy = written_out(&resource, &Schema::default());
        assert_eq!(copy.annotation(ID), Some("group: apps\nkind: Deployment\nname: pre-d\nversion: v1\n"));
        assert_eq!(copy.annotation(PREVIOUS_NAMESPACES), Some("nn,nn"));
        copy.history = History::default();
        copy.absorb_internal_annotations().unwrap();
        drop_temporary(&mut copy);
        assert!(copy.node.same(&resource.node));
        assert_eq!(copy.history.previous, resource.history.previous);
        assert_eq!(copy.history.prefixes, resource.history.prefixes);
        assert_eq!(copy.history.behavior, Behavior::Merge);
        assert!(copy.history.needs_hash && copy.history.suffixes.is_empty());
    }
}
