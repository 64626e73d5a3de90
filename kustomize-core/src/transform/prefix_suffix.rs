//! `PrefixSuffixTransformer`: both at once, with the same field specs.

use super::{Local, PrefixTransformer, SuffixTransformer};
use crate::error::BuildError;
use crate::resource::{Change, Resource};
use crate::schema::Schema;
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

impl Change for PrefixSuffixTransformer {
    fn apply(&self, resource: &mut Resource, schema: &Schema) -> Result<bool, BuildError> {
        Ok(self.prefix.apply(resource, schema)? && self.suffix.apply(resource, schema)?)
    }
}

impl Local for PrefixSuffixTransformer {}
