//! `namePrefix` and `PrefixTransformer`.

use super::Transformer;
use super::affix::{Affix, Side};
use crate::context::Context;
use crate::error::BuildError;
use crate::field_spec::{FieldSpec, Table};
use crate::resource::ResourceSet;
use crate::yaml::Node;

/// Adds a text before the names of resources.
#[derive(Clone, Debug)]
pub(crate) struct PrefixTransformer(Affix);

impl PrefixTransformer {
    /// Adds this prefix. An empty one changes no name.
    pub(crate) fn new(prefix: &str, specs: Table<FieldSpec>) -> Self {
        PrefixTransformer(Affix::new(prefix, Side::Prefix, specs))
    }

    /// From a configuration of this kind.
    pub(crate) fn from_config(config: &Node) -> Result<Self, BuildError> {
        Affix::from_config(config, Side::Prefix).map(PrefixTransformer)
    }
}

impl Transformer for PrefixTransformer {
    fn transform(&self, set: &mut ResourceSet, cx: &Context<'_>) -> Result<(), BuildError> {
        self.0.apply(set, cx.schema())
    }
}
