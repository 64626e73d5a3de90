//! Finding all fields that a target's path means (kustomize's `PathMatcher`).

use std::borrow::Cow;

use super::layout::Layout;
use super::lists::Lists;
use super::path::{Part, Path, Target};
use super::structured;
use crate::error::{BuildError, ErrorKind};
use crate::pattern::{BadPattern, Pattern};
use crate::resource::NodeStep;
use crate::yaml::{Key, Map, Node, Scalar, Seq, Style, Tag, Value};

/// What to make of a field that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Scalar,
    Map,
    List,
}

impl Shape {
    pub(crate) fn of(node: &Node) -> Self {
        match &node.value {
            Value::Scalar(_) => Shape::Scalar,
            Value::Map(_) => Shape::Map,
            Value::Seq(_) => Shape::List,
        }
    }

    fn node(self) -> Node {
        match self {
            Shape::Scalar => Node::scalar(Scalar::untyped("")),
            Shape::Map => Node::map(Map::new()),
            Shape::List => Node::seq(Seq::new()),
        }
    }
}

/// An empty text without a type, or in the place of a null, is null. Within flow style, however, kustomize writes it with
/// quotes, and reads a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EmptyText {
    /// There will be none.
    Never,
    /// It is null.
    Null,
    /// It is a string.
    Quoted,
}

/// A walk to all fields that a path means.
pub(crate) struct Matches<'a> {
    /// The shape of the field at the end, when missing parts are to be made.
    pub(crate) create: Option<Shape>,
    pub(super) layout: Layout<'a>,
    /// What to do about an empty text in a field that was made.
    pub(super) empty_text: EmptyText,
    /// What is known about the lists of the tree, if it is a resource's.
    pub(super) lists: Option<&'a mut Lists>,
    /// The positions of entries and items that lead to where the walk is.
    pub(super) place: Vec<usize>,
    /// Whether a missing part was made.
    pub(super) has_created: bool,
    /// What to do with each field.
    pub(crate) set: &'a mut dyn FnMut(&mut Node) -> Result<(), BuildError>,
}

