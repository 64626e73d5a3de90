//! Which fields of a kind hold names of other resources.

use std::rc::Rc;

use super::book::Page;
use crate::collections::HashMap;
use crate::field_spec::{FieldSpec, FieldTries, NameReference};
use crate::resource::Gvk;
use crate::schema::Schema;
use crate::yaml::Str;

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

/// Kinds met so far. The reference holds every field spec against every resource; here it is done
/// once a kind.
pub(super) struct Kinds<'c> {
    config: &'c [NameReference],
    schema: &'c Schema,
    known: HashMap<Str, HashMap<Str, Rc<Kind<'c>>>>,
}

impl<'c> Kinds<'c> {
    pub(super) fn new(config: &'c [NameReference], schema: &'c Schema) -> Self {
        Kinds { config, schema, known: HashMap::new() }
    }

    /// The kind that a resource has now.
    pub(super) fn current(&mut self, resource: Page<'_>) -> Rc<Kind<'c>> {
        self.get(&resource.identity.api_version, &resource.identity.kind)
    }

    /// The kind that a resource had at first, which decides on its referring fields.
    pub(super) fn original(&mut self, resource: Page<'_>) -> Rc<Kind<'c>> {
        self.get(&resource.identity.api_version, resource.original_kind())
    }

    fn get(&mut self, api_version: &str, kind: &str) -> Rc<Kind<'c>> {
        let of_kind = self.known.entry_ref(kind).or_default();
        let known = of_kind.entry_ref(api_version);
        Rc::clone(known.or_insert_with(|| Rc::new(learn(self.config, self.schema, api_version, kind))))
    }
}

fn learn<'c>(config: &'c [NameReference], schema: &Schema, api_version: &str, kind: &str) -> Kind<'c> {
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
