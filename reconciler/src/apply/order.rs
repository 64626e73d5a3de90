//! The objects of a Kustomization in the form and order in which they are applied.

use std::collections::BTreeMap;

use reconciler_api::annotation;
use reconciler_api::kustomization::CommonMetadata;
use reconciler_core::object;
use reconciler_core::ssa::{self, ObjectId, Stage, StageKinds};
use serde_json::Value;

use super::observer::hash;
use crate::build::Object;

/// An object as it is applied.
pub(super) struct Wanted {
    pub(super) id: ObjectId,
    pub(super) value: Value,
    /// Where its namespace was written.
    pub(super) namespace_place: Option<String>,
    /// Where it was written.
    pub(super) place: Option<String>,
    /// A hash of its content.
    pub(super) hash: u64,
}

/// Adds the labels and annotations of all objects of a Kustomization.
pub(crate) fn add_common(value: &mut Value, common: &CommonMetadata) {
    let pairs = |(key, value)| (String::as_str(key), String::as_str(value));
    let (labels, annotations) = (common.labels.iter().map(pairs), common.annotations.iter().map(pairs));
    object::add_metadata(value, labels, annotations);
}

/// Objects in the order in which they are applied.
pub struct Order {
    pub(super) stages: BTreeMap<Stage, Vec<Wanted>>,
}

impl Order {
    /// Prepares and sorts objects. `owner` is the name and namespace of the Kustomization.
    #[must_use]
    pub fn new(objects: Vec<Object>, owner: (&str, &str), common: Option<&CommonMetadata>) -> Self {
        let (name, namespace) = owner;
        let labels = [(annotation::OWNER_NAME, name), (annotation::OWNER_NAMESPACE, namespace)];
        let mut stages: BTreeMap<Stage, Vec<Wanted>> = BTreeMap::new();
        for Object { mut value, namespace_place, place } in objects {
            ssa::normalize(&mut value);
            object::add_metadata(&mut value, labels, []);
            if let Some(common) = common {
                add_common(&mut value, common);
            }
            let (id, hash) = (ObjectId::of(&value), hash(&value));
            let stage = ssa::stage(&value, &StageKinds::default());
            stages.entry(stage).or_default().push(Wanted { id, value, namespace_place, place, hash });
        }
        for objects in stages.values_mut() {
            objects.sort_by(|one, other| ssa::apply_order(&one.id, &other.id));
        }
        Order { stages }
    }

    /// The stages that have objects.
    pub(crate) fn stages(&self) -> impl Iterator<Item = Stage> {
        self.stages.keys().copied()
    }

    /// The objects of a stage, and of those before it.
    pub(crate) fn objects_until(&self, stage: Stage) -> impl Iterator<Item = &Value> {
        self.stages.range(..=stage).flat_map(|(_, objects)| objects).map(|wanted| &wanted.value)
    }

    /// All objects.
    pub fn objects(&self) -> impl Iterator<Item = &Value> {
        self.stages.values().flatten().map(|wanted| &wanted.value)
    }
}
