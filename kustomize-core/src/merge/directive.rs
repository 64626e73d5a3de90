//! `$patch` directives.

use super::path::Path;
use crate::error::{BuildError, ErrorKind};
use crate::yaml::{Map, Node, Seq, Value};

/// The key of a directive.
pub(super) const KEY: &str = "$patch";

/// What a `$patch` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Directive {
    Merge,
    Replace,
    Delete,
}

impl Directive {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "merge" => Some(Directive::Merge),
            "replace" => Some(Directive::Replace),
            "delete" => Some(Directive::Delete),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Directive::Merge => "merge",
            Directive::Replace => "replace",
            Directive::Delete => "delete",
        }
    }

    /// The directive of a map: the value of its field `$patch`.
    pub(super) fn of_map(map: &Map, path: &Path<'_>) -> Result<Option<Self>, BuildError> {
        let Some(node) = map.get(KEY) else { return Ok(None) };
        Directive::parse(node.text()).map(Some).ok_or_else(|| unknown(node, path))
    }

    /// The directive of a map that is added, where an unknown one is taken for an ordinary field.
    pub(super) fn of_added_map(map: &Map) -> Option<Self> {
        Directive::parse(map.get(KEY)?.text())
    }

    /// The directive of a list: an element that has `$patch` and nothing else. Where the first
    /// element with a `$patch` has other fields too, it speaks for itself and the list has none.
    pub(super) fn of_list(list: &Seq, path: &Path<'_>) -> Result<Option<Self>, BuildError> {
        let first = list.iter().find_map(|item| {
            let map = item.as_map()?;
            Some((map, map.get(KEY)?))
        });
        match first {
            Some((map, node)) if map.len() == 1 => {
                Directive::parse(node.text()).map(Some).ok_or_else(|| unknown(node, path))
            }
            _ => Ok(None),
        }
    }

    /// Whether an element stays in a list when the list's directive is taken out: all that carry
    /// the same directive go, and with them the empty ones.
    pub(super) fn leaves(self, item: &Node) -> bool {
        match &item.value {
            Value::Map(map) => {
                !map.is_empty() && map.get(KEY).is_none_or(|directive| directive.text() != self.as_str())
            }
            _ => !item.is_null(),
        }
    }
}

/// Whether a patch replaces or removes the map at a path, or a map below the root that holds it, as
/// a whole.
pub(crate) fn replaces(patch: &Node, path: &[&str]) -> bool {
    let Some(map) = patch.as_map() else { return patch.is_null() };
    let Some((field, rest)) = path.split_first() else { return false };
    map.get(field).is_some_and(|node| {
        let directive = node.as_map().and_then(Directive::of_added_map);
        matches!(directive, Some(Directive::Replace | Directive::Delete)) || replaces(node, rest)
    })
}

/// Takes the directives out of a patch that has taken effect, as kustomize does: a second
/// walk through it must not find them.
pub(super) fn strip(patch: &mut Node) {
    match &mut patch.value {
        Value::Scalar(_) => {}
        Value::Seq(list) => list.iter_mut().for_each(strip),
        Value::Map(map) => {
            if Directive::of_added_map(map).is_some() {
                map.remove(KEY);
            }
            map.iter_mut().for_each(|entry| strip(&mut entry.value));
        }
    }
}

fn unknown(node: &Node, path: &Path<'_>) -> BuildError {
    BuildError::new(ErrorKind::Patch, format!("unknown patch directive `$patch: {}`", node.text()))
        .at(node.pos)
        .field(path.field("$patch").to_string())
        .with_help("`$patch` knows `merge`, `replace` and `delete`")
}
