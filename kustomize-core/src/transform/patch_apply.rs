//! How patches apply to resources.

use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::merge::{self, JsonPatch};
use crate::resource::{Behavior, JsonForm, ResId, Resource, ResourceSet};
use crate::schema::{Schema, SchemaComment};
use crate::yaml::{Map, Node, Str, Value};

/// How a strategic merge patch found its resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// By its own identity.
    Identity,
    /// By a target: the patch then leaves `apiVersion` alone.
    Target,
}

/// The one resource that has or had the identity of a patch.
///
/// # Errors
/// There is none, or more than one.
pub(super) fn target_of(patch: &Resource, set: &mut ResourceSet, cx: &Context) -> Result<usize, BuildError> {
    let schema = cx.schema();
    expect_map(patch, "annotations")?;
    let id = patch.original_id(schema);
    match set.positions_with_any_id(&id, schema).as_slice() {
        [at] => Ok(*at),
        [] => Err(nothing_to_patch(patch, &id, set, schema)),
        several => {
            let error =
                BuildError::new(ErrorKind::Patch, format!("several resources match the patch {id:#}"))
                    .at(patch.node.pos)
                    .about(&id)
                    .with_help("give the patch a `target` that says which one is meant");
            Err(several.iter().filter_map(|at| set.as_slice().get(*at)).take(5).fold(
                error,
                |error, resource| {
                    error.with_note(format!("one is {:#}", resource.id(schema)), resource.node.pos)
                },
            ))
        }
    }
}

fn nothing_to_patch(patch: &Resource, id: &ResId, set: &ResourceSet, schema: &Schema) -> BuildError {
    let error = BuildError::new(ErrorKind::Patch, format!("no resource matches the patch {id:#}"))
        .at(patch.node.pos)
        .about(id);
    let same_name: Vec<String> =
        set.iter().filter(|r| r.name() == id.name).take(5).map(|r| format!("{:#}", r.id(schema))).collect();
    let of_kind = || set.iter().filter(|r| r.kind() == id.gvk.kind);
    let names: Vec<&str> = of_kind().map(Resource::name).take(5).collect();
    if !same_name.is_empty() {
        return error.with_help(format!(
            "there is {}: the patch needs the same apiVersion, kind, name and namespace",
            same_name.join(", ")
        ));
    }
    if let Some(name) = crate::suggest::closest(&id.name, of_kind().map(Resource::name)) {
        return error.with_help(format!("did you mean `name: {name}`?"));
    }
    match names.is_empty() {
        true => error.with_help(format!("there is no {} among the resources", id.gvk.kind)),
        false => error.with_help(format!("resources of that kind are called {}", names.join(", "))),
    }
}

/// A patch as kustomize hands it to resources that a target selects: labels and annotations
/// are strings, and written anew (its `CopyMergeMetaDataFieldsFrom`).
///
/// # Errors
/// Labels or annotations are a list.
pub(super) fn prepare(patch: &Resource) -> Result<Resource, BuildError> {
    expect_map(patch, "labels")?;
    expect_map(patch, "annotations")?;
    let mut patch = patch.clone();
    let labels = owned(patch.labels());
    patch.set_labels(labels);
    rewrite_annotations(&mut patch);
    // Links tell by the places of keys whether a map is still the one that they were made for.
    let pos = patch.node.pos;
    for field in ["labels", "annotations"] {
        if let Some(map) = patch.metadata_mut().get_mut(field).and_then(Node::as_map_mut) {
            map.iter_mut().for_each(|entry| entry.key.pos = pos);
        }
    }
    let (name, namespace) = (Str::from(patch.name()), Str::from(patch.namespace()));
    patch.set_name(&name);
    patch.set_namespace(&namespace);
    Ok(patch)
}

/// kustomize panics over lists here, or makes of them what nobody can mean.
fn expect_map(resource: &Resource, field: &'static str) -> Result<(), BuildError> {
    match resource.node.at(&["metadata", field]) {
        Some(node) if node.as_seq().is_some_and(|list| !list.is_empty()) => {
            let message = format!("there is a list where {field} belong");
            Err(BuildError::new(ErrorKind::Patch, message).at(node.pos).field(format!("metadata.{field}")))
        }
        _ => Ok(()),
    }
}

