//! Lists that merge although some of their elements lack a key, have it twice, or are no maps.
//!
//! What comes out of such a list follows from the order in which kustomize looks up, removes
//! and appends elements, which is not always what one would wish for: an element without its only
//! key, for example, makes those with it disappear. So its steps are taken one by one.
//! They cost the square of the list's length; lists of any length are regular in practice.

use super::directive;
use super::path::Path;
use super::strategic::{Merged, Walk, With};
use crate::collections::IndexSet;
use crate::error::{BuildError, ErrorKind};
use crate::schema::Shape;
use crate::yaml::{Map, Node, Scalar, Seq, Str, Tag, Value};

/// Merges a list with nothing or with itself.
pub(super) fn merge<'s>(
    walk: Walk<'s>,
    list: &mut Seq,
    with: With<'_>,
    keys: &[&str],
    shape: Option<Shape<'s>>,
    path: &Path<'_>,
) -> Result<(), BuildError> {
    let patch = match with {
        With::Itself => Patch::Same,
        With::Nothing | With::Patch(_) => Patch::None,
    };
    Elements::new(list, &[], patch).run(walk, list, keys, shape, path)
}

/// Merges a list with the elements of a patch.
pub(super) fn merge_with<'s>(
    walk: Walk<'s>,
    list: &mut Seq,
    changes: &[&Node],
    keys: &[&str],
    shape: Option<Shape<'s>>,
    path: &Path<'_>,
) -> Result<(), BuildError> {
    Elements::new(list, changes, Patch::Other).run(walk, list, keys, shape, path)
}

/// Where the patch's elements are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patch {
    None,
    /// They are the list's own.
    Same,
    Other,
}

/// Elements, in a pool that lists point into: kustomize's lists share their elements.
struct Elements {
    pool: Vec<Node>,
    list: Vec<usize>,
    changes: Vec<usize>,
    patch: Patch,
}

/// A value for each key.
type Values = Vec<Str>;

impl Elements {
    fn new(list: &mut Seq, changes: &[&Node], patch: Patch) -> Self {
        let mut pool = std::mem::take(list).into_items();
        let count = pool.len();
        pool.extend(changes.iter().map(|change| (*change).clone()));
        let changes = (count..pool.len()).collect();
        Elements { pool, list: (0..count).collect(), changes, patch }
    }

