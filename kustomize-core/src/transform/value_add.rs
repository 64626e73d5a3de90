//! `ValueAddTransformer`: puts one value into many fields.

use std::sync::Arc;

use super::config::{decode, read_file};
use super::lookup::{Found, find};
use super::replacement::{in_brackets, split};
use super::{Files, NamespaceTransformer, Transformer};
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::host::path;
use crate::kustomization::Selector;
use crate::resource::{Resource, ResourceSet};
use crate::selector::Matcher;
use crate::yaml::decode::{Rules, Spanned, fields, from_node};
use crate::yaml::{Key, Map, Node, Scalar, Seq, Value};

/// Puts a value into fields of the resources that are selected.
#[derive(Clone, Debug)]
pub(crate) struct ValueAddTransformer {
    value: String,
    targets: Vec<Spanned<ValueTarget>>,
}

#[derive(Clone, Debug, Default)]
struct ValueTarget {
    selector: Option<Selector>,
    field_path: String,
    file_path_position: i64,
}

fields!(ValueTarget { selector, field_path = "fieldPath", file_path_position = "filePathPosition" });

#[derive(Default)]
struct Config {
    value: String,
    targets: Vec<Spanned<ValueTarget>>,
    target_file_path: Spanned<String>,
}

fields!(Config { value, targets, target_file_path = "targetFilePath" });

#[derive(Default)]
struct TargetFile {
    targets: Vec<Spanned<ValueTarget>>,
}

fields!(TargetFile { targets });

/// No path may be longer: each part may make a level of nesting.
const MAX_PARTS: usize = 500;

impl ValueAddTransformer {
    /// From a configuration of this kind. `root` is the directory of the kustomization: without a
    /// value, its name is the value.
    ///
    /// # Errors
    /// No targets, a target without a path or with a negative position, a file of targets that
    /// cannot be read.
    pub(crate) fn from_config(config: &Node, root: &str, files: &dyn Files) -> Result<Self, BuildError> {
        let Config { value, mut targets, target_file_path } = decode(config)?;
        let value = match value.trim() {
            "" => path::base_name(root).to_owned(),
            value => value.to_owned(),
        };
        if !target_file_path.is_empty()
            && let Some(file) = read_file(&target_file_path, files)?
        {
            let more: TargetFile = from_node(&file, Rules::FILE)
                .map_err(|error| BuildError::decode(ErrorKind::Transformer, error))?;
            targets.extend(more.targets);
        }
        if targets.is_empty() {
            return Err(error("there is no target to add the value to").at(config.pos));
        }
        for target in &targets {
            if target.field_path.is_empty() {
                return Err(error("a target needs a `fieldPath`").at(target.pos));
            }
            if target.file_path_position < 0 {
                return Err(error("`filePathPosition` may not be negative").at(target.pos));
            }
        }
        Ok(ValueAddTransformer { value, targets })
    }

    fn add(&self, target: &ValueTarget, resource: &mut Resource, cx: &Context) -> Result<(), BuildError> {
        if target.field_path == "metadata/namespace" {
            return NamespaceTransformer::new(&self.value, &[]).apply_to(resource, cx.schema());
        }
        let added = self.add_to_field(target, &mut resource.node);
        resource.settle_links();
        added.map_err(|error| error.field(target.field_path.as_str()).about(resource.written_id()))
    }

    fn add_to_field(&self, target: &ValueTarget, root: &mut Node) -> Result<(), BuildError> {
        let parts = split_fields(&target.field_path);
        if parts.len() > MAX_PARTS {
            return Err(error("the path has too many parts"));
        }
        let Some(field) = find_or_create(root, &parts)? else {
            return match target.file_path_position {
                0 => Ok(()),
                _ => Err(error("the path leads nowhere")),
            };
        };
        let pos = field.pos;
        let value = match usize::try_from(target.file_path_position).unwrap_or_default() {
            0 => self.value.clone(),
            position => insert_path_part(field.text(), position - 1, &self.value),
        };
        field
            .set_scalar(Scalar::untyped(value))
            .map_err(|_| error("a value can be added to a scalar only").at(pos))
    }
}

impl Transformer for ValueAddTransformer {
    fn transform(&self, set: &mut ResourceSet, cx: &Context) -> Result<(), BuildError> {
        for target in &self.targets {
            let selected = match &target.selector {
                None => (0..set.len()).collect(),
                Some(selector) => Matcher::new(selector)?.select(set, cx.schema())?,
            };
            for at in selected {
                if let Some(resource) = set.list_mut().get_mut(at).map(Arc::make_mut) {
                    self.add(target, resource, cx).map_err(|error| error.at(target.pos))?;
                }
            }
        }
        Ok(())
    }
}

