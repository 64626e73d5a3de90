//! Sets of fields, as `fieldsV1` of managed fields writes them.

use serde_json::{Map, Value};

/// The union of two sets of fields.
///
/// A map stands for the fields below. The key `.` says that the field itself is in the set too, and so
/// does an empty map.
pub(super) fn union(a: &Value, b: &Value) -> Value {
    let (Value::Object(a), Value::Object(b)) = (a, b) else { return a.clone() };
    let mut union = children(a, b);
    if !union.is_empty() && (is_member(a) || is_member(b)) {
        let mut with_itself = Map::new();
        with_itself.insert(".".to_owned(), Value::Object(Map::new()));
        with_itself.append(&mut union);
        union = with_itself;
    }
    Value::Object(union)
}

/// The union of two whole sets, which have no field of their own at the top.
pub(super) fn union_of_roots(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => Value::Object(children(a, b)),
        (Value::Object(_), _) => a.clone(),
        _ => b.clone(),
    }
}

fn children(a: &Map<String, Value>, b: &Map<String, Value>) -> Map<String, Value> {
    let mut all = Map::new();
    for (key, value) in a.iter().filter(|(key, _)| *key != ".") {
        let merged = b.get(key).map_or_else(|| value.clone(), |other| union(value, other));
        all.insert(key.clone(), merged);
    }
    for (key, value) in b.iter().filter(|(key, _)| *key != ".") {
        if !all.contains_key(key) {
            all.insert(key.clone(), value.clone());
        }
    }
    all
}

fn is_member(fields: &Map<String, Value>) -> bool {
    fields.is_empty() || fields.contains_key(".")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_and_its_children_are_both_kept() {
        let a = json!({"f:metadata": {"f:labels": {}}});
        let b = json!({"f:metadata": {"f:labels": {"f:x": {}}}});
        let both = json!({"f:metadata": {"f:labels": {".": {}, "f:x": {}}}});
        assert_eq!(union_of_roots(&a, &b), both);
        assert_eq!(union_of_roots(&b, &a), both);
    }
}
