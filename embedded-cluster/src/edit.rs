//! How controllers write.

use std::sync::Arc;

use serde_json::Value;

use crate::state::State;
use crate::storage::{Expect, Name};

/// Creates an object unless there is one of that name.
pub(crate) fn create(state: &State, resource: &str, namespace: &str, mut value: Value) {
    let name = value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    value["metadata"]["uid"] = uuid::Uuid::new_v4().to_string().into();
    value["metadata"]["creationTimestamp"] = state.now().into();
    if !namespace.is_empty() {
        value["metadata"]["namespace"] = namespace.into();
    }
    let name = Name { namespace: namespace.to_owned(), name };
    // It is there already: that is what was wanted.
    let _ = state.store.commit(&resource.into(), &name, Expect::Absent, Some(value));
}

/// Changes a stored object, again if someone writes in between.
pub(crate) fn change(state: &State, resource: &Arc<str>, name: &Name, edit: impl Fn(&mut Value)) {
    while let Some(object) = state.store.get(resource, name) {
        let mut value = object.value.clone();
        edit(&mut value);
        if value == object.value
            || state.store.commit(resource, name, Expect::Revision(object.revision), Some(value)).is_ok()
        {
            return;
        }
    }
}
