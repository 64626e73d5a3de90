//! What the policies of a repository have against objects, and against a change of files.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use kustomize_core::Rendered;
use kustomize_core::host::{EntryKind, Host};
use kustomize_core::resource::Resource;
use reconciler_core::ssa::ObjectId;
use serde_json::Value;

use super::change::Change;
use super::place;
use crate::policy::{Files, PolicySet, Subject};
use crate::source::git::GitTree;

/// How deep directories with policies may be nested.
const DEEPEST: usize = 16;
/// How many refusals are listed.
const MOST: usize = 10;

/// The policies of a repository.
#[derive(Clone)]
pub struct Admission(PolicySet);

impl Admission {
    /// Reads the policies in a file, or in all files of a directory and those below it. Rego is evaluated by the program
    /// `evaluator`.
    ///
    /// # Errors
    /// The file or directory does not exist, cannot be read, or has no policy.
    pub fn read(tree: &GitTree, path: &str, evaluator: &Path) -> Result<Self, String> {
        let mut files = Files::default();
        let tree = tree.for_build();
        collect(&tree, &format!("/{}", path.trim_start_matches("./").trim_matches('/')), 0, &mut files)?;
        PolicySet::new(files, evaluator).map(Admission).map_err(|error| format!("{path}: {error}"))
    }

    /// What would be refused of what a change makes different: the objects, with their places and the policies'
    /// words.
    ///
    /// # Errors
    /// A policy in Rego cannot be evaluated.
    pub fn refusals(&self, change: &Change) -> Result<BTreeSet<String>, String> {
        let mut found = BTreeSet::new();
        let mut outcome = Ok(());
        change.each(|_, old, new| {
            if let Ok(new) = new {
                let old = old.map(|old| objects(&old)).unwrap_or_default();
                outcome = self.check(old.iter().map(|object| &object.value), &objects(&new), &mut found);
            }
            if outcome.is_ok() && found.len() < MOST {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        outcome.map(|()| found)
    }

    /// Adds what would be refused of the objects that are new or not what they were.
    fn check<'a>(
        &self,
        old: impl IntoIterator<Item = &'a Value>,
        new: &[Object],
        found: &mut BTreeSet<String>,
    ) -> Result<(), String> {
        let known: HashMap<ObjectId, &Value> =
            old.into_iter().map(|value| (ObjectId::of(value), value)).collect();
        let is_changed = |object: &&Object| {
            known.get(&ObjectId::of(&object.value)).is_none_or(|old| **old != object.value)
        };
        let changed: Vec<&Object> = new.iter().filter(is_changed).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let values = changed.iter().map(|object| &object.value);
        let old = |object: &Value| known.get(&ObjectId::of(object)).copied();
        let subjects: Vec<Subject<'_>> = values.map(|object| Subject { object, old: old(object) }).collect();
        let findings = self.0.check(&subjects, new.iter().map(|object| &object.value))?;
        for (Object { value, place }, findings) in changed.into_iter().zip(findings) {
            let subject = ObjectId::of(value).subject();
            let place = place.as_ref().map_or_else(String::new, |place| format!(" ({place})"));
            let denied = findings.iter().filter(|finding| finding.is_denied());
            found.extend(denied.map(|finding| format!("{subject}{place}: {finding}")));
        }
        Ok(())
    }

    /// What would be refused of the objects of a Kustomization, of which these exist.
    ///
    /// # Errors
    /// A policy in Rego cannot be evaluated.
    pub fn refusals_of(
        &self,
        objects: &[super::Object],
        existing: &[Value],
    ) -> Result<BTreeSet<String>, String> {
        let object =
            |object: &super::Object| Object { value: object.value.clone(), place: object.place.clone() };
        let objects: Vec<Object> = objects.iter().map(object).collect();
        let mut found = BTreeSet::new();
        self.check(existing, &objects, &mut found)?;
        Ok(found)
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

/// Reads a file, or the files of a directory that can have policies.
fn collect(tree: &GitTree, path: &str, depth: usize, files: &mut Files) -> Result<(), String> {
    let fail = |error: String| format!("{}: {error}", place::relative(path));
    let kind = tree.kind(path).map_err(|error| fail(error.to_string()))?;
    if kind == EntryKind::Directory {
        if depth > DEEPEST {
            return Err(fail("directories are nested too deep".to_owned()));
        }
        for name in tree.list(path).map_err(|error| fail(error.to_string()))? {
            let path = format!("{}/{name}", path.trim_end_matches('/'));
            let is_directory = tree.kind(&path).is_ok_and(|kind| kind == EntryKind::Directory);
            if is_directory || Files::is_one(&name) {
                collect(tree, &path, depth + 1, files)?;
            }
        }
        return Ok(());
    }
    let text = tree.read(path).map_err(|error| fail(error.to_string()))?;
    files.add(place::relative(path), &text)
}
