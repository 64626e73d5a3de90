//! Selectors of patches and replacements.

/// What a patch or replacement applies to. Each part is a regular expression that must match as a
/// whole; an empty one matches anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Selector {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
    /// Kubernetes' annotation selector syntax.
    pub annotation_selector: String,
    /// Kubernetes' label selector syntax.
    pub label_selector: String,
}
