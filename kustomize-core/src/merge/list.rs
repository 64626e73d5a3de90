//! Lists that merge: by the keys that the schema names, or by value.

use std::borrow::Cow;

use super::path::Path;
use super::strategic::{Merged, Walk, With};
use super::{by_value, irregular};
use crate::collections::IndexMap;
use crate::error::BuildError;
use crate::schema::Shape;
use crate::yaml::{Node, Seq, Value};

impl<'s> Walk<'s> {
    /// Walks a list that is merged with nothing or with itself.
    pub(super) fn list(
        self,
        list: &mut Seq,
        with: With<'_>,
        keys: &[&str],
        shape: Option<Shape<'s>>,
        path: &Path<'_>,
    ) -> Result<(), BuildError> {
        if keys.is_empty() && by_value::merge(list, &[]) {
            return Ok(());
        }
        if Keys::regular(keys, &list.iter().collect::<Vec<_>>(), &[]).is_none() {
            return irregular::merge(self, list, with, keys, shape, path);
        }
        let shape = shape.and_then(Shape::elements);
        let mut failure = None;
        list.retain(|item| match self.walk(item, with, shape, path) {
            _ if failure.is_some() => true,
            Ok(Merged::Cleared) => false,
            Ok(_) => true,
            Err(error) => {
                failure = Some(error);
                true
            }
        });
        failure.map_or(Ok(()), Err)
    }

    /// Merges the elements of a patch into those of a list: elements with the same keys merge, new
    /// ones come first.
    pub(super) fn merge_list(
        self,
        list: &mut Seq,
        changes: &[&Node],
        keys: &[&str],
        shape: Option<Shape<'s>>,
        path: &Path<'_>,
    ) -> Result<(), BuildError> {
        if keys.is_empty() && by_value::merge(list, changes) {
            return Ok(());
        }
        let items: Vec<&Node> = list.iter().collect();
        let Some(valid) = Keys::regular(keys, &items, changes) else {
            return irregular::merge_with(self, list, changes, keys, shape, path);
        };
        let positions = valid.positions(&items);
        let partners: Vec<Option<usize>> =
            changes.iter().map(|change| positions.get(&valid.of(change)).copied()).collect();
        drop(positions);
        drop(items);

        let shape = shape.and_then(Shape::elements);
        let mut old: Vec<Option<Node>> = std::mem::take(list).into_items().into_iter().map(Some).collect();
        let mut merged = Vec::with_capacity(old.len() + changes.len());
        // kustomize moves what was there behind what is new; with one key, elements that the patch has
        // too keep the patch's order.
        let mut behind = Vec::new();
        for (change, partner) in changes.iter().zip(partners) {
            let Some(mut item) = partner.and_then(|at| old.get_mut(at)?.take()) else {
                merged.extend(self.added(change, shape, path)?);
                continue;
            };
            match self.walk(&mut item, With::Patch(change), shape, path)? {
                Merged::Cleared => {}
                // kustomize puts the list's own element back over a replacement.
                Merged::Kept | Merged::Replaced(_) if valid.count() > 1 => {
                    behind.push((partner.unwrap_or_default(), item));
                }
                Merged::Kept | Merged::Replaced(_) => merged.push(item),
            }
        }
        for (at, item) in old.into_iter().enumerate() {
            let Some(mut item) = item else { continue };
            if !matches!(self.walk(&mut item, With::Nothing, shape, path)?, Merged::Cleared) {
                behind.push((at, item));
            }
        }
        behind.sort_by_key(|(at, _)| *at);
        merged.extend(behind.into_iter().map(|(_, item)| item));
        *list = Seq::from_items(merged);
        Ok(())
    }
}

/// The merge keys that elements of a list really have.
struct Keys<'k>(Vec<&'k str>);

impl<'k> Keys<'k> {
    /// The keys of a list in which every element has all of those keys that any element has, and
    /// no two elements of the list, or of the patch, have the same. Lists by value are regular when
    /// they hold distinct strings.
    fn regular(keys: &[&'k str], items: &[&Node], changes: &[&Node]) -> Option<Self> {
        let all = || items.iter().chain(changes);
        let keys = match keys {
            [] => return None,
            [key] => vec![*key],
            keys => keys.iter().copied().filter(|key| all().any(|item| has(item, key))).collect(),
        };
        let keys = Keys(keys);
        if keys.0.is_empty() || !all().all(|item| keys.0.iter().all(|key| has(item, key))) {
            return None;
        }
        let distinct = |list: &[&Node]| list.len() < 2 || keys.positions(list).len() == list.len();
        (distinct(items) && distinct(changes)).then_some(keys)
    }

    fn count(&self) -> usize {
        self.0.len()
    }

    /// The element's values for the keys, as one text.
    fn of<'n>(&self, item: &'n Node) -> Cow<'n, str> {
        let value = |key: &str| item.get(key).map_or("", Node::text);
        match self.0.as_slice() {
            [key] => Cow::Borrowed(value(key)),
            keys => Cow::Owned(keys.iter().flat_map(|key| [value(key), "\0"]).collect()),
        }
    }

    fn positions<'n>(&self, list: &[&'n Node]) -> IndexMap<Cow<'n, str>, usize> {
        list.iter().enumerate().map(|(at, item)| (self.of(item), at)).collect()
    }
}

/// Whether an element has a key, with a value that counts.
fn has(item: &Node, key: &str) -> bool {
    match item.get(key).map(|value| &value.value) {
        Some(Value::Scalar(scalar)) => scalar.tag() != crate::yaml::Tag::Null && !scalar.text().is_empty(),
        _ => false,
    }
}
