//! `labels`, `commonLabels` and `LabelTransformer`.

use crate::yaml::decode::fields;
use std::collections::BTreeMap;

use super::Local;
use super::config::decode;
use super::entries::Entries;
use crate::error::BuildError;
use crate::field_spec::{FieldSpec, Table};
use crate::resource::{Change, Resource};
use crate::schema::Schema;
use crate::yaml::Node;

/// Adds labels, in `metadata.labels` and wherever else field specs say.
#[derive(Debug)]
pub(crate) struct LabelTransformer(Entries);

#[derive(Default)]
struct Config {
    labels: BTreeMap<String, String>,
    field_specs: Table<FieldSpec>,
}

fields!(Config { labels, field_specs = "fieldSpecs" });

impl LabelTransformer {
    /// Adds these labels.
    pub(crate) fn new(labels: &BTreeMap<String, String>, specs: Table<FieldSpec>) -> Self {
        LabelTransformer(Entries::new(labels, specs))
    }

    /// From a configuration of this kind.
    pub(crate) fn from_config(config: &Node) -> Result<Self, BuildError> {
        let config: Config = decode(config)?;
        Ok(LabelTransformer::new(&config.labels, config.field_specs))
    }

    /// Adds the labels to one resource.
    pub(crate) fn apply_to(&self, resource: &mut Resource) -> Result<(), BuildError> {
        self.0.apply_to(resource)
    }
}

impl Change for LabelTransformer {
    fn selects(&self, _: &Resource, _: &Schema) -> Result<bool, BuildError> {
        Ok(!self.0.is_empty())
    }

    fn apply(&self, resource: &mut Resource, _: &Schema) -> Result<bool, BuildError> {
        self.apply_to(resource).map(|()| true)
    }
}

impl Local for LabelTransformer {
    fn ignores_annotations(&self) -> bool {
        self.0.are_in_labels()
    }
}
