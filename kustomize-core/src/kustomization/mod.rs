//! The kustomization file: its typed form, one type a field, and how it is read.
//!
//! The types follow kustomize's `api/types`; each field's meaning is documented there and in
//! kustomize's documentation of the file.

mod file;
mod generator;
mod helm;
mod image;
mod invalid;
#[cfg(feature = "json-schema")]
mod json_schema;
mod label;
mod parse;
mod patch;
mod replacement;
mod replica;
mod selector;
mod sort;
#[cfg(test)]
mod tests;
mod var;

pub use file::{Kustomization, Metadata};
pub use generator::{ConfigMapArgs, GeneratorOptions, KeyValueSources, SecretArgs};
pub use helm::{HelmChart, HelmGlobals};
pub use image::Image;
#[cfg(feature = "json-schema")]
pub use json_schema::json_schema;
pub use label::Label;
pub(crate) use parse::parse;
pub use patch::{Patch, PatchOptions};
pub use replacement::{FieldOptions, Replacement, SourceSelector, TargetSelector};
pub use replica::Replica;
pub use selector::Selector;
pub use sort::{LegacySortOptions, SortOptions};
pub use var::{FieldRef, Var, VarTarget};

/// What a kustomization file may be called.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
