//! JSON patches (RFC 6902), as kustomize applies them: with evanphx/json-patch v4, on the
//! resource's JSON form.

mod apply;
mod equal;
mod parse;
mod pointer;
mod resource;
mod settled;
#[cfg(test)]
mod settled_tests;
#[cfg(test)]
mod tests;

use crate::error::{BuildError, ErrorKind};
use crate::resource::{FormState, JsonForm, LongMaps};
use crate::yaml::{FileId, Node, Pos, SourceText, Tag, Value, reader, through_json};

/// The operations of a patch, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct JsonPatch {
    operations: Vec<Operation>,
    /// For a patch written in JSON: its text, in which values keep their spelling.
    source: Option<(FileId, SourceText)>,
}

/// What the operations of a patch know, and what they have cost so far.
#[derive(Debug)]
struct Effort<'f> {
    /// Values copied.
    copied: usize,
    /// Fields and items passed on the ways to what they change.
    passed: usize,
    /// Where the keys of long maps are.
    long_maps: &'f mut LongMaps,
    /// Whether values are read from JSON as they are added; else the whole resource is read at the end.
    reads_values: bool,
    /// Whether all values added so far could be read.
    is_read: bool,
    /// Whether all values added so far are settled ([`FormState::Settled`]).
    is_settled: bool,
}

impl<'f> Effort<'f> {
    fn new(long_maps: &'f mut LongMaps) -> Self {
        Effort { copied: 0, passed: 0, long_maps, reads_values: false, is_read: true, is_settled: true }
    }
}

/// One operation. Its parts are looked at when it is applied.
#[derive(Clone, Debug)]
struct Operation {
    pos: Pos,
    op: Option<Node>,
    path: Option<Node>,
    from: Option<Node>,
    value: Option<Node>,
}

impl JsonPatch {
    /// Reads a patch: JSON when its first character is `[`, else YAML, of which the first document
    /// counts.
    ///
    /// # Errors
    /// The text is neither, or no list of maps.
    pub(crate) fn read(text: &SourceText, file: FileId) -> Result<Self, BuildError> {
        let (root, source) = if text.starts_with('[') {
            (Some(parse::parse(text, file)?), Some((file, text.clone())))
        } else {
            (reader::read_config(text, file)?, None)
        };
        let Some(root) = root.filter(|root| !root.is_null()) else { return Ok(JsonPatch::default()) };
        let Value::Seq(list) = root.value else {
            return Err(malformed("a JSON patch must be a list of operations", root.pos));
        };
        let operations = list.into_items().into_iter().map(Operation::new).collect::<Result<_, _>>()?;
        Ok(JsonPatch { operations, source })
    }

    /// Whether there are no operations.
    pub(crate) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Applies the operations to a resource. On the way it becomes JSON and is read again, as in
    /// kustomize: all numbers become floats, timestamps become strings. Where earlier patches have
    /// left the resource such that this changes nothing, only what the operations touch is converted.
    ///
    /// # Errors
    /// An operation does not apply, or the resource cannot be written as JSON.
    pub(crate) fn apply(&self, resource: &mut Node, form: &mut JsonForm) -> Result<(), BuildError> {
        let state = std::mem::take(&mut form.state);
        let state = match state {
            FormState::Patched => settled::state_of(resource),
            state => state,
        };
        form.state = match (state, self.touched()) {
            (FormState::Settled, Some(touched)) => {
                self.apply_to_settled(resource, touched, &mut form.long_maps)?
            }
            (FormState::Unsettled, _) => {
                self.apply_to_whole(resource, &mut form.long_maps)?;
                FormState::Unsettled
            }
            _ => {
                self.apply_to_whole(resource, &mut form.long_maps)?;
                FormState::Patched
            }
        };
        Ok(())
    }

    fn apply_to_whole(&self, resource: &mut Node, long_maps: &mut LongMaps) -> Result<(), BuildError> {
        long_maps.clear();
        through_json::write(resource)?;
        let mut effort = Effort::new(long_maps);
        for operation in &self.operations {
            self.apply_one(operation, resource, &mut effort)?;
        }
        if resource.as_map().is_none() {
            return Err(malformed(
                "the patch replaces the whole resource by something that is no map",
                resource.pos,
            ));
        }
        through_json::read(resource)?;
        Ok(())
    }
}

impl Operation {
    fn new(node: Node) -> Result<Self, BuildError> {
        let Node { pos, value } = node;
        let mut operation = Operation { pos, op: None, path: None, from: None, value: None };
        let map = match value {
            Value::Map(map) => map,
            Value::Scalar(scalar) if scalar.tag() == Tag::Null => return Ok(operation),
            _ => return Err(malformed("each operation of a JSON patch must be a map", pos)),
        };
        for entry in map.into_entries() {
            match entry.key.as_str() {
                "op" => operation.op = Some(entry.value),
                "path" => operation.path = Some(entry.value),
                "from" => operation.from = Some(entry.value),
                "value" => operation.value = Some(entry.value),
                _ => {}
            }
        }
        Ok(operation)
    }
}

fn malformed(message: &str, pos: Pos) -> BuildError {
    BuildError::new(ErrorKind::Patch, message).at(pos).with_help(
        "a JSON patch looks like `- {op: replace, path: /spec/replicas, value: 3}`, one such line for each operation",
    )
}
