//! Writes the new names of renamed resources wherever other resources refer to them.

use std::rc::Rc;

use super::candidates::{Candidates, View};
use super::referral::{Referral, Referrer};
use super::referrer_fields::{Kind, Kinds, Reference};
use super::role_binding;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::field_spec::NameReference;
use crate::resource::{Resource, ResourceSet};
use crate::yaml::{Map, Node, Scalar, Value};

/// Updates every field that the configuration says holds the name of a renamed resource
/// (the reference's `nameReferenceTransformer`).
///
/// # Errors
/// A name that could mean several resources with different names, and a field that is not what
/// the configuration says.
pub(crate) fn fix_names(
    set: &mut ResourceSet,
    config: &[NameReference],
    cx: &Context<'_>,
) -> Result<(), BuildError> {
    let mut kinds = Kinds::new(config, cx.schema());
    let mut candidates = Candidates::new(set.as_slice(), &mut kinds);
    let resources = set.list_mut().as_mut_slice();
    let mut scratch = Vec::new();
    for at in 0..resources.len() {
        let kind = kinds.original(&resources[at]);
        if kind.fields.is_empty() {
            continue;
        }
        let cluster_scoped = kinds.current(&resources[at]).cluster_scoped;
        let fixed = fix_resource(resources, at, &kind, cluster_scoped, &mut candidates, &mut scratch);
        fixed.map_err(|error| error.about(resources[at].id(cx.schema())))?;
    }
    Ok(())
}

fn fix_resource(
    resources: &mut [Resource],
    at: usize,
    kind: &Rc<Kind<'_>>,
    cluster_scoped: bool,
    candidates: &mut Candidates,
    scratch: &mut Vec<u32>,
) -> Result<(), BuildError> {
    let resource = &resources[at];
    check_meta(resource)?;
    let further = role_binding::namespaces(resource, cluster_scoped)?;
    if candidates.is_empty() {
        // Nothing was renamed, so nothing changes; what is refused is refused all the same.
        let mut node = take_node(resources, at);
        let walked = kind.fields.walk(&mut node, &mut |field, _| check_shape(field));
        resources[at].node = node;
        return walked;
    }
    let view = candidates.view(cluster_scoped, resource.namespace(), &further);
    let referrer = Referrer::new(resource, at);
    let mut node = take_node(resources, at);
    let others = &*resources;
    let fixed = kind.fields.walk(&mut node, &mut |field, number| {
        let reference = kind.references[number as usize];
        let mut fixer = Fixer { candidates, view: &view, referrer: &referrer, others, reference, scratch };
        fixer.fix(field)
    });
    resources[at].node = node;
    resources[at].settle_links();
    fixed
}

/// Takes the tree out, so that it can be changed while the other resources are looked at.
fn take_node(resources: &mut [Resource], at: usize) -> Node {
    std::mem::replace(&mut resources[at].node, Node::null())
}

/// The reference reads a referrer's `apiVersion` in two ways and refuses it when they differ.
fn check_meta(resource: &Resource) -> Result<(), BuildError> {
    let Some(node) = resource.node.get("apiVersion") else { return Ok(()) };
    let text = node.text();
    if text.starts_with('/') || (node.is_null() && !text.is_empty()) {
        let message = format!("`{text}` is not an apiVersion");
        return Err(BuildError::new(ErrorKind::Resource, message).at(node.pos).field("apiVersion"));
    }
    Ok(())
}

/// What a referring field must look like, whether or not it refers to anything.
fn check_shape(field: &Node) -> Result<(), BuildError> {
    let check_item = |item: &Node| match &item.value {
        Value::Scalar(_) => Ok(()),
        Value::Map(map) if map.contains("name") => Ok(()),
        Value::Map(_) => Err(no_name(item)),
        Value::Seq(_) => Err(nested_list(item)),
    };
    match &field.value {
        Value::Seq(items) => items.iter().try_for_each(check_item),
        _ => check_item(field),
    }
}

fn no_name(node: &Node) -> BuildError {
    BuildError::new(ErrorKind::Reference, "a name reference leads to a map without the field `name`")
        .at(node.pos)
        .with_help("the path of a name reference ends at a name, or at a map with `name` and `namespace`")
}

fn nested_list(node: &Node) -> BuildError {
    BuildError::new(ErrorKind::Reference, "a name reference leads to a list within a list").at(node.pos)
}

/// One referring field of one resource.
struct Fixer<'a, 'c> {
    candidates: &'a Candidates,
    view: &'a View,
    referrer: &'a Referrer,
    others: &'a [Resource],
    reference: Reference<'c>,
    scratch: &'a mut Vec<u32>,
}

impl Fixer<'_, '_> {
    fn fix(&mut self, field: &mut Node) -> Result<(), BuildError> {
        match &mut field.value {
            Value::Seq(items) => items.iter_mut().try_for_each(|item| match &item.value {
                Value::Seq(_) => Err(nested_list(item)),
                _ => self.fix_item(item),
            }),
            _ => self.fix_item(field),
        }
    }

    fn fix_item(&mut self, item: &mut Node) -> Result<(), BuildError> {
        if item.is_null() {
            return Ok(());
        }
        let pos = item.pos;
        match &mut item.value {
            Value::Map(map) if map.contains("name") => self.fix_map(map).map_err(|error| error.at(pos)),
            Value::Map(_) => Err(no_name(item)),
            _ => self.fix_scalar(item),
        }
    }

    /// A field that is the name itself.
    fn fix_scalar(&mut self, field: &mut Node) -> Result<(), BuildError> {
        self.candidates.named(field.text(), self.view, self.scratch);
        let Some(referral) = self.select(field.text(), |a, b| a.name == b.name)? else { return Ok(()) };
        if referral.name != field.text() && !referral.name.is_empty() {
            // A scalar, as it was matched by its text.
            let _ = field.set_scalar(Scalar::untyped(referral.name));
        }
        Ok(())
    }

    /// A field with `name`, and perhaps `namespace`, below it.
    fn fix_map(&mut self, map: &mut Map) -> Result<(), BuildError> {
        let name = map.get("name").map_or("", Node::text);
        match map.get("namespace") {
            Some(namespace) => {
                self.candidates.named_in(name, namespace.text(), self.view, self.scratch);
            }
            None => self.candidates.named(name, self.view, self.scratch),
        }
        let Some(referral) = self.select(name, |a, b| a == b)? else { return Ok(()) };
        if referral.name == name && referral.namespace.is_empty() {
            return Ok(());
        }
        if referral.name.is_empty() {
            map.remove("name");
        } else {
            map.set_field("name", Node::untyped(referral.name));
        }
        if !referral.namespace.is_empty() {
            map.set_field("namespace", Node::untyped(referral.namespace));
        }
        Ok(())
    }

    /// The one resource that is meant, if any, out of those found by name.
    fn select(
        &mut self,
        name: &str,
        same: impl Fn(&Referral<'_>, &Referral<'_>) -> bool,
    ) -> Result<Option<Referral<'_>>, BuildError> {
        if self.scratch.is_empty() {
            return Ok(None);
        }
        self.referrer.narrow(self.scratch, self.others, self.reference);
        let meant = |at: u32| self.referrer.referral(self.others, at);
        let Some((first, rest)) = self.scratch.split_first() else { return Ok(None) };
        let first = meant(*first);
        if rest.iter().all(|other| same(&first, &meant(*other))) {
            return Ok(Some(first));
        }
        Err(self.referrer.ambiguous(name, self.scratch, self.others, self.reference))
    }
}
