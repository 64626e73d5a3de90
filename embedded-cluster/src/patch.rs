//! JSON, merge and strategic merge patches.

use std::collections::{HashMap, HashSet};

use json_patch::PatchOperation;
use serde_json::{Map, Value};

use crate::body::{self, DEEPEST};
use crate::schema::Type;
use crate::status::ApiError;

/// The limits of API servers: how many operations a JSON patch has, and how many bytes all its copies have.
const MOST_OPERATIONS: usize = 10_000;
const MOST_COPIED: usize = 3 * 1024 * 1024;

/// RFC 6902. After an error, the target is what the operations before have made of it.
pub(crate) fn json(target: &mut Value, patch: &Value) -> Result<(), ApiError> {
    let count = patch.as_array().map_or(0, Vec::len);
    if count > MOST_OPERATIONS {
        return Err(body::too_large(&format!(
            "The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {count}"
        )));
    }
    let patch: json_patch::Patch = serde_json::from_value(patch.clone())
        .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))?;
    let rejected = |error: String| {
        let message = format!("the server rejected our request due to an error in our request: {error}");
        ApiError::new(http::StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message)
    };
    let (mut copied, mut deepest) = (0, depth(target));
    for (index, operation) in patch.iter().enumerate() {
        let depth_of_value = match operation {
            PatchOperation::Add(add) => depth(&add.value),
            PatchOperation::Replace(replace) => depth(&replace.value),
            PatchOperation::Move(_) => deepest,
            PatchOperation::Copy(copy) => {
                // A copy of a copy doubles it: 30 operations would fill the memory.
                copied += target.pointer(copy.from.as_str()).map_or(0, |value| value.to_string().len());
                if copied > MOST_COPIED {
                    return Err(rejected(format!(
                        "Unable to complete the copy, the accumulated size increase of copy is {copied}, exceeding the limit {MOST_COPIED}"
                    )));
                }
                deepest
            }
            PatchOperation::Remove(_) | PatchOperation::Test(_) => 0,
        };
        json_patch::patch_unsafe(target, std::slice::from_ref(operation)).map_err(|mut error| {
            error.operation = index;
            rejected(error.to_string())
        })?;
        // This is an upper bound: the depth is measured when it may be too much.
        deepest = deepest.max(operation.path().count() + depth_of_value);
        if deepest > DEEPEST {
            deepest = depth(target);
        }
        if deepest > DEEPEST {
            return Err(rejected(format!("the object is then nested more than {DEEPEST} levels deep")));
        }
    }
    if !target.is_object() {
        return Err(ApiError::bad_request("the patch does not leave an object"));
    }
    Ok(())
}

/// How many values are nested in each other.
fn depth(value: &Value) -> usize {
    let below = match value {
        Value::Array(list) => list.iter().map(depth).max(),
        Value::Object(map) => map.values().map(depth).max(),
        _ => None,
    };
    1 + below.unwrap_or(0)
}

/// RFC 7386.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(fields) = target.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            fields.shift_remove(key);
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Kubernetes' own merge: lists merge by the keys of their type, and `$patch` gives directions.
pub(crate) fn strategic(of: Type<'_>, target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    match patch.get("$patch").and_then(Value::as_str) {
        Some("delete") => {
            *target = Value::Object(Map::new());
            return;
        }
        Some("replace") => {
            let mut whole = patch.clone();
            whole.shift_remove("$patch");
            *target = Value::Object(whole);
            return;
        }
        _ => {}
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(fields) = target.as_object_mut() else { return };
    if let Some(retained) = patch.get("$retainKeys").and_then(Value::as_array) {
        let retained: HashSet<&str> = retained.iter().filter_map(Value::as_str).collect();
        fields.retain(|key, _| retained.contains(key.as_str()));
    }
    for (key, value) in patch {
        if let Some(name) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(list)), Some(gone)) = (fields.get_mut(name), value.as_array()) {
                let gone: HashSet<&Value> = gone.iter().collect();
                list.retain(|item| !gone.contains(item));
            }
        } else if !key.starts_with('$') {
            apply_field(of.field(key), fields, key, value);
        }
    }
    for (key, order) in patch {
        if let Some(name) = key.strip_prefix("$setElementOrder/")
            && let (Some(Value::Array(list)), Some(order)) = (fields.get_mut(name), order.as_array())
        {
            let merge_key = of.field(name).node().strategy.key.clone();
            sort_by_order(list, order, merge_key.as_deref());
        }
    }
}

