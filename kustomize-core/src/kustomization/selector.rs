//! Selectors of patches and replacements.

use crate::yaml::decode::verbatim;

/// What a patch or replacement applies to. Each part is a regular expression that must match as a
/// whole; an empty one matches anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Selector {
    /// API group.
    #[serde(deserialize_with = "verbatim")]
    pub group: String,
    /// API version.
    #[serde(deserialize_with = "verbatim")]
    pub version: String,
    /// Kind.
    #[serde(deserialize_with = "verbatim")]
    pub kind: String,
    /// Name, the present one or an earlier one.
    #[serde(deserialize_with = "verbatim")]
    pub name: String,
    /// Namespace, the present one or an earlier one.
    #[serde(deserialize_with = "verbatim")]
    pub namespace: String,
    /// Kubernetes' annotation selector syntax.
    pub annotation_selector: String,
    /// Kubernetes' label selector syntax.
    pub label_selector: String,
}
