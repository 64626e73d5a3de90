//! Name references in single resources of a finished build.

use std::sync::Arc;

use super::book::Known;
use super::candidates::Candidates;
use super::name_reference::{fix_resource, refers_from_identity};
use super::referrer_fields::Kinds;
use crate::error::BuildError;
use crate::field_spec::NameReference;
use crate::resource::Resource;
use crate::schema::Schema;

/// The names in a finished build: who could be meant by a name.
#[derive(Debug)]
pub(crate) struct Names {
    known: Vec<Known>,
    candidates: Candidates,
}

impl Names {
    /// The names of these resources; none when names depend on references themselves.
    pub(crate) fn new(
        resources: &[Arc<Resource>],
        references: &[NameReference],
        schema: &Schema,
    ) -> Option<Self> {
        if references.iter().any(refers_from_identity) {
            return None;
        }
        let known: Vec<Known> =
            resources.iter().map(|resource| Known::read(resource, resource.history.clone())).collect();
        let candidates = Candidates::new(&known, &mut Kinds::new(references, schema));
        Some(Names { known, candidates })
    }

    /// Writes the names of others into a resource that takes the place of the one at a position,
    /// and has the same ids.
    pub(crate) fn fix(
        &self,
        resource: &mut Resource,
        at: usize,
        references: &[NameReference],
        schema: &Schema,
    ) -> Result<(), BuildError> {
        fix_resource(resource, at, &self.known, &mut Kinds::new(references, schema), &self.candidates)
    }
}