    fn run<'s>(
        mut self,
        walk: Walk<'s>,
        list: &mut Seq,
        keys: &[&str],
        shape: Option<Shape<'s>>,
        path: &Path<'_>,
    ) -> Result<(), BuildError> {
        let keys = if keys.is_empty() { &[""] } else { keys };
        let mut all = self.values(keys);
        if keys.len() > 1 {
            complete(&mut all);
        }
        let valid = valid_keys(keys, &all);
        let valid_names: Vec<&str> = valid.iter().map(|at| keys[*at]).collect();
        let shape = shape.and_then(Shape::elements);
        let mut items = Vec::new();
        for values in &all {
            let wanted: Values = valid.iter().map(|at| values[*at].clone()).collect();
            let merged = self.merge_one(walk, &valid_names, &wanted, shape, path)?;
            match merged.filter(|at| !is_nothing(&self.pool[*at])) {
                None => self.list = self.set(&self.list, None, &valid_names, &wanted, path)?,
                Some(at) => {
                    self.ensure_keys(at, &valid_names, &wanted);
                    items = self.set(&items, Some(at), &valid_names, &wanted, path)?;
                }
            }
        }
        if !all.is_empty() {
            self.list = self.append(items, &valid_names, path)?;
        }
        *list = Seq::from_items(self.list.iter().map(|at| self.pool[*at].clone()).collect());
        Ok(())
    }

    /// The values that identify elements, the patch's first, each once.
    fn values(&self, keys: &[&str]) -> Vec<Values> {
        let mut seen = IndexSet::default();
        let changes = if self.patch == Patch::Same { &self.list } else { &self.changes };
        let mut all = Vec::new();
        for at in changes.iter().chain(&self.list) {
            let item = &self.pool[*at];
            let value = |key: &&str| match *key {
                "" => Str::from(item.text()),
                key => match item.get(key) {
                    Some(value) if !value.is_nil_or_empty() => value.text().into(),
                    _ => Str::default(),
                },
            };
            let values: Values = keys.iter().map(value).collect();
            if seen.insert(values.clone()) {
                all.push(values);
            }
        }
        all
    }

    /// Merges the elements that one set of values finds; returns the outcome's place in the pool.
    fn merge_one<'s>(
        &mut self,
        walk: Walk<'s>,
        keys: &[&str],
        values: &[Str],
        shape: Option<Shape<'s>>,
        path: &Path<'_>,
    ) -> Result<Option<usize>, BuildError> {
        let old = self.find(&self.list, keys, values);
        let new = match self.patch {
            Patch::None => None,
            Patch::Same => old,
            Patch::Other => self.find(&self.changes, keys, values),
        };
        let (at, with) = match (old, new) {
            (None, None) => return Ok(None),
            (None, Some(new)) => {
                let added = walk.added(&self.pool[new], shape, path)?;
                directive::strip(&mut self.pool[new]);
                let Some(node) = added else { return Ok(None) };
                self.pool[new] = node;
                return Ok(Some(new));
            }
            (Some(old), None) => (old, With::Nothing),
            (Some(old), Some(new)) if old == new => (old, With::Itself),
            (Some(old), Some(new)) => {
                let mut node = std::mem::replace(&mut self.pool[old], Node::null());
                let merged = walk.walk(&mut node, With::Patch(&self.pool[new]), shape, path);
                self.pool[old] = node;
                directive::strip(&mut self.pool[new]);
                return Ok(match merged? {
                    Merged::Cleared => None,
                    Merged::Kept => Some(old),
                    Merged::Replaced(node) => {
                        self.pool[new] = node;
                        Some(new)
                    }
                });
            }
        };
        Ok(match walk.walk(&mut self.pool[at], with, shape, path)? {
            Merged::Cleared => None,
            Merged::Kept | Merged::Replaced(_) => Some(at),
        })
    }

    /// The first element with these values (kustomize's `ElementMatcher`); keys whose value is
    /// empty do not count, unless all are.
    fn find(&self, list: &[usize], keys: &[&str], values: &[Str]) -> Option<usize> {
        let all_empty = values.iter().all(|value| value.is_empty());
        let pairs = || keys.iter().zip(values).filter(|(_, value)| all_empty || !value.is_empty());
        list.iter().copied().find(|at| {
            let item = &self.pool[*at];
            if keys.first().is_none_or(|key| key.is_empty()) {
                return Some(item.text()) == values.first().map(Str::as_str);
            }
            item.as_map().is_some_and(|map| {
                pairs().all(|(key, value)| map.get(key).is_some_and(|field| field.text() == value))
            })
        })
    }

    /// Gives an element the values by which it was found. It is a map, or a plain value where there is
    /// no key.
    fn ensure_keys(&mut self, at: usize, keys: &[&str], values: &[Str]) {
        for (key, value) in keys.iter().zip(values) {
            let item = &mut self.pool[at];
            if value.is_empty() || item.get(key).is_some() {
                continue;
            }
            match &mut item.value {
                Value::Scalar(scalar) => *scalar = Scalar::new(value, Tag::None, scalar.style()),
                Value::Map(map) => map.set_field(key, Node::untyped(value)),
                Value::Seq(_) => {}
            }
        }
    }

    /// Replaces, removes or appends an element (kustomize's `ElementSetter`).
    fn set(
        &self,
        list: &[usize],
        element: Option<usize>,
        keys: &[&str],
        values: &[Str],
        path: &Path<'_>,
    ) -> Result<Vec<usize>, BuildError> {
        let for_maps = keys.first().is_some_and(|key| !key.is_empty())
            && values.first().is_some_and(|value| !value.is_empty());
        let mut result = Vec::with_capacity(list.len() + 1);
        let mut found_any = false;
        for &at in list {
            let item = &self.pool[at];
            if is_nothing(item) {
                continue;
            }
            if for_maps && item.as_map().is_none() {
                result.push(at);
                continue;
            }
            if !matches(item, keys, values, path)? {
                if !values.is_empty() {
                    result.push(at);
                }
                continue;
            }
            found_any = true;
            result.extend(element);
        }
        if let Some(element) = element
            && !self.pool[element].is_null()
            && !found_any
        {
            result.push(element);
        }
        Ok(result)
    }

    /// Puts what is left of the list behind the items, each element in the place of the one with
    /// the same values (kustomize's `appendListNode`).
    fn append(
        &self,
        mut items: Vec<usize>,
        keys: &[&str],
        path: &Path<'_>,
    ) -> Result<Vec<usize>, BuildError> {
        for &at in &self.list {
            let item = &self.pool[at];
            if keys.first().is_none_or(|key| key.is_empty()) {
                items = self.set(&items, Some(at), &[""], &[item.text().into()], path)?;
                continue;
            }
            let mut values = Values::new();
            for key in keys {
                if !item.is_null() && item.as_map().is_none() {
                    return Err(wrong_element(item, path));
                }
                match item.get(key) {
                    None => items.push(at),
                    Some(value) => values.push(value.text().into()),
                }
            }
            if keys.len() > 1 {
                items = self.set(&items, None, keys, &values, path)?;
            }
            items = self.set(&items, Some(at), keys, &values, path)?;
        }
        Ok(items)
    }
}

