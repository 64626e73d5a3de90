//! Selectors of patches and replacements.

use crate::yaml::decode::fields;

/// What a patch or replacement applies to. Each part is a regular expression that must match as a
/// whole; an empty one matches anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// API group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Name, the present one or an earlier one.
    pub name: String,
    /// Namespace, the present one or an earlier one.
    pub namespace: String,
    /// Kubernetes' annotation selector syntax.
    pub annotation_selector: String,
    /// Kubernetes' label selector syntax.
    pub label_selector: String,
}

fields!(Selector {
    group(verbatim), version(verbatim), kind(verbatim), name(verbatim), namespace(verbatim),
    annotation_selector = "annotationSelector", label_selector = "labelSelector",
});
