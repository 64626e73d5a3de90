//! Which fields of a kind hold names of other resources.

use super::referents::{Referent, Referents};
use crate::collections::IndexMap;
use crate::field_spec::{FieldSpec, FieldTries, NameReference};
use crate::resource::Gvk;
use crate::schema::Schema;

/// A field that refers to resources of some kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference<'c> {
    /// Kind of the resources that are referred to, as a selector.
    pub(super) target: &'c Gvk,
    /// The field.
    pub(super) field: &'c FieldSpec,
}

impl Reference<'_> {
    /// Whether `roleRef` narrows down what is meant.
    pub(super) fn is_role_ref(&self) -> bool {
        self.field.path.as_str().ends_with("roleRef/name")
    }
}

/// What is known of all resources of one group, version and kind.
#[derive(Debug)]
pub(super) struct Kind<'c> {
    pub(super) cluster_scoped: bool,
    /// Its referring fields.
    pub(super) fields: FieldTries,
    /// What the numbers in `fields` mean.
    pub(super) references: Vec<Reference<'c>>,
}

/// The kinds of some resources. kustomize holds every field spec against every resource; here it
/// is done once a kind.
#[derive(Debug)]
pub(super) struct Kinds<'c> {
    list: Vec<Kind<'c>>,
    /// By position of the resource: the kind that it has now, and the one that it had at first.
    of_resources: Vec<(u32, u32)>,
}

impl<'c> Kinds<'c> {
    /// Those of all resources.
    pub(super) fn of(referents: Referents<'_>, config: &'c [NameReference], schema: &Schema) -> Self {
        let mut list = Vec::new();
        let mut numbers: IndexMap<&str, IndexMap<&str, u32>> = IndexMap::default();
        let mut number = |api_version, kind| {
            *numbers.entry(kind).or_default().entry(api_version).or_insert_with(|| {
                list.push(Kind::new(api_version, kind, config, schema));
                u32::try_from(list.len() - 1).unwrap_or(u32::MAX)
            })
        };
        let of_resources = referents.iter().map(|Referent { identity, history }| {
            let current = number(identity.api_version.as_str(), identity.kind.as_str());
            let original = match history.previous.first() {
                Some(first) if first.kind != identity.kind => number(&identity.api_version, &first.kind),
                _ => current,
            };
            (current, original)
        });
        let of_resources = of_resources.collect();
        Kinds { list, of_resources }
    }

    /// The kind that the resource at a position has now.
    pub(super) fn current(&self, at: usize) -> &Kind<'c> {
        &self.list[self.of_resources[at].0 as usize]
    }

    /// The kind that the resource at a position had at first, which decides on its referring fields.
    pub(super) fn original(&self, at: usize) -> &Kind<'c> {
        &self.list[self.of_resources[at].1 as usize]
    }
}

impl<'c> Kind<'c> {
    /// Goes through the configuration once.
    pub(super) fn new(api_version: &str, kind: &str, config: &'c [NameReference], schema: &Schema) -> Self {
        let gvk = Gvk::new(api_version, kind);
        let mut fields = FieldTries::default();
        let mut references = Vec::new();
        for NameReference { target, referrers } in config {
            for field in referrers.iter().filter(|field| field.selects(&gvk.group, &gvk.version, &gvk.kind)) {
                fields.add(&field.path, u32::try_from(references.len()).unwrap_or(u32::MAX));
                references.push(Reference { target, field });
            }
        }
        let cluster_scoped = schema.is_cluster_scoped(&gvk.group, &gvk.version, &gvk.kind);
        Kind { cluster_scoped, fields, references }
    }
}