/// Writes annotations anew, each value a string.
pub(super) fn rewrite_annotations(resource: &mut Resource) {
    let annotations = owned(resource.annotations());
    resource.set_annotations(annotations);
}

fn owned<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(Str, Str)> {
    pairs.map(|(key, value)| (key.into(), value.into())).collect()
}

/// Merges a patch into resources, and removes those that it deletes.
pub(super) fn merge(
    set: &mut ResourceSet,
    positions: &[usize],
    patch: &Resource,
    scope: Scope,
    cx: &Context,
) -> Result<(), BuildError> {
    let schema = cx.schema();
    let mut removed = Vec::new();
    for &at in positions {
        cx.cancellation.check()?;
        let outcome = set.update(at, schema, |resource| merge_into(resource, patch, scope, schema));
        if outcome.transpose()? == Some(false) {
            removed.push(at);
        }
    }
    set.remove_all(&removed);
    Ok(())
}

/// Merges a patch into one resource. Returns whether the resource is still there.
pub(super) fn merge_into(
    resource: &mut Resource,
    patch: &Resource,
    scope: Scope,
    schema: &Schema,
) -> Result<bool, BuildError> {
    let id = resource.written_id();
    merge_one(resource, patch, scope, schema).map_err(|error| error.about(id))
}

/// kustomize's `Resource.ApplySmPatch`. Returns whether the resource is still there.
fn merge_one(
    resource: &mut Resource,
    patch: &Resource,
    scope: Scope,
    schema: &Schema,
) -> Result<bool, BuildError> {
    let (name, namespace) = (Str::from(resource.name()), Str::from(resource.namespace()));
    let (kind, api_version) = (Str::from(resource.kind()), Str::from(resource.api_version()));
    let may = &patch.history;
    if may.allow_name_change || may.allow_kind_change {
        resource.remember_id(schema);
    }
    let patch_api_version = match scope {
        Scope::Identity => patch.api_version(),
        Scope::Target => &api_version,
    };
    let had_history = open_books(resource);
    let mut comments = std::mem::take(&mut resource.history.schema_comments);
    if !patch.history.schema_comments.is_empty() {
        comments.extend_from_slice(&patch.history.schema_comments);
        SchemaComment::sort(&mut comments);
    }
    let kept = merge::merge(&mut resource.node, &patch.node, patch_api_version, schema, &comments)?;
    resource.history.schema_comments = comments;
    if !kept || resource.node.is_nil_or_empty() {
        return Ok(false);
    }
    if had_history {
        close_books(resource);
    }
    if merge::replaces(&patch.node, &["metadata", "annotations"]) {
        forget_history(resource);
    }
    adopt_history(resource, patch);
    // kustomize gives such a patch its target's `apiVersion`, even where the target has none.
    if scope == Scope::Target && (api_version.is_empty() || patch.node.get("apiVersion").is_some()) {
        resource.root_mut().set_field("apiVersion", Node::untyped(api_version));
    }
    if !may.allow_kind_change {
        resource.set_kind(&kind);
    }
    if !may.allow_name_change {
        resource.set_name(&name);
    }
    resource.set_namespace(&namespace);
    resource.settle_links();
    Ok(true)
}

/// kustomize keeps the history in annotations: a patch that replaces or removes them all, or
/// what holds them, makes it forget.
fn forget_history(resource: &mut Resource) {
    let history = &mut resource.history;
    history.previous.clear();
    history.prefixes.clear();
    history.suffixes.clear();
    history.behavior = Behavior::Unspecified;
    history.needs_hash = false;
}

/// History that a patch brings along in annotations takes the place of the resource's.
fn adopt_history(resource: &mut Resource, patch: &Resource) {
    let (to, from) = (&mut resource.history, &patch.history);
    for (to, from) in [(&mut to.prefixes, &from.prefixes), (&mut to.suffixes, &from.suffixes)] {
        if !from.is_empty() {
            to.clone_from(from);
        }
    }
    if !from.previous.is_empty() {
        to.previous.clone_from(&from.previous);
    }
    if from.behavior != Behavior::Unspecified {
        to.behavior = from.behavior;
    }
    to.needs_hash |= from.needs_hash;
}

