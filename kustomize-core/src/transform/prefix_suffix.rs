//! `PrefixSuffixTransformer`: both at once, with the same field specs.

use super::{Local, PrefixTransformer, SuffixTransformer};
use crate::context::Context;
use crate::error::BuildError;
use crate::resource::Resource;
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

impl Local for PrefixSuffixTransformer {
    fn apply(&self, resource: &mut Resource, cx: &Context<'_>) -> Result<bool, BuildError> {
        Ok(self.prefix.apply(resource, cx)? && self.suffix.apply(resource, cx)?)
    }
}