fn apply_field(of: Type<'_>, fields: &mut Map<String, Value>, key: &str, value: &Value) {
    match value {
        Value::Null => {
            fields.shift_remove(key);
        }
        Value::Object(_) => strategic(of, fields.entry(key.to_owned()).or_insert(Value::Null), value),
        Value::Array(items) if of.node().strategy.merge => {
            let list = fields.entry(key.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
            if !list.is_array() {
                *list = Value::Array(Vec::new());
            }
            if let Value::Array(list) = list {
                merge_list(of, list, items);
            }
        }
        other => {
            fields.insert(key.to_owned(), other.clone());
        }
    }
}

fn merge_list(of: Type<'_>, list: &mut Vec<Value>, items: &[Value]) {
    let Some(key) = of.node().strategy.key.as_deref() else {
        let mut known: HashSet<Value> = list.iter().cloned().collect();
        list.extend(items.iter().filter(|item| known.insert((*item).clone())).cloned());
        return;
    };
    if items.iter().any(|item| item.get("$patch").and_then(Value::as_str) == Some("replace")) {
        *list = items.iter().filter(|item| item.get("$patch").is_none()).cloned().collect();
        return;
    }
    let mut merged: Vec<Option<Value>> = std::mem::take(list).into_iter().map(Some).collect();
    // All places of a key, the first one last.
    let mut places: HashMap<Value, Vec<usize>> = HashMap::new();
    for (place, item) in merged.iter().enumerate().rev() {
        if let Some(name) = item.as_ref().and_then(|item| item.get(key)) {
            places.entry(name.clone()).or_default().push(place);
        }
    }
    for item in items {
        let found = item.get(key).and_then(|name| places.get_mut(name)).filter(|found| !found.is_empty());
        let is_deleted = item.get("$patch").and_then(Value::as_str) == Some("delete");
        match found {
            Some(found) if is_deleted => merged[found.pop().unwrap_or_default()] = None,
            None if is_deleted => {}
            Some(found) => {
                let old = found.last().and_then(|place| merged[*place].as_mut());
                old.into_iter().for_each(|old| strategic(of.items(), old, item));
            }
            None => {
                let mut fresh = Value::Null;
                strategic(of.items(), &mut fresh, item);
                if let Some(name) = fresh.get(key) {
                    places.entry(name.clone()).or_default().push(merged.len());
                }
                merged.push(Some(fresh));
            }
        }
    }
    list.extend(merged.into_iter().flatten());
}

/// Puts the listed items in order; the others keep their places after what they followed.
fn sort_by_order(list: &mut [Value], order: &[Value], key: Option<&str>) {
    let name = |item| match key {
        Some(key) => Value::get(item, key),
        None => Some(item),
    };
    let mut ranks: HashMap<Option<&Value>, usize> = HashMap::new();
    for (rank, wanted) in order.iter().enumerate() {
        ranks.entry(name(wanted)).or_insert(rank);
    }
    let mut last = 0;
    let mut ranked: Vec<(usize, Value)> = Vec::with_capacity(list.len());
    for item in list.iter() {
        last = ranks.get(&name(item)).copied().unwrap_or(last);
        ranked.push((last, item.clone()));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    for (place, (_, item)) in list.iter_mut().zip(ranked) {
        *place = item;
    }
}
