//! What ValidatingAdmissionPolicies of a repository have against a change of files.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use admission_policy::{Objects, Operation, Policies, Request};
use kustomize_core::Rendered;
use kustomize_core::host::{EntryKind, Host};
use kustomize_core::resource::Resource;
use reconciler_core::object;
use reconciler_core::ssa::ObjectId;
use serde::Deserialize;
use serde_json::Value;

use super::change::Change;
use super::place;
use crate::source::git::GitTree;

/// How deep directories with policies may be nested.
const DEEPEST: usize = 16;
/// How many refusals are listed.
const MOST: usize = 10;

/// Policies with their bindings, and the objects that they refer to.
#[derive(Clone)]
pub struct Admission {
    known: Vec<Value>,
    policies: Policies,
}

impl Admission {
    /// Reads the policies in a file, or in all YAML files of a directory and those below it.
    ///
    /// # Errors
    /// The file or directory does not exist, cannot be read, or has no policy with a binding.
    pub fn read(tree: &GitTree, path: &str) -> Result<Self, String> {
        let mut known = Vec::new();
        let tree = tree.for_build();
        collect(&tree, &format!("/{}", path.trim_start_matches("./").trim_matches('/')), 0, &mut known)?;
        let policies = Policies::of(&Objects::new(known.iter().cloned()));
        let policies = policies.map_err(|error| format!("{path}: {error}"))?;
        if policies.is_empty() {
            return Err(format!(
                "{path} has no ValidatingAdmissionPolicy with a ValidatingAdmissionPolicyBinding"
            ));
        }
        Ok(Admission { known, policies })
    }

    /// What would be refused of what a change makes different: the objects, with their places and the policies'
    /// words.
    #[must_use]
    pub fn refusals(&self, change: &Change) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        change.each(|_, old, new| {
            if let Ok(new) = new {
                let old = old.map(|old| objects(&old)).unwrap_or_default();
                self.check(&old, &objects(&new), &mut found);
            }
            if found.len() < MOST { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        found
    }

    /// Adds what would be refused of the objects that are new or not what they were.
    fn check(&self, old: &[Object], new: &[Object], found: &mut BTreeSet<String>) {
        let unchanged: BTreeMap<String, &Value> =
            old.iter().map(|Object { value, .. }| (ObjectId::of(value).subject(), value)).collect();
        // Parameters and namespaces can be among the objects, too.
        let lookup = Objects::new(self.known.iter().chain(new.iter().map(|object| &object.value)).cloned());
        for Object { value, place } in new {
            let subject = ObjectId::of(value).subject();
            if unchanged.get(&subject).is_some_and(|old| *old == value) {
                continue;
            }
            let resource = lookup.resource(object::api_version(value), object::kind(value));
            let request = Request::new(Operation::Update, value, &resource);
            let findings = self.policies.check(&request, &lookup);
            let place = place.as_ref().map_or_else(String::new, |place| format!(" ({place})"));
            let denied = findings.iter().filter(|finding| finding.is_denied());
            found.extend(denied.map(|finding| format!("{subject}{place}: {finding}")));
        }
    }
}

/// An object, and where it was written.
struct Object {
    value: Value,
    place: Option<String>,
}

fn objects(rendered: &Rendered) -> Vec<Object> {
    let object = |resource: &Arc<Resource>| {
        let value = serde_json::to_value(resource.data()).ok()?;
        let place = rendered.location(&resource.node).map(|found| place::line(&found));
        Some(Object { value, place })
    };
    rendered.resources().iter().filter_map(object).collect()
}

/// Reads the objects in a file, or in the YAML files of a directory.
fn collect(tree: &GitTree, path: &str, depth: usize, known: &mut Vec<Value>) -> Result<(), String> {
    let fail = |error: String| format!("{}: {error}", place::relative(path));
    let kind = tree.kind(path).map_err(|error| fail(error.to_string()))?;
    if kind == EntryKind::Directory {
        if depth > DEEPEST {
            return Err(fail("directories are nested too deep".to_owned()));
        }
        for name in tree.list(path).map_err(|error| fail(error.to_string()))? {
            let path = format!("{}/{name}", path.trim_end_matches('/'));
            let is_directory = tree.kind(&path).is_ok_and(|kind| kind == EntryKind::Directory);
            if is_directory || name.ends_with(".yaml") || name.ends_with(".yml") {
                collect(tree, &path, depth + 1, known)?;
            }
        }
        return Ok(());
    }
    let text = tree.read(path).map_err(|error| fail(error.to_string()))?;
    for document in serde_yaml::Deserializer::from_slice(&text) {
        let value = Value::deserialize(document).map_err(|error| fail(error.to_string()))?;
        if !value.is_null() {
            known.push(value);
        }
    }
    Ok(())
}
