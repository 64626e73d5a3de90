//! Documents in scalars: a replacement's path may go on within a text that holds JSON or YAML.

mod comments;
mod emit;
mod json;
mod opaque;
mod scalar;

use super::layout::{DOCUMENT, Layout};
use super::lists::Lists;
use super::matches::{EmptyText, Matches, Shape};
use super::path::{Part, Path, Target};
use crate::transform::lookup::{self, Found};
use crate::yaml::{self, Node, Scalar, Sources, Style, Tag, Value};

pub(super) use scalar::text as scalar_text;

/// Puts a value into a field of a document that stands in a scalar on the way of the path. Says
/// whether there was such a field; nothing has changed otherwise.
pub(super) fn put(
    value: &Node,
    path: &Path,
    create: Option<Shape>,
    root: &mut Node,
    lists: &mut Lists,
    sources: &Sources,
) -> bool {
    let Some((way, text)) = changed_text(value, path, create, root, lists, sources) else { return false };
    let mut node = root;
    for found in way {
        match found.of_mut(node) {
            Some(next) => node = next,
            None => return false,
        }
    }
    if let Some(scalar) = node.as_scalar_mut() {
        scalar.set_text(text);
    }
    true
}

/// The way to the scalar that holds a document, and its new text.
fn changed_text(
    value: &Node,
    path: &Path,
    create: Option<Shape>,
    root: &Node,
    lists: &mut Lists,
    sources: &Sources,
) -> Option<(Vec<Found>, String)> {
    let mut node = root;
    let (mut way, mut place) = (Vec::new(), Vec::new());
    for (depth, part) in (1..path.parts.len()).zip(&path.parts) {
        let found = find(node, part, &place, lists)?;
        node = found.of(node)?;
        way.push(found);
        match found {
            Found::Here => {}
            Found::Entry(at) | Found::Item(at) => place.push(at),
        }
        if let Some(scalar) = node.as_scalar()
            && let Some(document) = Document::parse(scalar.text())
        {
            let rest = path.parts.get(depth..)?;
            return Some((way, document.with(value, rest, create, sources)?));
        }
    }
    None
}

/// Where a part of a path leads from a node at a place.
fn find(node: &Node, part: &Part, place: &[usize], lists: &mut Lists) -> Option<Found> {
    if let (Value::Seq(items), Target::Matching { field, value, .. }) = (&node.value, &part.target)
        && let Some(known) = lists.first_equal(place, items.as_slice(), field, value)
    {
        return known.map(Found::Item);
    }
    lookup::find(node, &part.text).ok().flatten()
}

/// A document that stands in a scalar.
struct Document<'t> {
    text: &'t str,
    root: Node,
}

impl<'t> Document<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        parse(text).map(|root| Document { text, root })
    }

    /// The document's text with a value put into all fields that the path means.
    fn with(
        mut self,
        value: &Node,
        path: &[Part],
        create: Option<Shape>,
        sources: &Sources,
    ) -> Option<String> {
        let mut set = |field: &mut Node| {
            match &mut field.value {
                Value::Scalar(scalar) if !emit::is_alias(scalar) => scalar.set_text(value.text()),
                _ => field.clone_from(value),
            }
            Ok(())
        };
        let found = Matches {
            create,
            layout: Layout { sources, document: self.text },
            empty_text: EmptyText::Never,
            lists: None,
            place: Vec::new(),
            has_created: false,
            set: &mut set,
        }
        .visit(&mut self.root, path)
        .ok()?;
        if !found {
            return None;
        }
        if is_json(self.text.trim_start()) {
            let is_pretty = self.text.contains('\n') && self.text.contains("  ");
            json::write(&self.root, is_pretty)
        } else {
            Some(emit::emit(&self.root, Layout { sources, document: self.text }).trim().to_owned())
        }
    }
}

/// The first document of a text; none when it is not YAML or holds nothing.
pub(super) fn parse(text: &str) -> Option<Node> {
    let start = text.trim();
    if start.is_empty() {
        return None;
    }
    if matches!(start, "~" | "null" | "Null" | "NULL") {
        return Some(Node::scalar(Scalar::new(start, Tag::Null, Style::Plain)));
    }
    if is_json(start) {
        // Written as JSON, which has neither aliases nor tags.
        return yaml::read(text, DOCUMENT).ok()?.into_iter().next();
    }
    if start.starts_with('%') && start.contains("%TAG") {
        // The tags could not be written without the directive.
        return None;
    }
    yaml::read_as_written(text, DOCUMENT).ok()?.filter(|root| !root.is_null())
}

/// Whether kustomize writes a document as JSON.
fn is_json(text: &str) -> bool {
    text.starts_with(['{', '['])
}

/// A tree as kustomize's YAML library writes it.
pub(super) fn to_yaml(node: &Node, layout: Layout<'_>) -> String {
    emit::emit(node, layout)
}

#[cfg(test)]
mod tests;