/// Splits a path at slashes that have no backslash before them.
fn split_fields(path: &str) -> Vec<String> {
    // A slash at the start is dropped when fields are looked up anyway.
    split(path, '/').into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// The field at the end of a path; what is missing is made, except for items of lists that are
/// named by their position.
fn find_or_create<'a>(root: &'a mut Node, parts: &[String]) -> Result<Option<&'a mut Node>, BuildError> {
    let mut node = root;
    for (at, part) in parts.iter().enumerate() {
        let found = match find(node, part)? {
            Some(found) => found,
            None => match create(node, part, parts.get(at + 1)) {
                Some(created) => created,
                None => return Ok(None),
            },
        };
        match found.of_mut(node) {
            Some(next) => node = next,
            None => return Ok(None),
        }
    }
    Ok(Some(node))
}

/// Makes what a part of a path names.
fn create(node: &mut Node, part: &str, next: Option<&String>) -> Option<Found> {
    match (&mut node.value, in_brackets(part)) {
        (Value::Seq(seq), Some(selector)) => {
            let (field, value) = selector.split_once('=')?;
            let value = Node::untyped(value);
            seq.push(if field.is_empty() {
                value
            } else {
                let mut map = Map::new();
                map.push(Key::new(field), value);
                Node::map(map)
            });
            Some(Found::Item(seq.len() - 1))
        }
        (Value::Map(map), None) => {
            let value = match next {
                None => Node::untyped(""),
                Some(next) if in_brackets(next).is_some() || is_index(next) => Node::seq(Seq::new()),
                Some(_) => Node::map(Map::new()),
            };
            map.push(Key::new(part), value);
            Some(Found::Entry(map.len() - 1))
        }
        _ => None,
    }
}

fn is_index(part: &str) -> bool {
    part.parse::<i64>().is_ok_and(|index| index >= 0)
}

/// Inserts a part into a file path. Too large a position means the end. An absolute path stays one.
fn insert_path_part(path: &str, position: usize, part: &str) -> String {
    let mut parts = split_path(path);
    let mut at = position.min(parts.len());
    if parts.first().is_some_and(|first| first.is_empty()) && at < parts.len() {
        at += 1;
    }
    parts.insert(at, part);
    let is_absolute = parts.first().is_some_and(|first| first.is_empty());
    let joined = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/");
    let clean = path::clean(&joined);
    if is_absolute { format!("/{clean}") } else { clean }
}

/// kustomize's `PathSplit`: an empty first part for an absolute path.
fn split_path(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (directory, name) =
            rest.rsplit_once('/').map_or(("", rest), |(_, name)| rest.split_at(rest.len() - name.len()));
        if directory == "/" {
            if !name.is_empty() {
                parts.push(name);
            }
            parts.push("");
            break;
        }
        parts.push(name);
        rest = directory.strip_suffix('/').unwrap_or(directory);
    }
    parts.reverse();
    parts
}

fn error(message: &str) -> BuildError {
    BuildError::new(ErrorKind::Transformer, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_may_have_so_many_parts() {
        let transformer = ValueAddTransformer { value: "x".to_owned(), targets: Vec::new() };
        for (count, is_allowed) in [(MAX_PARTS, true), (MAX_PARTS + 1, false)] {
            let target = ValueTarget { field_path: vec!["a"; count].join("/"), ..ValueTarget::default() };
            let added = transformer.add_to_field(&target, &mut Node::map(Map::new()));
            assert_eq!(added.is_ok(), is_allowed, "{count} parts");
        }
    }

    #[test]
    fn inserts_path_parts_as_kustomize_does() {
        // Expectations: kustomize's documentation of InsertPathPart.
        for (old, new, position) in [
            ("", "PEACH", 0),
            ("/", "/PEACH", 0),
            ("pie", "PEACH/pie", 0),
            ("/pie", "/PEACH/pie", 0),
            ("raw", "raw/PEACH", 1),
            ("/raw", "/raw/PEACH", 1),
            ("a/nice/warm/pie", "a/nice/warm/PEACH/pie", 3),
            ("/a/nice/warm/pie", "/a/nice/warm/PEACH/pie", 3),
            ("a/b", "a/b/PEACH", 9999),
        ] {
            assert_eq!(insert_path_part(old, position, "PEACH"), new, "{old} {position}");
        }
    }
}
