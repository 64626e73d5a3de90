//! Objects are applied in stages; what others need comes first.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object;

/// A stage of applying. Each is complete, and the first two ready, before the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// CustomResourceDefinitions, Namespaces and ClusterRoles.
    Definitions,
    /// Kinds that end in `Class`.
    Classes,
    /// Kinds that were configured to come early.
    Custom,
    /// All others.
    Main,
}

/// Kinds that have a stage of their own, each with its group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageKinds(BTreeSet<(String, String)>);

impl StageKinds {
    /// Reads `group/Kind,group/Kind`. Without a slash the group is the core group.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        StageKinds(
            text.split(',')
                .map(|item| item.trim().split_once('/').unwrap_or(("", item.trim())))
                .map(|(group, kind)| (group.to_owned(), kind.to_owned()))
                .collect(),
        )
    }

    /// The groups and kinds, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(group, kind)| (&**group, &**kind))
    }

    fn contains(&self, object: &Value) -> bool {
        self.iter().any(|(group, kind)| group == object::group(object) && kind == object::kind(object))
    }
}

/// The stage of an object.
#[must_use]
pub fn stage(object: &Value, custom: &StageKinds) -> Stage {
    let kind = object::kind(object);
    let version = object::api_version(object);
    let is_definition = match kind.to_lowercase().as_str() {
        "customresourcedefinition" => version.starts_with("apiextensions.k8s.io/"),
        "namespace" => version == "v1",
        "clusterrole" => version.starts_with("rbac.authorization.k8s.io/"),
        _ => false,
    };
    if is_definition {
        Stage::Definitions
    } else if kind.ends_with("Class") {
        Stage::Classes
    } else if custom.contains(object) {
        Stage::Custom
    } else {
        Stage::Main
    }
}
