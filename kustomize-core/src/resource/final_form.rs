//! What a resource looks like when it leaves the build.

use super::Resource;
use super::origin_annotations::{ORIGIN, TRANSFORMATIONS};
use crate::error::{BuildError, ErrorKind};
use crate::yaml::resolve::resolve;
use crate::yaml::{Entry, Key, Map, Node, Scalar, Style, Tag, Value};

/// Annotations that kustomize, or functions it runs, keep their books in.
const INTERNAL: &str = "internal.config.kubernetes.io/";
const INTERNAL_NAMES: &[&str] = &[
    "allowKindChange",
    "allowNameChange",
    "annotations-migration-resource-id",
    "generatorBehavior",
    "helm-generated",
    "id",
    "index",
    "needsHashSuffix",
    "path",
    "prefixes",
    "previousKinds",
    "previousNames",
    "previousNamespaces",
    "refBy",
    "seqindent",
    "suffixes",
];
const LEGACY: &[&str] = &["config.k8s.io/id", "config.kubernetes.io/index", "config.kubernetes.io/path"];

/// Which annotations about the build stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kept {
    origins: bool,
    transformations: bool,
}

impl Kept {
    fn keeps(self, name: &str) -> bool {
        match name {
            ORIGIN => self.origins,
            TRANSFORMATIONS => self.transformations,
            _ => match name.strip_prefix(INTERNAL) {
                Some(name) => !INTERNAL_NAMES.contains(&name),
                None => !LEGACY.contains(&name),
            },
        }
    }
}

/// Removes the annotations of the build and makes all others strings
/// (kustomize's `RemoveBuildAnnotations` and what follows it).
///
/// kustomize writes annotations anew here, with these effects: values of any other type become
/// strings with the text they were written in, maps and lists among them become empty, a list of
/// names and values becomes a map, and no annotations at all leave no field behind.
///
/// # Errors
/// An annotation without a name, and a list that does not come in pairs.
pub(crate) fn finish_resource(
    resource: &mut Resource,
    origins: bool,
    transformations: bool,
) -> Result<(), BuildError> {
    let kept = Kept { origins, transformations };
    let finished = finish(&mut resource.node, kept);
    finished.map_err(|error| error.field("metadata.annotations").about(resource.written_id()))
}

fn finish(node: &mut Node, kept: Kept) -> Result<(), BuildError> {
    // Only what is removed for certain is looked for even where nothing is to be found.
    let sure = !(kept.origins && kept.transformations);
    let Some(root) = node.as_map_mut() else { return Ok(()) };
    let metadata = if sure {
        root.get_or_insert_with("metadata", || Node::map(Map::new()))
    } else {
        match root.get_mut("metadata") {
            Some(metadata) => metadata,
            None => return Ok(()),
        }
    };
    let Some(metadata) = metadata.as_map_mut() else { return Ok(()) };
    let Some(annotations) = metadata.get_mut("annotations") else { return Ok(()) };
    let mut map = match std::mem::replace(&mut annotations.value, Value::Scalar(Scalar::null())) {
        Value::Map(map) => map,
        Value::Seq(items) => paired(items.iter()).map_err(|error| error.at(annotations.pos))?,
        Value::Scalar(scalar) => {
            annotations.value = Value::Scalar(scalar);
            if sure {
                metadata.remove("annotations");
            }
            return Ok(());
        }
    };
    if map.is_empty() && !sure {
        annotations.value = Value::Map(map);
        return Ok(());
    }
    rewrite(&mut map, kept)?;
    if map.is_empty() {
        metadata.remove("annotations");
    } else {
        annotations.value = Value::Map(map);
    }
    Ok(())
}

fn rewrite(map: &mut Map, kept: Kept) -> Result<(), BuildError> {
    map.retain(|entry| kept.keeps(entry.key.as_str()));
    for Entry { key, value } in map.iter_mut() {
        check_name(key)?;
        key.scalar.set_tag(Tag::None);
        key.scalar.set_style(Style::Plain);
        match &mut value.value {
            Value::Scalar(scalar) => {
                scalar.set_tag(Tag::Str);
                scalar.set_style(if scalar.text().contains('\n') { Style::Literal } else { Style::Plain });
            }
            other => *other = Value::Scalar(Scalar::string("")),
        }
    }
    Ok(())
}

/// kustomize forgets that a name was in quotes, and then refuses what is no string without.
fn check_name(name: &Key) -> Result<(), BuildError> {
    let text = name.as_str();
    let message = match resolve(text) {
        Tag::Str => return Ok(()),
        Tag::Null if text.is_empty() => "an annotation has no name".to_owned(),
        Tag::Null => format!("an annotation has the name `{text}`, which reads as null"),
        Tag::Bool => format!("an annotation has the name `{text}`, which reads as a boolean"),
        Tag::Timestamp => format!("an annotation has the name `{text}`, which reads as a date"),
        _ => format!("an annotation has the name `{text}`, which reads as a number"),
    };
    let error = BuildError::new(ErrorKind::Resource, message).at(name.pos);
    Err(error.with_help(
        "kustomize refuses such names even in quotes; give the name a prefix, as in `example.com/`",
    ))
}

/// kustomize reads a list as it reads a map: a name, its value, a name, its value.
fn paired<'n>(mut items: impl Iterator<Item = &'n Node>) -> Result<Map, BuildError> {
    let mut map = Map::new();
    while let Some(name) = items.next() {
        let Some(value) = items.next() else {
            let message = "annotations are written as a list";
            return Err(BuildError::new(ErrorKind::Resource, message)
                .at(name.pos)
                .with_help("annotations are a map of names and values"));
        };
        let scalar = name.as_scalar().cloned().unwrap_or_default();
        map.remove(name.text());
        map.push(Key { pos: name.pos, scalar }, value.clone());
    }
    Ok(map)
}
