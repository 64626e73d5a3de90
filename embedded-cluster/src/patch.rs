//! JSON, merge and strategic merge patches.

use serde_json::{Map, Value};

use crate::schema::Type;
use crate::status::ApiError;

/// RFC 6902.
pub(crate) fn json(target: &mut Value, patch: &Value) -> Result<(), ApiError> {
    let patch: json_patch::Patch = serde_json::from_value(patch.clone())
        .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))?;
    json_patch::patch(target, &patch).map_err(|error| {
        ApiError::new(
            http::StatusCode::UNPROCESSABLE_ENTITY,
            "Invalid",
            format!("the server rejected our request due to an error in our request: {error}"),
        )
    })
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
        fields.retain(|key, _| retained.iter().any(|name| name == key.as_str()));
    }
    for (key, value) in patch {
        if let Some(name) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(list)), Some(gone)) = (fields.get_mut(name), value.as_array()) {
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
        for item in items {
            if !list.contains(item) {
                list.push(item.clone());
            }
        }
        return;
    };
    if items.iter().any(|item| item.get("$patch").and_then(Value::as_str) == Some("replace")) {
        *list = items.iter().filter(|item| item.get("$patch").is_none()).cloned().collect();
        return;
    }
    for item in items {
        let place = list.iter().position(|old| old.get(key).is_some() && old.get(key) == item.get(key));
        match (item.get("$patch").and_then(Value::as_str), place) {
            (Some("delete"), Some(place)) => {
                list.remove(place);
            }
            (Some("delete"), None) => {}
            (_, Some(place)) => strategic(of.items(), &mut list[place], item),
            (_, None) => {
                let mut fresh = Value::Null;
                strategic(of.items(), &mut fresh, item);
                list.push(fresh);
            }
        }
    }
}

/// Puts the listed items in order; the others keep their places after what they followed.
fn sort_by_order(list: &mut [Value], order: &[Value], key: Option<&str>) {
    let rank = |item: &Value| {
        order.iter().position(|wanted| match key {
            Some(key) => wanted.get(key) == item.get(key),
            None => wanted == item,
        })
    };
    let mut last = 0;
    let mut ranked: Vec<(usize, Value)> = Vec::with_capacity(list.len());
    for item in list.iter() {
        last = rank(item).unwrap_or(last);
        ranked.push((last, item.clone()));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    for (place, (_, item)) in list.iter_mut().zip(ranked) {
        *place = item;
    }
}
