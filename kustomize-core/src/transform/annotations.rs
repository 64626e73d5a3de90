//! `commonAnnotations` and `AnnotationsTransformer`.

use crate::yaml::decode::fields;
use std::collections::BTreeMap;

use super::Local;
use super::config::decode;
use super::entries::Entries;
use super::patch_apply;
use crate::error::BuildError;
use crate::field_spec::{FieldSpec, Table};
use crate::resource::{Change, Resource};
use crate::schema::Schema;
use crate::yaml::Node;

/// Adds annotations, in `metadata.annotations` and wherever else field specs say.
#[derive(Debug)]
pub(crate) struct AnnotationsTransformer(Entries);

#[derive(Default)]
struct Config {
    annotations: BTreeMap<String, String>,
    field_specs: Table<FieldSpec>,
}

fields!(Config { annotations, field_specs = "fieldSpecs" });

impl AnnotationsTransformer {
    /// Adds these annotations.
    pub(crate) fn new(annotations: &BTreeMap<String, String>, specs: Table<FieldSpec>) -> Self {
        AnnotationsTransformer(Entries::new(annotations, specs))
    }

    /// From a configuration of this kind.
    pub(crate) fn from_config(config: &Node) -> Result<Self, BuildError> {
        let config: Config = decode(config)?;
        Ok(AnnotationsTransformer::new(&config.annotations, config.field_specs))
    }

    /// Adds the annotations to one resource.
    pub(crate) fn apply_to(&self, resource: &mut Resource) -> Result<(), BuildError> {
        let has_history = patch_apply::open_books(resource);
        let applied = self.0.apply_to(resource);
        if has_history {
            patch_apply::close_books(resource);
        }
        applied
    }
}

impl Change for AnnotationsTransformer {
    fn selects(&self, _: &Resource, _: &Schema) -> Result<bool, BuildError> {
        Ok(!self.0.is_empty())
    }

    fn apply(&self, resource: &mut Resource, _: &Schema) -> Result<bool, BuildError> {
        self.apply_to(resource).map(|()| true)
    }
}

impl Local for AnnotationsTransformer {}
