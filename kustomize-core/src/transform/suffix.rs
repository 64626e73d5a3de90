//! `nameSuffix` and `SuffixTransformer`.

use super::Local;
use super::affix::{Affix, Side};
use crate::context::Context;
use crate::error::BuildError;
use crate::field_spec::{FieldSpec, Table};
use crate::resource::Resource;
use crate::yaml::Node;

/// Adds a text after the names of resources.
#[derive(Clone, Debug)]
pub(crate) struct SuffixTransformer(Affix);

impl SuffixTransformer {
    /// Adds this suffix. An empty one changes no name.
    pub(crate) fn new(suffix: &str, specs: Table<FieldSpec>) -> Self {
        SuffixTransformer(Affix::new(suffix, Side::Suffix, specs))
    }

    /// From a configuration of this kind.
    pub(crate) fn from_config(config: &Node) -> Result<Self, BuildError> {
        Affix::from_config(config, Side::Suffix).map(SuffixTransformer)
    }
}

impl Local for SuffixTransformer {
    fn apply(&self, resource: &mut Resource, cx: &Context<'_>) -> Result<bool, BuildError> {
        self.0.apply_to(resource, cx.schema()).map(|()| true)
    }
}
