//! Writing status.

use std::fmt::Debug;

use kube::api::{Api, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::queue::Key;
use crate::apply::{FIELD_MANAGER, RequestError};

/// Writes the fields of a status that differ from those that the cluster has. Sends nothing if
/// there are none. Returns the object as it is then.
pub(super) async fn write<K>(
    client: &Client,
    key: &Key,
    old: &impl Serialize,
    new: &impl Serialize,
) -> Result<Option<K>, RequestError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
{
    let patch = difference(&to_map(old), &to_map(new));
    if patch.is_empty() {
        return Ok(None);
    }
    let api: Api<K> = Api::namespaced(client.clone(), &key.namespace);
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    Ok(Some(api.patch_status(&key.name, &parameters, &Patch::Merge(json!({"status": patch}))).await?))
}

fn to_map(status: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(status) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// A merge patch of the fields that differ.
fn difference(old: &Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let gone = old.keys().filter(|key| !new.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let changed = new.iter().filter(|(key, value)| old.get(*key) != Some(value));
    gone.chain(changed.map(|(key, value)| (key.clone(), replacement(old.get(key), value)))).collect()
}

/// What a merge patch needs for a field to become a value: it keeps what an object has and the patch does not name.
fn replacement(old: Option<&Value>, new: &Value) -> Value {
    let (Some(Value::Object(old)), Value::Object(new)) = (old, new) else { return new.clone() };
    let gone = old.keys().filter(|key| !new.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    gone.chain(new.iter().map(|(key, value)| (key.clone(), replacement(old.get(key), value)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_named_at_every_depth() {
        let old =
            json!({"a": {"b": 1, "c": {"d": 1, "e": 2}}, "f": [{"g": 1, "h": 2}], "i": 1, "j": {"k": 1}});
        let new = json!({"a": {"b": 1, "c": {"d": 1}}, "f": [{"g": 1}], "j": {"k": 1}});
        let patch = difference(&to_map(&old), &to_map(&new));
        let wanted = json!({"a": {"b": 1, "c": {"d": 1, "e": null}}, "f": [{"g": 1}], "i": null});
        assert_eq!(Value::Object(patch), wanted);
    }
}
