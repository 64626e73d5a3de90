//! Reading a kustomization file: decoding, deprecation warnings, checks.

use super::file::{COMPONENT, COMPONENT_VERSION, KUSTOMIZATION, KUSTOMIZATION_VERSION};
use super::{Kustomization, invalid};
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::suggest::closest;
use crate::yaml::decode::{Fields, Rules, effective_entries, from_node};
use crate::yaml::{Entry, Map, Node, Pos, Value};

/// Deprecated fields and kustomize's warnings about them, in its order.
const DEPRECATED: [(&str, &str); 6] = [
    ("bases", "# Warning: 'bases' is deprecated. Please use 'resources' instead."),
    ("commonLabels", "# Warning: 'commonLabels' is deprecated. Please use 'labels' instead."),
    ("imageTags", "# Warning: 'imageTags' is deprecated. Please use 'images' instead."),
    ("patchesJson6902", "# Warning: 'patchesJson6902' is deprecated. Please use 'patches' instead."),
    (
        "patchesStrategicMerge",
        "# Warning: 'patchesStrategicMerge' is deprecated. Please use 'patches' instead.",
    ),
    ("vars", "# Warning: 'vars' is deprecated. Please use 'replacements' instead."),
];

/// Reads a kustomization from the root node of its file; an empty file has none. `start` is where
/// the file begins, for errors about all of it.
pub(crate) fn parse(root: Option<&Node>, start: Pos, cx: &Context) -> Result<Kustomization, BuildError> {
    let Some(root) = root.filter(|root| !root.is_null()) else { return Err(empty(start)) };
    let Value::Map(map) = &root.value else { return Err(invalid::not_a_map(root)) };
    let mut kustomization: Kustomization = from_node(root, Rules::KUSTOMIZATION)
        .map_err(|error| invalid::refuse_file(error, map, &cx.sources))?;
    let entries = effective_entries(map, Kustomization::NAMES)
        .map_err(|error| BuildError::decode(ErrorKind::Kustomization, error))?;
    for (field, warning) in DEPRECATED {
        if let Some((_, entry)) = entries.iter().find(|(name, _)| *name == field) {
            cx.warn(warning, entry.key.pos);
        }
    }
    kustomization.fix();
    if entries.iter().all(|(field, entry)| counts_as_empty(field, entry)) {
        return Err(empty(start));
    }
    check_kind(&kustomization, map)?;
    Ok(kustomization)
}

/// Whether a file with nothing but such fields is empty. An empty list or map does count as
/// something, except where it has been folded into another field (kustomize's `CheckEmpty`).
fn counts_as_empty(field: &str, entry: &Entry) -> bool {
    match field {
        "apiVersion" | "kind" => true,
        "namePrefix" | "nameSuffix" | "namespace" => entry.value.text().is_empty(),
        "bases" | "imageTags" | "helmChartInflationGenerator" => entry.value.is_nil_or_empty(),
        _ => false,
    }
}

fn empty(start: Pos) -> BuildError {
    BuildError::new(ErrorKind::Kustomization, "the kustomization file is empty")
        .at(start)
        .with_help("list at least one file or directory under `resources`")
}

/// Checks `kind` and `apiVersion` (kustomize's `EnforceFields`).
fn check_kind(kustomization: &Kustomization, map: &Map) -> Result<(), BuildError> {
    let kind = kustomization.kind.as_str();
    if kind != KUSTOMIZATION && kind != COMPONENT {
        return Err(wrong_kind(kind, map));
    }
    let (found, required) = (&kustomization.api_version, kustomization.required_version());
    if found == required {
        return Ok(());
    }
    let message = format!("`apiVersion` of a {kind} must be `{required}`, not `{found}`");
    let help = match (kind, found.as_str()) {
        (KUSTOMIZATION, COMPONENT_VERSION) => format!("write `kind: {COMPONENT}` if this is to be one"),
        (COMPONENT, KUSTOMIZATION_VERSION) => format!("write `apiVersion: {COMPONENT_VERSION}`"),
        _ => format!("write `apiVersion: {required}`, or leave the field out"),
    };
    let error = BuildError::new(ErrorKind::Kustomization, message).field("apiVersion").with_help(help);
    Err(error.at(field_pos(map, "apiVersion")))
}

/// The error about a kind that is none of a kustomization file's.
pub(super) fn wrong_kind(kind: &str, map: &Map) -> BuildError {
    let message = format!("`kind` must be `{KUSTOMIZATION}` or `{COMPONENT}`, not `{kind}`");
    let help = match closest(kind, [KUSTOMIZATION, COMPONENT]) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => {
            "a resource needs a file of another name, which `resources` of a kustomization lists".to_owned()
        }
    };
    BuildError::new(ErrorKind::Kustomization, message)
        .field("kind")
        .with_help(help)
        .at(field_pos(map, "kind"))
}

/// Where the value of a field stands, whatever the case of its name.
fn field_pos(map: &Map, field: &str) -> Pos {
    let entry = map.iter().rfind(|entry| entry.key.as_str().eq_ignore_ascii_case(field));
    entry.map_or(Pos::NONE, |entry| entry.value.pos)
}
