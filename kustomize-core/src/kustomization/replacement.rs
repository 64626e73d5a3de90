//! `replacements`.

use super::Selector;
use crate::yaml::decode::Spanned;

/// One entry of `replacements`, or of a file that one names by `path`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Replacement {
    /// Where the value comes from.
    pub source: Option<SourceSelector>,
    /// Where it goes.
    pub targets: Vec<Spanned<TargetSelector>>,
    /// The value itself, instead of a source.
    pub source_value: Option<String>,
    /// File that holds further replacements.
    pub path: Spanned<String>,
}

/// The resource and field that a value comes from.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct SourceSelector {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
    pub field_path: Spanned<String>,
    pub options: Option<FieldOptions>,
}

/// The resources and fields that a value goes to.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct TargetSelector {
    pub select: Option<Spanned<Selector>>,
    pub reject: Vec<Selector>,
    pub field_paths: Vec<Spanned<String>>,
    pub options: Option<FieldOptions>,
}

/// Which part of a field is meant.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
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
