//! Writes the new names of renamed resources wherever other resources refer to them.

use super::candidates::{Candidates, Namespace, View};
use super::referents::{Identity, Referents, Tree};
use super::referral::{Referral, Referrer};
use super::referrer_fields::{Kind, Kinds, Reference};
use super::role_binding;
use crate::collections::IndexMap;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::field_spec::NameReference;
use crate::resource::{Gvk, History, Link, ResourceSet};
use crate::yaml::{Map, Node, Scalar, Str, Value};

/// Fewer resources than this are not worth a thread.
const LEAST: usize = 128;

/// Updates every field that the configuration says holds the name of a renamed resource
/// (kustomize's `nameReferenceTransformer`).
///
/// # Errors
/// A name that could mean several resources with different names, and a field that is not what
/// the configuration says.
pub(crate) fn fix_names(
    set: &mut ResourceSet,
    config: &[NameReference],
    cx: &Context,
) -> Result<(), BuildError> {
    let resources = set.list_mut().as_mut_slice();
    let identities = Identity::read_all(resources, &cx.threads);
    let (histories, mut trees) = Tree::split(resources);
    fix_all(&mut trees, identities, &histories, config, cx).map_err(|(at, error)| match resources.get(at) {
        Some(resource) => error.about(resource.id(cx.schema())),
        None => error,
    })
}

