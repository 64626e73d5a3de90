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

/// The resource and field that a value comes from.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct SourceSelector {
    #[serde(deserialize_with = "verbatim")]
    pub group: String,
    #[serde(deserialize_with = "verbatim")]
    pub version: String,
    #[serde(deserialize_with = "verbatim")]
    pub kind: String,
    #[serde(deserialize_with = "verbatim")]
    pub name: String,
    #[serde(deserialize_with = "verbatim")]
    pub namespace: String,
    pub field_path: Spanned<String>,
    pub options: Option<FieldOptions>,
}

/// The resources and fields that a value goes to.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct TargetSelector {
    pub select: Option<Spanned<Selector>>,
    #[serde(deserialize_with = "without_nulls")]
    pub reject: Vec<Selector>,
    pub field_paths: Vec<Spanned<String>>,
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
