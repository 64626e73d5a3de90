//! Operations on values with types: merging an applied configuration, comparing, removing.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fieldset::{Element, FieldSet};
use crate::schema::{Merge, Shape, Type};

/// What differs between two values.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) added: FieldSet,
    pub(crate) modified: FieldSet,
    pub(crate) removed: FieldSet,
}

/// How a value is walked: the declared type where there is one, otherwise what it looks like.
enum Form {
    Leaf,
    Map,
    List,
}

fn form(of: Type<'_>, value: &Value) -> Form {
    match of.shape() {
        Shape::Object { .. } | Shape::Map(_) if of.is_atomic() => Form::Leaf,
        Shape::Object { .. } | Shape::Map(_) => match value {
            Value::Object(_) | Value::Null => Form::Map,
            _ => Form::Leaf,
        },
        Shape::List(_) => match (of.merge(), value) {
            (Merge::Atomic, _) => Form::Leaf,
            (_, Value::Array(_) | Value::Null) => Form::List,
            _ => Form::Leaf,
        },
        Shape::Any if value.is_object() && !of.is_atomic() => Form::Map,
        _ => Form::Leaf,
    }
}

/// The path element of a list's item.
pub(crate) fn item_element(list: Type<'_>, item: &Value, index: usize) -> Element {
    match list.merge() {
        Merge::Set => Element::Value(item.to_string()),
        Merge::Keys(keys) => {
            let mut found = Vec::new();
            for key in keys {
                let value = match item.get(key) {
                    Some(value) => Some(value),
                    None => list.items().declared(key).and_then(|field| field.node().default.as_ref()),
                };
                if let Some(value) = value {
                    found.push((key.clone(), value.to_string()));
                }
            }
            found.sort();
            if found.is_empty() { Element::Index(index) } else { Element::Key(found) }
        }
        Merge::Atomic => Element::Index(index),
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// All fields that a value sets.
pub(crate) fn fields_of(of: Type<'_>, value: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    match form(of, value) {
        Form::Leaf => {}
        Form::Map => {
            for (key, child) in entries(value) {
                add_fields(
                    &mut set,
                    Element::Field(key.clone()),
                    of.field(key),
                    child,
                    of.declared(key).is_none() || is_void(child),
                );
            }
        }
        Form::List => {
            for (index, child) in items(value).iter().enumerate() {
                add_fields(&mut set, item_element(of, child, index), of.items(), child, true);
            }
        }
    }
    set
}

fn is_void(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

fn add_fields(set: &mut FieldSet, element: Element, of: Type<'_>, value: &Value, member: bool) {
    let leaf = value.is_null() || matches!(form(of, value), Form::Leaf);
    if leaf || member {
        set.members.insert(element.clone());
    }
    if !leaf {
        set.attach(element, fields_of(of, value));
    }
}

/// Merges `config` into `live`: what `config` says wins, the rest stays.
pub(crate) fn merge(of: Type<'_>, live: &Value, config: &Value) -> Value {
    let live_form = form(of, live);
    match (form(of, config), live_form) {
        (Form::Map, Form::Map) if config.is_object() && live.is_object() => {
            let mut merged = live.as_object().cloned().unwrap_or_default();
            for (key, value) in entries(config) {
                let value = match merged.get(key) {
                    Some(old) => merge(of.field(key), old, value),
                    None => value.clone(),
                };
                merged.insert(key.clone(), value);
            }
            Value::Object(merged)
        }
        (Form::List, Form::List) if config.is_array() && live.is_array() => {
            merge_lists(of, items(live), items(config))
        }
        _ => config.clone(),
    }
}

/// Merges two keyed lists. Items of `config` keep its order; items only in `live` keep their
/// place among the shared ones.
fn merge_lists(of: Type<'_>, live: &[Value], config: &[Value]) -> Value {
    let left: Vec<Element> =
        live.iter().enumerate().map(|(index, item)| item_element(of, item, index)).collect();
    let right: Vec<Element> =
        config.iter().enumerate().map(|(index, item)| item_element(of, item, index)).collect();
    let in_left: BTreeMap<&Element, &Value> = left.iter().zip(live).rev().collect();
    let in_right: BTreeMap<&Element, &Value> = right.iter().zip(config).collect();
    let shared: Vec<&Element> = right.iter().filter(|element| in_left.contains_key(element)).collect();
    let mut next_shared = 0;
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut at_left, mut at_right) = (0, 0);
    while at_left < left.len() || at_right < right.len() {
        if let (Some(mine), Some(theirs)) = (left.get(at_left), right.get(at_right)) {
            if mine == theirs {
                merged.push(merge(of.items(), &live[at_left], &config[at_right]));
                at_left += 1;
                at_right += 1;
                if shared.get(next_shared).is_some_and(|element| *element == theirs) {
                    next_shared += 1;
                }
                continue;
            }
            if in_right.contains_key(mine) && shared.get(next_shared).is_some_and(|element| *element != mine)
            {
                at_left += 1;
                continue;
            }
        }
        if let Some(mine) = left.get(at_left) {
            if !in_right.contains_key(mine) {
                merged.push(live[at_left].clone());
                at_left += 1;
                continue;
            }
            if at_right >= right.len() {
                at_left += 1;
                continue;
            }
        }
        if let Some(theirs) = right.get(at_right) {
            let item = match in_left.get(theirs) {
                Some(old) => merge(of.items(), old, &config[at_right]),
                None => config[at_right].clone(),
            };
            merged.push(item);
            at_right += 1;
            if shared.get(next_shared).is_some_and(|element| *element == theirs) {
                next_shared += 1;
            }
        }
    }
    Value::Array(merged)
}

/// Compares two values of a type.
pub(crate) fn compare(of: Type<'_>, old: &Value, new: &Value) -> Comparison {
    let mut comparison = Comparison::default();
    compare_at(of, Some(old), Some(new), &mut Vec::new(), &mut comparison);
    comparison
}

fn compare_at(
    of: Type<'_>,
    old: Option<&Value>,
    new: Option<&Value>,
    path: &mut Vec<Element>,
    out: &mut Comparison,
) {
    let Some(shown) = new.filter(|value| !value.is_null()).or(old).or(new) else { return };
    let empty = |value: Option<&Value>| match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(_) => false,
    };
    let same_form = match (old, new) {
        (Some(old), Some(new)) if !old.is_null() && !new.is_null() => {
            std::mem::discriminant(&form(of, old)) == std::mem::discriminant(&form(of, new))
        }
        _ => true,
    };
    let form = form(of, shown);
    if matches!(form, Form::Leaf) || !same_form || (empty(old) && empty(new)) {
        match (old, new) {
            (None, _) => out.added.insert(path),
            (_, None) => out.removed.insert(path),
            (Some(old), Some(new)) if old != new => out.modified.insert(path),
            _ => {}
        }
        return;
    }
    match form {
        Form::Map => {
            let (before, after) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
            let more = before
                .into_iter()
                .flatten()
                .filter(|(key, _)| !after.is_some_and(|after| after.contains_key(*key)));
            for (key, _) in after.into_iter().flatten().chain(more) {
                path.push(Element::Field(key.clone()));
                let (old, new) = (before.and_then(|map| map.get(key)), after.and_then(|map| map.get(key)));
                compare_at(of.field(key), old, new, path, out);
                path.pop();
            }
        }
        Form::List => {
            let index = |value: Option<&'_ Value>| -> BTreeMap<Element, Value> {
                let list = value.map_or(&[][..], items);
                list.iter()
                    .enumerate()
                    .map(|(index, item)| (item_element(of, item, index), item.clone()))
                    .collect()
            };
            let (before, after) = (index(old), index(new));
            let more = before.keys().filter(|element| !after.contains_key(*element));
            for element in after.keys().chain(more) {
                path.push(element.clone());
                compare_at(of.items(), before.get(element), after.get(element), path, out);
                path.pop();
            }
        }
        Form::Leaf => {}
    }
    if old.is_none() {
        out.added.insert(path);
    } else if new.is_none() {
        out.removed.insert(path);
    }
}