/// Whether an element has all of the values that there are; an empty value matches any.
fn matches(item: &Node, keys: &[&str], values: &[Str], path: &Path<'_>) -> Result<bool, BuildError> {
    for (key, value) in keys.iter().zip(values) {
        let found = match (&item.value, key.is_empty()) {
            (Value::Scalar(scalar), true) => scalar.text() == *value,
            (Value::Map(map), false) => {
                map.get(key).is_some_and(|field| value.is_empty() || field.text() == value)
            }
            _ => return Err(wrong_element(item, path)),
        };
        if !found {
            return Ok(false);
        }
    }
    Ok(!values.is_empty())
}

/// Fills in values that one element leaves open from another with which it agrees otherwise, step
/// by step as kustomize does (its `mergeValues`).
fn complete(all: &mut [Values]) {
    for i in 0..all.len() {
        let first = all[i].clone();
        for j in 0..all.len() {
            if let Some(values) = agreed(&first, &all[j]) {
                all[i].clone_from(&values);
                all[j] = values;
            }
        }
    }
}

/// What two lists of values agree on: they have one value in common, and differ only where one of
/// them is empty.
fn agreed(first: &[Str], second: &[Str]) -> Option<Values> {
    let mut common = false;
    let mut values = Values::with_capacity(first.len());
    for (a, b) in first.iter().zip(second) {
        if a == b {
            common = true;
        } else if !a.is_empty() && !b.is_empty() {
            return None;
        }
        values.push(if a.is_empty() { b.clone() } else { a.clone() });
    }
    common.then_some(values)
}

/// Indexes of the keys for which any element has a value; all keys when there is none.
fn valid_keys(keys: &[&str], all: &[Values]) -> Vec<usize> {
    let has_value = |at: &usize| all.iter().any(|values| !values[*at].is_empty());
    let valid: Vec<usize> = (0..keys.len()).filter(has_value).collect();
    if valid.is_empty() { (0..keys.len()).collect() } else { valid }
}

/// Null and the empty map are no elements.
fn is_nothing(node: &Node) -> bool {
    node.is_null() || node.as_map().is_some_and(Map::is_empty)
}

fn wrong_element(item: &Node, path: &Path<'_>) -> BuildError {
    let (found, expected) = match item.value {
        Value::Map(_) => ("a map", "plain values"),
        Value::Seq(_) => ("a list", "maps"),
        Value::Scalar(_) => ("a plain value", "maps"),
    };
    BuildError::new(
        ErrorKind::Patch,
        format!("the list holds {found} among {expected}, so it cannot be merged"),
    )
    .at(item.pos)
    .field(path.to_string())
}
