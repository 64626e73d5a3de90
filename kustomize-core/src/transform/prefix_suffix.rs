//! `PrefixSuffixTransformer`: both at once, with the same field specs.

use super::{PrefixTransformer, SuffixTransformer, Transformer};
use crate::context::Context;
use crate::error::BuildError;
use crate::resource::ResourceSet;
use crate::yaml::Node;

/// Adds a prefix, then a suffix.
#[derive(Clone, Debug)]
pub(crate) struct PrefixSuffixTransformer {
    prefix: PrefixTransformer,
    suffix: SuffixTransformer,
}

impl PrefixSuffixTransformer {
    /// From a configuration of this kind.
    pub(crate) fn from_config(config: &Node) -> Result<Self, BuildError> {
        Ok(PrefixSuffixTransformer {
            prefix: PrefixTransformer::from_config(config)?,
            suffix: SuffixTransformer::from_config(config)?,
        })
    }
}

impl Transformer for PrefixSuffixTransformer {
    fn transform(&self, set: &mut ResourceSet, cx: &Context<'_>) -> Result<(), BuildError> {
        self.prefix.transform(set, cx)?;
        self.suffix.transform(set, cx)
    }
}
