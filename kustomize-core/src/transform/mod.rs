//! Transformers: one file each. A transformer is a value made from configuration, and a function
//! over the set of resources. Kustomization fields and builtin transformers given by kind make
//! the same values.

mod affix;
mod annotations;
mod config;
mod entries;
mod hash_suffix;
mod image_name;
mod image_use;
mod images;
mod labels;
mod local;
mod lookup;
mod namespace;
mod order;
mod patch;
mod patch_apply;
mod patch_json6902;
mod patch_source;
mod patch_strategic_merge;
mod patch_targeted;
mod prefix;
mod prefix_suffix;
mod replacement;
mod replicas;
mod suffix;
mod value_add;

pub(crate) use annotations::AnnotationsTransformer;
pub(crate) use hash_suffix::HashTransformer;
pub(crate) use images::ImageTagTransformer;
pub(crate) use labels::LabelTransformer;
pub(crate) use local::{Local, LocalStep, run as run_local};
pub(crate) use namespace::NamespaceTransformer;
pub(crate) use order::SortOrderTransformer;
pub(crate) use patch::PatchTransformer;
pub(crate) use patch_json6902::PatchJson6902Transformer;
pub(crate) use patch_strategic_merge::PatchStrategicMergeTransformer;
pub(crate) use prefix::PrefixTransformer;
pub(crate) use prefix_suffix::PrefixSuffixTransformer;
pub(crate) use replacement::ReplacementTransformer;
pub(crate) use replicas::ReplicaCountTransformer;
pub(crate) use suffix::SuffixTransformer;
pub(crate) use value_add::ValueAddTransformer;

use std::sync::Arc;

use crate::context::Context;
use crate::error::BuildError;
use crate::resource::ResourceSet;
use crate::yaml::{FileId, SourceText};

/// Changes resources.
pub(crate) trait Transformer {
    /// Changes the set in place.
    fn transform(&self, set: &mut ResourceSet, cx: &Context) -> Result<(), BuildError>;
}

/// How a transformer goes about its work.
pub(crate) enum Action<'a> {
    /// It looks at each resource by itself.
    Each(Arc<dyn Local>),
    /// It looks at all of them.
    All(Box<dyn Transformer + 'a>),
}

/// Where transformers find the files that their configuration names.
pub(crate) trait Files {
    /// The text of a file, by a path relative to the kustomization, and its number among the
    /// sources of the build.
    fn text(&self, path: &str) -> Result<(FileId, SourceText), BuildError>;
}

#[cfg(test)]
mod tests;
