//! Whether a validator kept its hands off.

use super::{History, Resource, ResourceSet};
use crate::collections::IndexMap;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::yaml::{Node, Str, Value};

/// The only thing that a validator may leave behind.
const VALIDATED_BY: &str = "validated-by";

/// Refuses a validator that changed any resource; the label `validated-by` is not counted
/// (kustomize's `removeValidatedByLabel` and `ErrorIfNotEqualSets`).
///
/// As in kustomize a value that was written anew is changed, even if it says the same, and so
/// are labels when `validated-by` stands among others. The order of the resources does not count.
///
/// # Errors
/// What changed.
pub(crate) fn expect_unchanged(
    before: &ResourceSet,
    after: &ResourceSet,
    cx: &Context,
) -> Result<(), BuildError> {
    let schema = cx.schema();
    let changed = |what: String| {
        BuildError::new(ErrorKind::Validator, format!("a validator may not change resources: {what}"))
    };
    if before.len() != after.len() {
        return Err(changed(format!("there were {} and now there are {}", before.len(), after.len())));
    }
    let key = |resource: &Resource| {
        let id = resource.id(schema);
        (Str::from(id.effective_namespace()), id.name, id.gvk)
    };
    let mut others: IndexMap<_, (&Resource, u32)> =
        IndexMap::with_capacity_and_hasher(after.len(), Default::default());
    for resource in after.iter() {
        others.entry(key(resource)).or_insert((resource, 0)).1 += 1;
    }
    for resource in before.iter() {
        let about = |error: BuildError| error.at(resource.node.pos).about(resource.id(schema));
        match others.get(&key(resource)) {
            None => return Err(about(changed("one is gone".to_owned()))),
            Some((_, 2..)) => return Err(about(changed("there are two of one id".to_owned()))),
            Some((other, _)) => {
                if !same(resource, other) {
                    return Err(about(changed("this one is not what it was".to_owned())));
                }
            }
        }
    }
    Ok(())
}

fn same(before: &Resource, after: &Resource) -> bool {
    let rest: Vec<(Str, Str)> = after
        .labels()
        .filter(|(name, _)| *name != VALIDATED_BY)
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let same_history = same_history(&before.history, &after.history);
    if after.labels().count() == rest.len() {
        return same_history && identical(&before.node, &after.node);
    }
    let mut after = after.clone();
    after.set_labels(rest);
    same_history && identical(&before.node, &after.node)
}

/// Names of vars apart, which kustomize does not keep in the tree.
fn same_history(a: &History, b: &History) -> bool {
    fn kept(history: &History) -> impl PartialEq {
        let History { previous, prefixes, suffixes, behavior, .. } = history;
        let History { needs_hash, allow_name_change, allow_kind_change, .. } = history;
        (previous, prefixes, suffixes, behavior, needs_hash, allow_name_change, allow_kind_change)
    }
    kept(a) == kept(b)
}

/// Whether two trees are the same down to where their nodes were read.
fn identical(a: &Node, b: &Node) -> bool {
    a.pos == b.pos
        && match (&a.value, &b.value) {
            (Value::Scalar(a), Value::Scalar(b)) => a == b,
            (Value::Seq(a), Value::Seq(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| identical(a, b))
            }
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| {
                        a.key.pos == b.key.pos
                            && a.key.scalar == b.key.scalar
                            && identical(&a.value, &b.value)
                    })
            }
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Entry, FileId, Key, Map, Pos};

    #[test]
    fn trees_are_the_same_down_to_their_keys() {
        let (here, there) = (Pos::new(FileId::new(0), 1), Pos::new(FileId::new(0), 2));
        let tree = |key: &str, pos, value: &str| {
            let key = Key { pos, ..Key::new(key) };
            Node::map(Map::from_entries(vec![Entry { key, value: Node::untyped(value) }]))
        };
        let tree_of_one = tree("k", here, "v");
        assert!(identical(&tree_of_one, &tree("k", here, "v")));
        for other in [tree("k", there, "v"), tree("l", here, "v"), tree("k", here, "w")] {
            assert!(!identical(&tree_of_one, &other), "{other:?}");
        }
    }
}
