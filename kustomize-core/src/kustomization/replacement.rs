//! `replacements`.

use super::Selector;
use crate::yaml::decode::{Spanned, verbatim, without_nulls};

/// One entry of `replacements`, or of a file that one names by `path`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Replacement {
    /// Where the value comes from.
    pub source: Option<SourceSelector>,
    /// Where it goes.
    #[serde(deserialize_with = "without_nulls")]
    pub targets: Vec<Spanned<TargetSelector>>,
    /// The value itself, instead of a source.
    pub source_value: Option<String>,
    /// File that holds further replacements.
    pub path: Spanned<String>,
}

/// The resource and field that a value comes from. Exactly one resource must match; what is empty
/// matches anything.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SourceSelector {
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
    /// Path to the field, `metadata.name` when empty.
    pub field_path: Spanned<String>,
    /// Which part of the field.
    pub options: Option<FieldOptions>,
}

/// The resources and fields that a value goes to.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TargetSelector {
    /// Resources to pick; must be given.
    pub select: Option<Spanned<Selector>>,
    /// Resources to leave out of those.
    #[serde(deserialize_with = "without_nulls")]
    pub reject: Vec<Selector>,
    /// Paths to the fields, `metadata.name` when there are none.
    pub field_paths: Vec<Spanned<String>>,
    /// Which part of the fields.
    pub options: Option<FieldOptions>,
}

/// Which part of a field is meant.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FieldOptions {
    /// Splits the field into parts.
    pub delimiter: String,
    /// Which of the parts, counted from 0.
    pub index: i64,
    /// `base64`, or nothing.
    pub encoding: String,
    /// Makes the field when it is missing.
    pub create: bool,
}