/// Takes everything in the set out of a value. `None` says that nothing is left.
pub(crate) fn remove(of: Type<'_>, value: &Value, set: &FieldSet) -> Option<Value> {
    match form(of, value) {
        Form::Leaf if value.is_object() || value.is_array() => None,
        Form::Leaf => Some(value.clone()),
        Form::Map => {
            let mut left = Map::new();
            for (key, child) in entries(value) {
                let element = Element::Field(key.clone());
                if set.members.contains(&element) {
                    continue;
                }
                let child = match set.children.get(&element) {
                    Some(below) if !below.is_empty() => remove(of.field(key), child, below),
                    _ => Some(child.clone()),
                };
                if let Some(child) = child {
                    left.insert(key.clone(), child);
                }
            }
            (!left.is_empty()).then_some(Value::Object(left))
        }
        Form::List => {
            let mut left = Vec::new();
            for (index, child) in items(value).iter().enumerate() {
                let element = item_element(of, child, index);
                if set.members.contains(&element) {
                    continue;
                }
                let child = match set.children.get(&element) {
                    Some(below) if !below.is_empty() => remove(of.items(), child, below),
                    _ => Some(child.clone()),
                };
                left.extend(child);
            }
            (!left.is_empty()).then_some(Value::Array(left))
        }
    }
}
