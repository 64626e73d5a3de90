//! The order in which objects are applied and deleted.

use std::cmp::Ordering;

use serde_json::Value;

use super::ObjectId;

/// Kinds that others need, in the order of application.
const FIRST: &[&str] = &[
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Kinds that could keep others out, applied at the end.
const LAST: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// The place of a kind, whatever its group: below zero for the first, above for the last.
#[must_use]
pub fn kind_index(kind: &str) -> i32 {
    let position = |kinds: &[&str]| kinds.iter().position(|known| *known == kind);
    // Both lists are short.
    let number = |index: usize| i32::try_from(index).unwrap_or(i32::MAX);
    match (position(FIRST), position(LAST)) {
        (Some(index), _) => number(index) - number(FIRST.len()),
        (_, Some(index)) => number(index) + 1,
        _ => 0,
    }
}

/// Which of two objects is applied first.
#[must_use]
pub fn apply_order(a: &ObjectId, b: &ObjectId) -> Ordering {
    kind_index(&a.kind)
        .cmp(&kind_index(&b.kind))
        .then_with(|| a.group.cmp(&b.group))
        .then_with(|| a.kind.cmp(&b.kind))
        .then_with(|| a.namespace.cmp(&b.namespace))
        .then_with(|| a.name.cmp(&b.name))
}

/// Sorts objects as they are applied.
pub fn sort_for_apply(objects: &mut [Value]) {
    objects.sort_by_cached_key(|object| InApplyOrder(ObjectId::of(object)));
}

/// Sorts identities as their objects are deleted: in reverse.
pub fn sort_for_delete(ids: &mut [ObjectId]) {
    ids.sort_by(|a, b| apply_order(b, a));
}

/// An identity that compares in the order of application.
#[derive(PartialEq, Eq)]
struct InApplyOrder(ObjectId);

impl Ord for InApplyOrder {
    fn cmp(&self, other: &Self) -> Ordering {
        apply_order(&self.0, &other.0)
    }
}

impl PartialOrd for InApplyOrder {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
