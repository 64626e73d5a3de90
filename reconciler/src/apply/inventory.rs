//! The objects of a Kustomization as its status lists them.

use std::collections::BTreeMap;

use reconciler_api::kustomization::{Inventory, InventoryEntry};
use reconciler_core::object;
use reconciler_core::ssa::{self, ObjectId};
use serde_json::Value;

/// The entries for objects.
#[must_use]
pub fn entries<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Inventory {
    let entry = |object: &Value| {
        let version = object::api_version(object);
        let version = version.split_once('/').map_or(version, |(_, version)| version);
        InventoryEntry { id: ObjectId::of(object).to_string(), v: version.to_owned() }
    };
    sorted(objects.into_iter().map(entry))
}

/// Everything that is in one of two inventories; versions are those of the first.
#[must_use]
pub fn union(new: &Inventory, old: &Inventory) -> Inventory {
    sorted(old.entries.iter().chain(&new.entries).cloned())
}

/// What is in the old inventory and not in the new one, in the order of deletion.
#[must_use]
pub fn stale(old: &Inventory, new: &Inventory) -> Vec<(ObjectId, String)> {
    let kept: BTreeMap<&str, ()> = new.entries.iter().map(|entry| (entry.id.as_str(), ())).collect();
    let gone = old.entries.iter().filter(|entry| !kept.contains_key(entry.id.as_str()));
    let mut gone: Vec<_> = gone.filter_map(read).collect();
    gone.sort_by(|(one, _), (other, _)| ssa::apply_order(other, one));
    gone
}

/// The ids and versions of an inventory. Entries that cannot be read are left out.
#[must_use]
pub fn ids(inventory: &Inventory) -> Vec<(ObjectId, String)> {
    inventory.entries.iter().filter_map(read).collect()
}

fn read(entry: &InventoryEntry) -> Option<(ObjectId, String)> {
    Some((entry.id.parse().ok()?, entry.v.clone()))
}

fn sorted(entries: impl IntoIterator<Item = InventoryEntry>) -> Inventory {
    let by_id: BTreeMap<String, InventoryEntry> =
        entries.into_iter().map(|entry| (entry.id.clone(), entry)).collect();
    Inventory { entries: by_id.into_values().collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "x"}})
    }

    #[test]
    fn nothing_is_forgotten_before_it_is_gone() {
        let old = entries(&[map("a"), map("b")]);
        let new = entries(&[map("b"), map("c")]);
        let ids: Vec<String> = union(&new, &old).entries.into_iter().map(|entry| entry.id).collect();
        assert_eq!(ids, ["x_a__ConfigMap", "x_b__ConfigMap", "x_c__ConfigMap"]);
        let stale: Vec<String> = stale(&old, &new).into_iter().map(|(id, _)| id.subject()).collect();
        assert_eq!(stale, ["ConfigMap/x/a"]);
    }
}
