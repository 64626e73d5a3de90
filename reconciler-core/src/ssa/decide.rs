//! What to do with an object, given how it is in the cluster.

use reconciler_api::annotation;
use serde_json::Value;

use crate::object;

/// Values of the annotation `ssa`.
const IGNORE: &str = "Ignore";
const IF_NOT_PRESENT: &str = "IfNotPresent";

/// Whether an object is left alone, as it or the one in the cluster asks for.
#[must_use]
pub fn is_skipped(desired: &Value, existing: Option<&Value>) -> bool {
    let any = |key: &str, value: &str| is_marked(desired, existing, key, value);
    any(annotation::RECONCILE, annotation::DISABLED)
        || any(annotation::SSA, IGNORE)
        // That one counts in the desired object only.
        || (existing.is_some() && object::is_marked(desired, annotation::SSA, IF_NOT_PRESENT))
}

/// Whether an object stays in the cluster although it is no longer wanted.
#[must_use]
pub fn is_kept(existing: &Value) -> bool {
    object::is_marked(existing, annotation::PRUNE, annotation::DISABLED)
        || object::is_marked(existing, annotation::RECONCILE, annotation::DISABLED)
        || object::is_marked(existing, annotation::SSA, IGNORE)
}

/// Whether two values are the same; what is empty is as good as nothing in it.
fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, value)| other.get(key).is_some_and(|other| same(Some(value), Some(other))))
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(Some(one), Some(other)))
        }
        (Some(one), Some(other)) => one == other || (is_empty(one) && is_empty(other)),
        (None, None) => true,
        (Some(value), None) | (None, Some(value)) => is_empty(value),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Leaves ignored fields that differ to the cluster: those that another manager applied are taken out of the
/// object, the others get the value that they have in the cluster.
pub fn leave_ignored(desired: &mut Value, existing: &Value, tried: &Value, ignored: &[&str], owner: &str) {
    for pointer in ignored {
        let (in_cluster, after) = (existing.pointer(pointer), tried.pointer(pointer));
        if same(in_cluster, after) {
            continue;
        }
        match in_cluster {
            Some(value) if !is_applied_by_others(existing, pointer, owner) => {
                if let Some(field) = desired.pointer_mut(pointer) {
                    *field = value.clone();
                }
            }
            _ => remove(desired, pointer),
        }
    }
}

/// Whether an object in the cluster and what applying makes of it are the same but for ignored fields.
#[must_use]
pub fn differ_in_ignored_only(existing: &Value, tried: &Value, ignored: &[&str]) -> bool {
    let [existing, tried] = [existing, tried].map(|object| {
        let mut object = object.clone();
        let bookkeeping = ["/metadata/managedFields", "/metadata/resourceVersion", "/metadata/generation"];
        bookkeeping.iter().chain(ignored).for_each(|pointer| remove(&mut object, pointer));
        object
    });
    existing == tried
}

/// Whether another manager has applied the field at a pointer.
fn is_applied_by_others(existing: &Value, pointer: &str, owner: &str) -> bool {
    let entries = object::at(existing, &["metadata", "managedFields"]).and_then(Value::as_array);
    entries.into_iter().flatten().any(|entry| {
        object::text(entry, &["operation"]) == "Apply"
            && object::text(entry, &["manager"]) != owner
            && object::text(entry, &["subresource"]).is_empty()
            && entry.get("fieldsV1").is_some_and(|fields| has_field(fields, existing, pointer))
    })
}

/// Whether a set of fields has the one at a pointer. Items of lists are found by their keys.
fn has_field(fields: &Value, object: &Value, pointer: &str) -> bool {
    let (mut fields, mut value) = (fields, Some(object));
    for segment in pointer.split('/').skip(1) {
        let name = segment.replace("~1", "/").replace("~0", "~");
        let Some(map) = fields.as_object() else { return false };
        let item = value.and_then(Value::as_array).and_then(|items| items.get(name.parse::<usize>().ok()?));
        let next = match item {
            Some(item) => map.iter().find(|(key, _)| is_key_of(key, item)).map(|(_, fields)| fields),
            None => map.get(&format!("f:{name}")),
        };
        value = item.or_else(|| value.and_then(|value| value.get(&name)));
        let Some(next) = next else { return false };
        fields = next;
    }
    true
}

/// Whether `k:{…}` is the key of an item of a list.
fn is_key_of(key: &str, item: &Value) -> bool {
    let Some(Ok(Value::Object(wanted))) = key.strip_prefix("k:").map(serde_json::from_str) else {
        return false;
    };
    wanted.iter().all(|(name, value)| item.get(name) == Some(value))
}

/// Removes what stands at a pointer.
fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    match value.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.remove(&last.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(items)) => {
            if let Some(index) = last.parse::<usize>().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

fn is_marked(desired: &Value, existing: Option<&Value>, key: &str, value: &str) -> bool {
    object::is_marked(desired, key, value)
        || existing.is_some_and(|existing| object::is_marked(existing, key, value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bookkeeping_and_ignored_fields_do_not_count() {
        let object = |replicas: u32, image: &str, version: &str| json!({"metadata": {"name": "x", "resourceVersion": version, "generation": 1}, "spec": {"replicas": replicas, "image": image}});
        let ignored = ["/spec/replicas"];
        assert!(differ_in_ignored_only(&object(1, "a", "1"), &object(5, "a", "2"), &ignored));
        assert!(!differ_in_ignored_only(&object(1, "a", "1"), &object(1, "b", "1"), &ignored));
        assert!(!differ_in_ignored_only(&object(1, "a", "1"), &object(5, "a", "1"), &[]));
    }

    #[test]
    fn ignored_fields_stay_with_who_applied_them() {
        let entry = |manager: &str| json!({"manager": manager, "operation": "Apply", "fieldsV1": {"f:spec": {"f:list": {"k:{\"name\":\"a\"}": {"f:x": {}}}}}});
        let existing = |manager: &str| json!({"metadata": {"managedFields": [entry(manager)]}, "spec": {"list": [{"name": "a", "x": 5}]}});
        let desired = json!({"spec": {"list": [{"name": "a", "x": 1}]}});
        let left = |manager: &str| {
            let mut left = desired.clone();
            leave_ignored(&mut left, &existing(manager), &desired, &["/spec/list/0/x"], "ours");
            left
        };
        assert_eq!(left("other")["spec"]["list"][0].get("x"), None);
        assert_eq!(left("ours")["spec"]["list"][0]["x"], 5);
    }
}
