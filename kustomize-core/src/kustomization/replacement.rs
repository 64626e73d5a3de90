//! `replacements`.

use super::Selector;
use crate::yaml::decode::{Spanned, fields};

/// One entry of `replacements`, or of a file that one names by `path`.
#[derive(Clone, Debug, Default)]
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

fields!(Replacement { source, targets(no_nulls), source_value = "sourceValue", path });

/// The resource and field that a value comes from. Exactly one resource must match; what is empty
/// matches anything.
#[derive(Clone, Debug, Default)]
pub struct SourceSelector {
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
    /// Path to the field, `metadata.name` when empty.
    pub field_path: Spanned<String>,
    /// Which part of the field.
    pub options: Option<FieldOptions>,
}

fields!(SourceSelector {
    group(verbatim), version(verbatim), kind(verbatim), name(verbatim), namespace(verbatim),
    field_path = "fieldPath", options,
});

/// The resources and fields that a value goes to.
#[derive(Clone, Debug, Default)]
pub struct TargetSelector {
    /// Resources to pick; must be given.
    pub select: Option<Spanned<Selector>>,
    /// Resources to leave out of those.
    pub reject: Vec<Selector>,
    /// Paths to the fields, `metadata.name` when there are none.
    pub field_paths: Vec<Spanned<String>>,
    /// Which part of the fields.
    pub options: Option<FieldOptions>,
}

fields!(TargetSelector { select, reject(no_nulls), field_paths = "fieldPaths", options });

/// Which part of a field is meant.
#[derive(Clone, Debug, Default)]
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

fields!(FieldOptions { delimiter, index, encoding, create });
