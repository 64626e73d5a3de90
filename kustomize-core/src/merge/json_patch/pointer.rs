//! JSON pointers, as kustomize follows them.

use super::Effort;
use crate::yaml::{Key, Map, Node, Seq, Value, through_json};

/// A pointer: where to go, and the last step.
#[derive(Debug)]
pub(super) struct Pointer {
    parents: Vec<String>,
    pub(super) last: String,
}

/// What a pointer leads to: the map or list that holds it.
#[derive(Debug)]
pub(super) struct Container<'n> {
    pub(super) node: &'n mut Node,
    /// Whether the way leads through maps only, none of which anything but patches changes, so that
    /// [`LongMaps`](crate::resource::LongMaps) may know it.
    is_tracked: bool,
}

impl Pointer {
    /// Parses a pointer. Whatever stands before the first slash does not count; without a slash
    /// there is no pointer.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (_, steps) = text.split_once('/')?;
        let mut parents: Vec<String> = steps.split('/').map(unescape).collect();
        let last = parents.pop()?;
        Some(Pointer { parents, last })
    }

    /// How deep the pointer leads.
    pub(super) fn depth(&self) -> usize {
        self.parents.len() + 1
    }

    /// Whether it leads into `metadata`.
    pub(super) fn is_in_metadata(&self) -> bool {
        self.parents.first().unwrap_or(&self.last) == "metadata"
    }

    /// The map or list that holds what the pointer points at.
    ///
    /// # Errors
    /// The pointer up to the first step that leads nowhere.
    pub(super) fn container<'n>(
        &self,
        document: &'n mut Node,
        effort: &mut Effort<'_>,
    ) -> Result<Container<'n>, NoWay<'_>> {
        let mut container = Container { node: document, is_tracked: false };
        for (at, step) in self.parents.iter().enumerate() {
            let is_in_list = container.node.as_seq().is_some();
            let position = container.position(&self.parents[..at], step, effort);
            let next = match &mut container.node.value {
                Value::Map(map) => value_at(map, position),
                Value::Seq(list) => position.and_then(|at| list.get_mut(at)),
                Value::Scalar(_) => None,
            };
            match next {
                Some(node) if node.as_scalar().is_none() => {
                    let is_tracked =
                        if at == 0 { step != "metadata" } else { container.is_tracked && !is_in_list };
                    container = Container { node, is_tracked };
                }
                _ => return Err(NoWay { steps: &self.parents[..=at] }),
            }
        }
        if let Value::Seq(list) = &container.node.value {
            // Those behind the item make room for it, or close the gap.
            effort.passed += list.len() - index(list, &self.last).unwrap_or(list.len());
        }
        Ok(container)
    }

    /// The position of the last step in its container.
    pub(super) fn position(&self, container: &Container<'_>, effort: &mut Effort<'_>) -> Option<usize> {
        container.position(&self.parents, &self.last, effort)
    }

    /// Puts a value into the map that is the container, in place of an old one if there is one.
    pub(super) fn put(&self, container: Container<'_>, value: Node, effort: &mut Effort<'_>) {
        let position = self.position(&container, effort);
        let Value::Map(map) = &mut container.node.value else { return };
        match value_at(map, position) {
            Some(old) => {
                *old = value;
                effort.long_maps.replaced(&self.parents, &self.last);
            }
            None => {
                let mut key = Key::new(&self.last);
                // What cannot be read may be removed again.
                effort.is_read &= through_json::is_readable_key(&key.scalar);
                through_json::read_key(&mut key.scalar);
                effort.is_settled &= through_json::is_settled_key(&key.scalar);
                map.push(key, value);
                effort.long_maps.pushed(&self.parents, &self.last);
            }
        }
    }

    /// Takes a value out of the map that is the container.
    pub(super) fn take(&self, container: &mut Container<'_>, effort: &mut Effort<'_>) -> Option<Node> {
        let position = self.position(container, effort)?;
        let map = container.node.as_map_mut()?;
        effort.long_maps.removed(&self.parents, &self.last);
        effort.long_maps.replaced(&self.parents, &self.last);
        Some(map.remove_at(position).value)
    }

    /// What the pointer leads to, or the first list on the way; none if there is nothing. Says also how
    /// deep that is. The pointer must not lead into `metadata`.
    pub(super) fn part<'n>(
        &self,
        document: &'n mut Node,
        effort: &mut Effort<'_>,
    ) -> Option<(&'n mut Node, usize)> {
        let mut container = Container { node: document, is_tracked: false };
        for (at, step) in self.parents.iter().chain([&self.last]).enumerate() {
            if container.node.as_map().is_none() {
                return Some((container.node, at));
            }
            let position = container.position(&self.parents[..at], step, effort);
            let node = container.node.as_map_mut().and_then(|map| value_at(map, position))?;
            container = Container { node, is_tracked: true };
        }
        Some((container.node, self.depth()))
    }
}

impl Container<'_> {
    /// The position of what a step names in the container, which is at `path`.
    fn position(&self, path: &[String], step: &str, effort: &mut Effort<'_>) -> Option<usize> {
        match &self.node.value {
            Value::Map(map) if self.is_tracked => {
                effort.long_maps.position(path, map, step, &mut effort.passed)
            }
            Value::Map(map) => {
                effort.passed += map.len();
                map.position(step)
            }
            Value::Seq(list) => index(list, step),
            Value::Scalar(_) => None,
        }
    }
}

fn value_at(map: &mut Map, position: Option<usize>) -> Option<&mut Node> {
    map.as_mut_slice().get_mut(position?).map(|entry| &mut entry.value)
}

/// The steps that could not be taken to their end.
#[derive(Debug)]
pub(super) struct NoWay<'p> {
    steps: &'p [String],
}

impl NoWay<'_> {
    /// The steps, as a pointer.
    pub(super) fn path(&self) -> String {
        self.steps.iter().fold(String::new(), |path, step| {
            format!("{path}/{}", step.replace('~', "~0").replace('/', "~1"))
        })
    }
}

/// The index that a step means in a list; negative ones count from its end.
pub(super) fn index(list: &Seq, step: &str) -> Option<usize> {
    within(step, list.len())
}

/// The index at which a step adds to a list: `-` and -1 are its end.
pub(super) fn insertion_index(list: &Seq, step: &str) -> Option<usize> {
    if step == "-" { Some(list.len()) } else { within(step, list.len() + 1) }
}

fn within(step: &str, count: usize) -> Option<usize> {
    let at: i64 = step.parse().ok()?;
    let at = if at < 0 { i64::try_from(count).ok()? + at } else { at };
    usize::try_from(at).ok().filter(|at| *at < count)
}

fn unescape(step: &str) -> String {
    let mut text = String::with_capacity(step.len());
    let mut rest = step;
    while let Some(at) = rest.find('~') {
        text.push_str(&rest[..at]);
        let (decoded, length) = match rest.as_bytes().get(at + 1) {
            Some(b'0') => ("~", 2),
            Some(b'1') => ("/", 2),
            _ => ("~", 1),
        };
        text.push_str(decoded);
        rest = &rest[at + length..];
    }
    text.push_str(rest);
    text
}