/// Fixes all resources; an error comes with the position of its resource.
fn fix_all(
    trees: &mut [Tree<'_>],
    mut identities: Vec<Identity>,
    histories: &[&History],
    config: &[NameReference],
    cx: &Context,
) -> Result<(), (usize, BuildError)> {
    let referents = Referents::new(&identities, histories);
    let kinds = Kinds::of(referents, config, cx.schema());
    let candidates = Candidates::new(referents, &kinds);
    let fix = |at, tree: &mut Tree<'_>, referents: Referents<'_>, memory: Option<&mut Memory>| {
        cx.cancellation.check().map_err(|error| (at, error))?;
        let cluster_scoped = kinds.current(at).cluster_scoped;
        fix_resource(tree, at, referents, cluster_scoped, kinds.original(at), &candidates, memory)
            .map_err(|error| (at, error))
    };
    if config.iter().any(refers_from_identity) {
        // What one resource refers to decides on how the next ones are named.
        for (at, tree) in trees.iter_mut().enumerate() {
            fix(at, tree, Referents::new(&identities, histories), None)?;
            identities[at] = Identity::read(tree.node);
        }
        return Ok(());
    }
    cx.threads.for_each_chunk(trees, LEAST, |first, trees| {
        let mut memory = Memory::default();
        (first..).zip(trees).try_for_each(|(at, tree)| fix(at, tree, referents, Some(&mut memory)))
    })
}

/// Whether fields that name the resource itself refer to others.
pub(super) fn refers_from_identity(reference: &NameReference) -> bool {
    let is_identity = |path: &str| {
        let path = path.trim_start_matches('/');
        let first = path.split('/').next().unwrap_or_default();
        match first.trim_end_matches("[]") {
            "metadata" => !path.starts_with("metadata/annotations/"),
            "apiVersion" | "kind" | "*" => true,
            _ => false,
        }
    };
    reference.referrers.iter().any(|field| is_identity(field.path.as_str()))
}

/// Fixes one resource; `at` is its position, `kind` the one that it had at first. `memory` holds what
/// names meant to other resources; it is of use only while no resource changes its identity.
pub(super) fn fix_resource(
    tree: &mut Tree<'_>,
    at: usize,
    referents: Referents<'_>,
    cluster_scoped: bool,
    kind: &Kind<'_>,
    candidates: &Candidates,
    mut memory: Option<&mut Memory>,
) -> Result<(), BuildError> {
    if kind.fields.is_empty() {
        return Ok(());
    }
    check_meta(tree.node)?;
    let further = role_binding::namespaces(tree.node, cluster_scoped)?;
    if candidates.is_empty() {
        // Nothing was renamed, so nothing changes; what is refused is refused all the same.
        return kind.fields.walk(tree.node, &mut |field, _| check_shape(field));
    }
    let view = candidates.view(cluster_scoped, &referents.referent(at).identity.namespace, &further);
    let referrer = Referrer::new(tree.node, at);
    let mut scratch = Vec::new();
    let fixed = kind.fields.walk(tree.node, &mut |field, number| {
        let reference = kind.references[number as usize];
        let (scratch, memory) = (&mut scratch, memory.as_deref_mut());
        Fixer { candidates, view: &view, referrer: &referrer, referents, reference, scratch, memory }
            .fix(field)
    });
    Link::settle_all(tree.links, tree.node);
    fixed
}

/// kustomize reads a referrer's `apiVersion` in two ways and refuses it when they differ.
fn check_meta(root: &Node) -> Result<(), BuildError> {
    let Some(node) = root.get("apiVersion") else { return Ok(()) };
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
    referents: Referents<'a>,
    reference: Reference<'c>,
    scratch: &'a mut Vec<u32>,
    memory: Option<&'a mut Memory>,
}

/// The names that resources go by now which many share, by what decides on them: without it each
/// reference to such a name would have to look at all of these resources.
#[derive(Default)]
pub(super) struct Memory {
    meanings: IndexMap<Question, Option<Str>>,
}

/// Everything that decides on what a name in a field means.
#[derive(PartialEq, Eq, Hash)]
struct Question {
    name: Str,
    target: Gvk,
    namespace: Namespace,
    prefixes: Vec<Str>,
    suffixes: Vec<Str>,
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
        let Some(name) = self.new_name(field.text())? else { return Ok(()) };
        if name != field.text() && !name.is_empty() {
            // A scalar, as it was matched by its text.
            let _ = field.set_scalar(Scalar::untyped(name));
        }
        Ok(())
    }

    /// What the resource that a name means is called now, if there is one.
    fn new_name(&mut self, name: &str) -> Result<Option<Str>, BuildError> {
        let question = self.question(name);
        if let (Some(question), Some(memory)) = (&question, &self.memory)
            && let Some(known) = memory.meanings.get(question)
        {
            return Ok(known.clone());
        }
        self.candidates.named(name, self.view, self.scratch);
        let meaning = self.select(name, |a, b| a.name == b.name)?.map(|referral| Str::from(referral.name));
        if let (Some(question), Some(memory)) = (question, &mut self.memory) {
            memory.meanings.insert(question, meaning.clone());
        }
        Ok(meaning)
    }

    /// What to remember the meaning of a name by; none where it is quicker to look at all resources of
    /// this name, or something else decides, too.
    fn question(&self, name: &str) -> Option<Question> {
        const MANY: usize = 32;
        let View::From { namespace, further, .. } = self.view else { return None };
        let is_plain = self.memory.is_some() && further.is_empty() && !self.reference.is_role_ref();
        if !is_plain || self.candidates.count(name) < MANY {
            return None;
        }
        let History { prefixes, suffixes, .. } = self.referrer.history(self.referents);
        Some(Question {
            name: name.into(),
            target: self.reference.target.clone(),
            namespace: *namespace,
            prefixes: prefixes.clone(),
            suffixes: suffixes.clone(),
        })
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
        self.referrer.narrow(self.scratch, self.referents, self.reference);
        let meant = |at: u32| Referrer::referral(self.referents, at);
        let Some((first, rest)) = self.scratch.split_first() else { return Ok(None) };
        let first = meant(*first);
        if rest.iter().all(|other| same(&first, &meant(*other))) {
            return Ok(Some(first));
        }
        Err(self.referrer.ambiguous(name, self.scratch, self.referents, self.reference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field_spec::FieldSpec;

    #[test]
    fn references_in_what_identifies_a_resource() {
        for (path, expected) in [
            ("metadata/name", true),
            ("/metadata[]/labels", true),
            ("metadata/annotations/a", false),
            ("kind", true),
            ("apiVersion", true),
            ("*/name", true),
            ("spec/metadata", false),
        ] {
            let referrers = vec![FieldSpec::any("spec/a", false), FieldSpec::any(path, false)];
            let reference = NameReference { target: Gvk::default(), referrers: referrers.into() };
            assert_eq!(refers_from_identity(&reference), expected, "{path}");
        }
    }
}
