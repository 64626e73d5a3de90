//! Where transformers look: field specs, the reference's default tables, and how a field spec is
//! applied to a resource.

use crate::resource::Gvk;

/// A field of the resources that a selector picks.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct FieldSpec {
    /// API group, empty for any.
    pub group: crate::yaml::Str,
    /// API version, empty for any.
    pub version: crate::yaml::Str,
    /// Kind, empty for any.
    pub kind: crate::yaml::Str,
    /// Path, its parts separated by `/` (`\/` is a slash in a part); `[]` after a part goes
    /// through a list.
    pub path: String,
    /// Makes the field when it is missing.
    pub create: bool,
}

impl FieldSpec {
    /// Group, version and kind, as a selector.
    #[must_use]
    pub fn gvk(&self) -> Gvk {
        Gvk { group: self.group.clone(), version: self.version.clone(), kind: self.kind.clone() }
    }
}

/// Field specs of each transformer: the reference's defaults merged with `configurations` and
/// `crds`.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct TransformerConfig {
    pub name_prefix: Vec<FieldSpec>,
    pub name_suffix: Vec<FieldSpec>,
    pub namespace: Vec<FieldSpec>,
    pub common_labels: Vec<FieldSpec>,
    pub labels: Vec<FieldSpec>,
    pub template_labels: Vec<FieldSpec>,
    pub common_annotations: Vec<FieldSpec>,
    pub name_reference: Vec<NameReference>,
    pub var_reference: Vec<FieldSpec>,
    pub images: Vec<FieldSpec>,
    pub replicas: Vec<FieldSpec>,
}

/// Fields that hold the name of a resource of some kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameReference {
    /// The kind that is referred to, as a selector.
    pub target: Gvk,
    /// Fields that refer to it.
    pub referrers: Vec<FieldSpec>,
}
