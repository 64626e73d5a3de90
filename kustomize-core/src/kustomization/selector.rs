//! Selectors of patches and replacements.

use serde::{Deserialize, Serialize};

use crate::yaml::decode::fields;

/// What a patch or replacement applies to. Each part is a regular expression that must match as a
/// whole; an empty one matches anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Selector {
    /// API group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// API version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Name, the present one or an earlier one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Namespace, the present one or an earlier one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Kubernetes' annotation selector syntax.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub annotation_selector: String,
    /// Kubernetes' label selector syntax.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label_selector: String,
}

fields!(Selector {
    group(verbatim), version(verbatim), kind(verbatim), name(verbatim), namespace(verbatim),
    annotation_selector = "annotationSelector", label_selector = "labelSelector",
});