impl Matches<'_> {
    /// Calls `set` on each field. Says whether there was any.
    ///
    /// # Errors
    /// Those of `set`; a value on the way of another shape than the path expects.
    pub(crate) fn visit(&mut self, node: &mut Node, path: &[Part]) -> Result<bool, BuildError> {
        if self.empty_text != EmptyText::Null || !self.layout.is_flow(node) {
            return self.follow(node, path);
        }
        self.empty_text = EmptyText::Quoted;
        let found = self.follow(node, path);
        self.empty_text = EmptyText::Null;
        found
    }

    /// Goes on in an entry or item.
    fn enter(&mut self, at: usize, node: &mut Node, path: &[Part]) -> Result<bool, BuildError> {
        self.place.push(at);
        let found = self.visit(node, path);
        self.place.pop();
        found
    }

    fn end(&mut self, node: &mut Node) -> Result<(), BuildError> {
        (self.set)(node)?;
        match &mut node.value {
            Value::Scalar(scalar)
                if self.empty_text == EmptyText::Quoted
                    && scalar.text().is_empty()
                    && matches!(scalar.tag(), Tag::None | Tag::Null) =>
            {
                *scalar = Scalar::new("", Tag::Str, Style::SingleQuoted);
            }
            _ => {}
        }
        Ok(())
    }

    fn follow(&mut self, node: &mut Node, path: &[Part]) -> Result<bool, BuildError> {
        let Some((part, rest)) = path.split_first() else {
            self.end(node)?;
            return Ok(true);
        };
        match &part.target {
            Target::Field => self.field(node, &part.text, rest),
            Target::Item(index) => self.item(node, *index, rest),
            Target::Every => {
                let mut found = false;
                for (at, item) in items(node)?.iter_mut().enumerate() {
                    found |= self.enter(at, item, rest)?;
                }
                Ok(found)
            }
            Target::Matching { field, value, pattern } => {
                let selector = Selector { field, value, pattern };
                self.matching(node, &selector, rest)
            }
            Target::BadSelector => Err(error("brackets must hold `field=value`", node)),
        }
    }

    fn field(&mut self, node: &mut Node, name: &str, rest: &[Part]) -> Result<bool, BuildError> {
        let pos = node.pos;
        let map = match &mut node.value {
            Value::Map(map) if !name.is_empty() => map,
            // Nothing can be seen of what is put into a null.
            Value::Scalar(scalar) if scalar.tag() == Tag::Null => return Ok(self.create.is_some()),
            Value::Map(_) => return Err(error("the path has an empty part", node)),
            _ => return Err(error("the path names a field, but this is not a map", node)),
        };
        let at = match (map.position(name), self.create) {
            (Some(at), _) => at,
            (None, None) => return Ok(false),
            (None, Some(last)) => {
                self.has_created = true;
                map.push(Key::new(name), shape_before(rest, last).node());
                map.len() - 1
            }
        };
        let Some(field) = map.as_mut_slice().get_mut(at).map(|entry| &mut entry.value) else {
            return Ok(false);
        };
        if rest.is_empty() || field.as_scalar().is_none() {
            return self.enter(at, field, rest);
        }
        let lists = self.lists.take();
        let found = self.inside_scalar(field, rest);
        self.lists = lists;
        found.map_err(|error| error.at(pos))
    }

    /// A path that goes on within a scalar means a document in it. What is set there is lost, as
    /// in kustomize: documents are changed elsewhere, and this is the way for paths that
    /// cannot be followed there.
    fn inside_scalar(&mut self, field: &Node, rest: &[Part]) -> Result<bool, BuildError> {
        if field.is_null() {
            return match field.text() {
                "" => Err(error("the path goes on, but there is nothing here", field)),
                _ => self.visit(&mut Node::null(), rest),
            };
        }
        match structured::parse(field.text()) {
            Some(mut document) => {
                // Its own positions are those of a text within a file.
                self.visit(&mut document, rest).map_err(|error| error.moved_to(field.pos))
            }
            None => Err(error("the path goes on, but there is no document in this text", field)),
        }
    }

    fn item(&mut self, node: &mut Node, index: usize, rest: &[Part]) -> Result<bool, BuildError> {
        let length = items(node)?.len();
        if index == length
            && let Some(last) = self.create
        {
            self.has_created = true;
            match &mut node.value {
                Value::Seq(seq) => seq.push(shape_before(rest, last).node()),
                _ => return Ok(true),
            }
        }
        match items(node)?.get_mut(index) {
            Some(item) => self.enter(index, item, rest),
            None => {
                Err(error(&format!("the path names item {index}, but the list has {length} items"), node))
            }
        }
    }

    fn matching(
        &mut self,
        node: &mut Node,
        selector: &Selector<'_>,
        rest: &[Part],
    ) -> Result<bool, BuildError> {
        let found = self.matching_items(node, selector, rest)?;
        if found || self.create.is_none() {
            return Ok(found);
        }
        self.has_created = true;
        self.lists.iter_mut().for_each(|lists| lists.forget());
        let value = Node::untyped(selector.value);
        let item = if selector.field.is_empty() {
            value
        } else {
            let mut map = Map::new();
            map.push(Key::new(selector.field), value);
            Node::map(map)
        };
        match &mut node.value {
            Value::Seq(seq) => seq.push(item),
            _ => return Ok(true),
        }
        if self.matching_items(node, selector, rest)? {
            return Ok(true);
        }
        // kustomize would go on adding items for ever.
        let message =
            format!("an item for `{}` was added to the list, but does not match it", selector.value);
        Err(error(&message, node))
    }

    fn matching_items(
        &mut self,
        node: &mut Node,
        selector: &Selector<'_>,
        rest: &[Part],
    ) -> Result<bool, BuildError> {
        let items = items(node)?;
        let literal = selector.pattern.as_ref().ok().and_then(Pattern::contained);
        let candidates = match (&mut self.lists, literal) {
            (Some(lists), Some(text)) => lists.containing(&self.place, items, selector.field, text),
            _ => None,
        };
        let mut found = false;
        match candidates {
            Some(candidates) => {
                for at in candidates {
                    if let Some(item) = items.get_mut(at) {
                        found |= self.matching_item(at, item, selector, rest)?;
                    }
                }
            }
            None => {
                for (at, item) in items.iter_mut().enumerate() {
                    found |= self.matching_item(at, item, selector, rest)?;
                }
            }
        }
        Ok(found)
    }

    fn matching_item(
        &mut self,
        at: usize,
        item: &mut Node,
        selector: &Selector<'_>,
        rest: &[Part],
    ) -> Result<bool, BuildError> {
        if selector.field.is_empty() {
            let is_match = selector.is_match(item, self.layout)?;
            if is_match {
                // Whatever the path says after a scalar does not count.
                self.end(item)?;
            }
            return Ok(is_match);
        }
        match item.get(selector.field) {
            Some(value) if selector.is_match(value, self.layout)? => self.enter(at, item, rest),
            _ => Ok(false),
        }
    }
}

