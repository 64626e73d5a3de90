//! Following a path from field to field, as sources of replacements and targets of
//! `ValueAddTransformer` do (kustomize's `PathGetter`).

use crate::error::{BuildError, ErrorKind};
use crate::yaml::{Node, Value};

use super::replacement::in_brackets;

/// Where a part of a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nowhere further: the part is blank.
    Here,
    /// To an entry of a map.
    Entry(usize),
    /// To an item of a list.
    Item(usize),
}

/// Where a part of a path leads from a node; none when there is no such thing.
///
/// # Errors
/// The node is of another shape than the part expects.
pub(crate) fn find(node: &Node, part: &str) -> Result<Option<Found>, BuildError> {
    let part = part.trim();
    if part.is_empty() {
        return Ok(Some(Found::Here));
    }
    if part == "*" {
        return Err(error("`*` cannot be used here", node));
    }
    if part == "-" {
        let items = items(node)?;
        return match items.len().checked_sub(1) {
            Some(last) => Ok(Some(Found::Item(last))),
            None => Err(error("`-` means the last item, but the list is empty", node)),
        };
    }
    if let Ok(index) = part.parse::<i64>() {
        let Ok(index) = usize::try_from(index) else {
            return Err(error("an index may not be negative", node));
        };
        return Ok((index < items(node)?.len()).then_some(Found::Item(index)));
    }
    if let Some(selector) = in_brackets(part) {
        let Some((field, value)) = selector.split_once('=') else {
            return Err(error("brackets must hold `field=value`", node));
        };
        let is_it = |item: &Node| match item.as_map() {
            _ if field.is_empty() => item.text() == value,
            Some(map) => map.get(field).is_some_and(|found| found.text() == value),
            None => false,
        };
        return Ok(items(node)?.iter().position(is_it).map(Found::Item));
    }
    match &node.value {
        Value::Map(map) => Ok(map.position(part).map(Found::Entry)),
        _ if node.is_null() => Ok(None),
        _ => Err(error("a map is expected here", node)),
    }
}

fn items(node: &Node) -> Result<&[Node], BuildError> {
    match &node.value {
        Value::Seq(seq) => Ok(seq.as_slice()),
        _ if node.is_null() => Ok(&[]),
        _ => Err(error("a list is expected here", node)),
    }
}

impl Found {
    /// The node that it leads to.
    pub(crate) fn of(self, node: &Node) -> Option<&Node> {
        match self {
            Found::Here => Some(node),
            Found::Entry(at) => node.as_map()?.as_slice().get(at).map(|entry| &entry.value),
            Found::Item(at) => node.as_seq()?.get(at),
        }
    }

    /// The node that it leads to.
    pub(crate) fn of_mut(self, node: &mut Node) -> Option<&mut Node> {
        match self {
            Found::Here => Some(node),
            Found::Entry(at) => node.as_map_mut()?.as_mut_slice().get_mut(at).map(|entry| &mut entry.value),
            Found::Item(at) => node.as_seq_mut()?.get_mut(at),
        }
    }
}

/// The node at the end of a path; none when there is nothing.
///
/// # Errors
/// A node on the way is of another shape than the path expects.
pub(crate) fn get<'a>(
    root: &'a Node,
    parts: impl Iterator<Item = &'a str>,
) -> Result<Option<&'a Node>, BuildError> {
    let mut node = root;
    for part in parts {
        match find(node, part)?.and_then(|found| found.of(node)) {
            Some(next) => node = next,
            None => return Ok(None),
        }
    }
    Ok(Some(node))
}

fn error(message: &str, node: &Node) -> BuildError {
    BuildError::new(ErrorKind::Transformer, message).at(node.pos)
}
