//! Transformers: one file each. A transformer is a value made from configuration, and a function
//! over the set of resources. Kustomization fields and builtin transformers given by kind make
//! the same values.

use crate::context::Context;
use crate::error::BuildError;
use crate::resource::ResourceSet;

/// Changes resources.
pub(crate) trait Transformer {
    /// Changes the set in place.
    fn transform(&self, set: &mut ResourceSet, cx: &Context<'_>) -> Result<(), BuildError>;
}
