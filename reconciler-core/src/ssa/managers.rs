//! Managed fields: taking them over, removing managers, moving to another version.
//!
//! Each function gives a JSON patch for the object in the cluster, or none if nothing is to be done.

use serde_json::{Map, Value, json};

use super::fields;
use crate::object;

/// How a manager came to its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other request.
    Update,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        }
    }
}

/// Managers that are looked for.
#[derive(Clone, Debug)]
pub struct FieldManager {
    /// The name, or how it begins.
    pub name: String,
    /// Whether the name has to be equal.
    pub exact: bool,
    /// The operation, which has to be equal.
    pub operation: Operation,
}

impl FieldManager {
    /// The managers whose fields are taken over, by how their names begin: kubectl's, those from before the first apply, and
    /// those that the owner itself got by updates.
    #[must_use]
    pub fn taken_over_by(owner: &str) -> Vec<FieldManager> {
        [
            ("kubectl", Operation::Apply),
            ("kubectl", Operation::Update),
            ("before-first-apply", Operation::Update),
            (owner, Operation::Update),
        ]
        .map(|(name, operation)| FieldManager { name: name.to_owned(), exact: false, operation })
        .to_vec()
    }

    fn matches(&self, entry: &Value) -> bool {
        let manager = object::text(entry, &["manager"]);
        let named = if self.exact { manager == self.name } else { manager.starts_with(&*self.name) };
        named
            && object::text(entry, &["operation"]) == self.operation.name()
            && object::text(entry, &["subresource"]).is_empty()
    }
}

/// Gives the fields of managers to the owner, as if it had applied them.
#[must_use]
pub fn take_over(object: &Value, managers: &[FieldManager], owner: &str) -> Option<Value> {
    let entries = entries(object);
    let own = entries.iter().rposition(|entry| {
        object::text(entry, &["manager"]) == owner && object::text(entry, &["operation"]) == "Apply"
    });
    let mut merged = own.map(|index| entries[index].clone());
    let mut others = Vec::new();
    let (mut is_changed, mut is_merged) = (false, false);
    for (index, entry) in entries.iter().enumerate() {
        // Once fields were merged into it, the old entry stays too, as in Flux. The API server takes the
        // last entry of a manager.
        if own == Some(index) && !is_merged {
            continue;
        }
        if !managers.iter().any(|manager| manager.matches(entry)) {
            others.push(entry.clone());
            continue;
        }
        is_changed = true;
        match &mut merged {
            None => {
                let mut renamed = entry.clone();
                renamed["manager"] = Value::from(owner);
                renamed["operation"] = Value::from(Operation::Apply.name());
                merged = Some(renamed);
            }
            Some(merged) => {
                merge_fields(merged, entry);
                is_merged = true;
            }
        }
    }
    others.extend(merged);
    is_changed.then(|| replace(others))
}

/// Removes managers from an object.
#[must_use]
pub fn remove_managers(object: &Value, managers: &[FieldManager]) -> Option<Value> {
    let entries = entries(object);
    let mut kept: Vec<Value> = entries
        .iter()
        .filter(|entry| !managers.iter().any(|manager| manager.matches(entry)))
        .cloned()
        .collect();
    if kept.len() == entries.len() {
        return None;
    }
    if kept.is_empty() {
        // An empty list would leave the managers as they are; one empty entry clears them.
        kept.push(Value::Object(Map::new()));
    }
    Some(replace(kept))
}

/// Moves all managers to another version of the object's kind.
#[must_use]
pub fn migrate_version(object: &Value, api_version: &str) -> Option<Value> {
    let mut entries = entries(object).to_vec();
    let mut is_changed = false;
    for entry in &mut entries {
        if object::api_version(entry) != api_version && entry.is_object() {
            entry["apiVersion"] = Value::from(api_version);
            is_changed = true;
        }
    }
    is_changed.then(|| replace(entries))
}

fn entries(object: &Value) -> &[Value] {
    object::at(object, &["metadata", "managedFields"]).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn replace(entries: Vec<Value>) -> Value {
    json!([{"op": "replace", "path": "/metadata/managedFields", "value": entries}])
}

fn merge_fields(into: &mut Value, from: &Value) {
    let Some(new) = from.get("fieldsV1") else { return };
    let fields = match into.get("fieldsV1") {
        Some(known) => fields::union_of_roots(known, new),
        None => new.clone(),
    };
    into["fieldsV1"] = fields;
}
