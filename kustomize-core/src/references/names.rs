//! Name references in single resources of a finished build.

use std::sync::Arc;

use super::candidates::Candidates;
use super::name_reference::{fix_resource, refers_from_identity};
use super::referents::{Identity, Referents, Tree};
use super::referrer_fields::{Kind, Kinds};
use crate::error::BuildError;
use crate::field_spec::NameReference;
use crate::resource::{History, Resource, split_api_version};
use crate::schema::Schema;

/// The names in a finished build: who could be meant by a name.
#[derive(Debug)]
pub(crate) struct Names {
    resources: Vec<Arc<Resource>>,
    identities: Vec<Identity>,
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
        let identities: Vec<_> = resources.iter().map(|resource| Identity::read(&resource.node)).collect();
        let histories = histories(resources);
        let referents = Referents::new(&identities, &histories);
        let candidates = Candidates::new(referents, &Kinds::of(referents, references, schema));
        Some(Names { resources: resources.to_vec(), identities, candidates })
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
        let histories = histories(&self.resources);
        let referents = Referents::new(&self.identities, &histories);
        let referent = referents.referent(at);
        let api_version = &referent.identity.api_version;
        let kind = Kind::new(api_version, referent.original_kind(), references, schema);
        let (group, version) = split_api_version(api_version);
        let cluster_scoped = schema.is_cluster_scoped(group, version, &referent.identity.kind);
        let Resource { node, links, .. } = resource;
        fix_resource(&mut Tree { node, links }, at, referents, cluster_scoped, &kind, &self.candidates, None)
    }
}

fn histories(resources: &[Arc<Resource>]) -> Vec<&History> {
    resources.iter().map(|resource| &resource.history).collect()
}