/// An error when two resources have the same identity, which kustomize looks for after
/// patches with a target.
pub(super) fn expect_unique(set: &mut ResourceSet, cx: &Context) -> Result<(), BuildError> {
    let Some((first, second)) = set.duplicate(cx.schema(), &cx.threads) else { return Ok(()) };
    let resource = |at: usize| set.as_slice().get(at);
    let pos = |at: usize| resource(at).map_or(crate::yaml::Pos::NONE, |resource| resource.node.pos);
    let id = resource(second).map(|resource| resource.id(cx.schema())).unwrap_or_default();
    Err(BuildError::new(ErrorKind::Conflict, format!("after this patch two resources are {id:#}"))
        .about(id)
        .with_note("one of them", pos(first))
        .with_note("the other", pos(second)))
}

/// Applies a JSON patch to resources. `remembers` notes their identities first.
pub(super) fn apply_json(
    set: &mut ResourceSet,
    positions: &[usize],
    patch: &JsonPatch,
    remembers: bool,
    cx: &Context,
) -> Result<(), BuildError> {
    let schema = cx.schema();
    for &at in positions {
        cx.cancellation.check()?;
        set.update_by_json_patch(at, schema, |resource, form| {
            apply_json_to(resource, form, patch, remembers, schema)
        })
        .transpose()?;
    }
    Ok(())
}

/// Applies a JSON patch to one resource. `remembers` notes its identity first.
pub(super) fn apply_json_to(
    resource: &mut Resource,
    form: &mut JsonForm,
    patch: &JsonPatch,
    remembers: bool,
    schema: &Schema,
) -> Result<(), BuildError> {
    let id = resource.written_id();
    if remembers {
        resource.remember_id(schema);
    }
    apply_json_one(resource, form, patch).map_err(|error| error.about(id))
}

/// kustomize puts its history back after the patch, and with that all annotations become strings.
/// Nothing outside of `metadata` may change here but by the patch itself, see [`JsonForm`].
fn apply_json_one(resource: &mut Resource, form: &mut JsonForm, patch: &JsonPatch) -> Result<(), BuildError> {
    open_books(resource);
    patch.apply(&mut resource.node, form)?;
    resource.forget_links();
    expect_map(resource, "annotations")?;
    match resource.node.get("metadata").map(|metadata| &metadata.value) {
        Some(Value::Map(_)) | None => rewrite_annotations(resource),
        Some(_) => {}
    }
    Ok(())
}

/// kustomize's history is in annotations while a patch applies, so that there are some to merge
/// with, to add to or to remove, even where the resource has none of its own. Says whether there
/// is a history.
pub(super) fn open_books(resource: &mut Resource) -> bool {
    let has_history = has_history(resource);
    if has_history && let Some(metadata) = map_in(resource.root_mut(), "metadata") {
        map_in(metadata, "annotations");
    }
    has_history
}

/// Removes the annotations that [`open_books`] made, if nothing was added to them.
pub(super) fn close_books(resource: &mut Resource) {
    if resource.node.at(&["metadata", "annotations"]).is_some_and(Node::is_nil_or_empty) {
        resource.metadata_mut().remove("annotations");
    }
}

/// Whether kustomize would have annotations for what happened to the resource.
fn has_history(resource: &Resource) -> bool {
    let history = &resource.history;
    !history.previous.is_empty()
        || !history.prefixes.is_empty()
        || !history.suffixes.is_empty()
        || history.behavior != Behavior::Unspecified
        || history.needs_hash
}

/// The map in a field, made when there is none or null.
fn map_in<'m>(map: &'m mut Map, name: &str) -> Option<&'m mut Map> {
    let node = map.get_or_insert_with(name, || Node::map(Map::new()));
    if node.is_null() {
        node.value = Value::Map(Map::new());
    }
    node.as_map_mut()
}
