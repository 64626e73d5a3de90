//! `nameSuffix` and `SuffixTransformer`.

use super::Local;
use super::affix::{Affix, Side};
use crate::error::BuildError;
use crate::field_spec::{FieldSpec, Table};
use crate::resource::{Change, Resource};
use crate::schema::Schema;
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

impl Change for SuffixTransformer {
    fn apply(&self, resource: &mut Resource, schema: &Schema) -> Result<bool, BuildError> {
        self.0.apply_to(resource, schema).map(|()| true)
    }
}

impl Local for SuffixTransformer {}
