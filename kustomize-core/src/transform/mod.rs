//! Transformers: one file each. A transformer is a value made from configuration, and a function
//! over the set of resources. Kustomization fields and builtin transformers given by kind make
//! the same values.

use std::sync::Arc;

use crate::context::Context;
use crate::error::BuildError;
use crate::resource::ResourceSet;
use crate::yaml::FileId;

/// Changes resources.
pub(crate) trait Transformer {
    /// Changes the set in place.
    fn transform(&self, set: &mut ResourceSet, cx: &Context<'_>) -> Result<(), BuildError>;
}

/// Where transformers find the files that their configuration names.
pub(crate) trait Files {
    /// The text of a file, by a path relative to the kustomization, and its number among the
    /// sources of the build.
    fn text(&self, path: &str) -> Result<(FileId, Arc<str>), BuildError>;
}
