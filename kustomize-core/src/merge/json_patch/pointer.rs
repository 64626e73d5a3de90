//! JSON pointers, as the reference follows them.

use crate::yaml::{Map, Node, Seq, Value};

/// A pointer: where to go, and the last step.
#[derive(Debug)]
pub(super) struct Pointer {
    parents: Vec<String>,
    pub(super) last: String,
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

    /// The map or list that holds what the pointer points at. `passed` grows by the number of fields
    /// and items that may have to be passed on the way and in it.
    ///
    /// # Errors
    /// The pointer up to the first step that leads nowhere, and the node before it.
    pub(super) fn container<'n>(
        &self,
        document: &'n mut Node,
        passed: &mut usize,
    ) -> Result<&'n mut Node, NoWay<'_>> {
        let mut node = document;
        for (at, step) in self.parents.iter().enumerate() {
            let no_way = NoWay { steps: &self.parents[..=at] };
            *passed += node.as_map().map_or(0, Map::len);
            let next = match &mut node.value {
                Value::Map(map) => map.get_mut(step),
                Value::Seq(list) => index(list, step).and_then(|at| list.get_mut(at)),
                Value::Scalar(_) => None,
            };
            match next {
                Some(next) if next.as_scalar().is_none() => node = next,
                _ => return Err(no_way),
            }
        }
        *passed += match &node.value {
            Value::Map(map) => map.len(),
            // Those behind the item make room for it, or close the gap.
            Value::Seq(list) => list.len() - index(list, &self.last).unwrap_or(list.len()),
            Value::Scalar(_) => 0,
        };
        Ok(node)
    }
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