/// Whether a write to a path replaces what is at a place in a tree, or something around it.
pub(super) fn covers(path: &Path, root: &Node, place: &[NodeStep], layout: Layout<'_>) -> bool {
    let mut node = Some(root);
    let mut is_on_the_way = |(part, step): (&Part, &NodeStep)| match step {
        NodeStep::Field(name) => {
            node = node.and_then(|node| node.get(name.as_str()));
            part.text == name.as_str()
        }
        NodeStep::Item(at) => {
            node = node.and_then(Node::as_seq).and_then(|items| items.get(*at));
            match &part.target {
                Target::Item(index) => index == at,
                Target::Every => true,
                Target::Matching { field, value, pattern } => {
                    let selector = Selector { field, value, pattern };
                    let text = node.and_then(|item| item.get(field));
                    text.is_some_and(|text| selector.is_match(text, layout).unwrap_or_default())
                }
                Target::BadSelector | Target::Field => false,
            }
        }
    };
    path.parts.len() <= place.len() && path.parts.iter().zip(place).all(&mut is_on_the_way)
}

/// `[field=pattern]`
struct Selector<'a> {
    field: &'a str,
    value: &'a str,
    pattern: &'a Result<Pattern, BadPattern>,
}

impl Selector<'_> {
    /// Whether a value matches. It is its YAML that the pattern is held against.
    fn is_match(&self, node: &Node, layout: Layout<'_>) -> Result<bool, BuildError> {
        let text = match node.as_scalar() {
            Some(scalar) => structured::scalar_text(scalar),
            None => Cow::Owned(structured::to_yaml(node, layout)),
        };
        match self.pattern {
            Ok(pattern) => Ok(pattern.is_match(text.trim())),
            Err(bad) => Err(error(&bad.to_string(), node)),
        }
    }
}

/// The shape of a value that must take the rest of a path.
fn shape_before(rest: &[Part], last: Shape) -> Shape {
    match rest.first() {
        None => last,
        Some(next) if next.is_in_list() => Shape::List,
        Some(next) if next.text.is_empty() => last,
        Some(_) => Shape::Map,
    }
}

fn items(node: &mut Node) -> Result<&mut [Node], BuildError> {
    match &node.value {
        Value::Seq(_) => {}
        Value::Scalar(scalar) if scalar.tag() == Tag::Null => {}
        _ => return Err(error("the path names items of a list, but this is not a list", node)),
    }
    Ok(node.as_seq_mut().map(|seq| seq.as_mut_slice()).unwrap_or_default())
}

fn error(message: &str, node: &Node) -> BuildError {
    BuildError::new(ErrorKind::Replacement, message).at(node.pos)
}
