//! `namePrefix` and `PrefixTransformer`.

use super::Local;
use super::affix::{Affix, Side};
use crate::error::BuildError;
use crate::field_spec::{FieldSpec, Table};
use crate::resource::{Change, Resource};
use crate::schema::Schema;
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

impl Change for PrefixTransformer {
    fn apply(&self, resource: &mut Resource, schema: &Schema) -> Result<bool, BuildError> {
        self.0.apply_to(resource, schema).map(|()| true)
    }
}

impl Local for PrefixTransformer {}
