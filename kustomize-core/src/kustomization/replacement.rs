//! `replacements`.

use super::Selector;
use serde::{Deserialize, Serialize};

use crate::yaml::decode::{Spanned, fields};

/// One entry of `replacements`, or of a file that one names by `path`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Replacement {
    /// Where the value comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceSelector>,
    /// Where it goes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Spanned<TargetSelector>>,
    /// The value itself, instead of a source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_value: Option<String>,
    /// File that holds further replacements.
    #[serde(skip_serializing_if = "Spanned::is_empty")]
    pub path: Spanned<String>,
}

fields!(Replacement { source, targets(no_nulls), source_value = "sourceValue", path });

/// The resource and field that a value comes from. Exactly one resource must match; what is empty
/// matches anything.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SourceSelector {
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
    /// Path to the field, `metadata.name` when empty.
    #[serde(skip_serializing_if = "Spanned::is_empty")]
    pub field_path: Spanned<String>,
    /// Which part of the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<FieldOptions>,
}

fields!(SourceSelector {
    group(verbatim), version(verbatim), kind(verbatim), name(verbatim), namespace(verbatim),
    field_path = "fieldPath", options,
});

/// The resources and fields that a value goes to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TargetSelector {
    /// Resources to pick; must be given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<Spanned<Selector>>,
    /// Resources to leave out of those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reject: Vec<Selector>,
    /// Paths to the fields, `metadata.name` when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub field_paths: Vec<Spanned<String>>,
    /// Which part of the fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<FieldOptions>,
}

fields!(TargetSelector { select, reject(no_nulls), field_paths = "fieldPaths", options });

/// Which part of a field is meant.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct FieldOptions {
    /// Splits the field into parts.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub delimiter: String,
    /// Which of the parts, counted from 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub index: i64,
    /// `base64`, or nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub encoding: String,
    /// Makes the field when it is missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
}

fields!(FieldOptions { delimiter, index, encoding, create });

// `skip_serializing_if` passes references.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(index: &i64) -> bool {
    *index == 0
}
