//! What becomes of the resources that a plugin gives back.

use std::sync::Arc;

use super::bookkeeping::take_annotation;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::host::parse_bool;
use crate::resource::{Behavior, Resource, ResourceSet, parse_resources};
use crate::schema::Schema;
use crate::yaml::SourceText;

/// The resources in what a plugin wrote: a `ResourceList`, or documents without that envelope.
pub(super) fn parse(cx: &Context, name: &str, output: Vec<u8>) -> Result<Vec<Resource>, BuildError> {
    let text: SourceText = String::from_utf8(output)
        .map_err(|_| BuildError::new(ErrorKind::Function, format!("the output of {name} is not UTF-8 text")))?
        .into();
    let file = cx.sources.add(format!("output of {name}"), text.clone(), None);
    parse_resources(&text, file)
}

const BEHAVIOR: &str = "kustomize.config.k8s.io/behavior";
const NEEDS_HASH: &str = "kustomize.config.k8s.io/needs-hash";

/// Follows the annotations by which a generator asks for a hash or a behaviour.
pub(super) fn take_generator_options(resource: &mut Resource) -> Result<(), BuildError> {
    let behavior = take_annotation(resource, BEHAVIOR);
    resource.history.behavior = Behavior::named(behavior.as_deref().unwrap_or_default());
    let Some(needs_hash) = take_annotation(resource, NEEDS_HASH) else { return Ok(()) };
    match parse_bool(&needs_hash) {
        Some(needs_hash) => resource.history.needs_hash |= needs_hash,
        None => {
            let message = format!("the annotation {NEEDS_HASH} is neither true nor false: '{needs_hash}'");
            return Err(BuildError::new(ErrorKind::Function, message));
        }
    }
    Ok(())
}

/// Brings a set to what a transformer gave back: resources of the same id are replaced in place,
/// new ones come last, and those that it did not give back go.
pub(super) fn update(
    set: &mut ResourceSet,
    output: Vec<Resource>,
    schema: &Schema,
) -> Result<(), BuildError> {
    let mut given = ResourceSet::new();
    for resource in output {
        given.append(resource, schema).map_err(|conflict| {
            let message = format!("the plugin gave back two resources with the id {}", conflict.id);
            BuildError::new(ErrorKind::Conflict, message)
        })?;
    }
    let given = given.into_list();
    let mut stays = vec![false; set.len()];
    let mut new = Vec::new();
    for resource in given {
        match set.position(&resource.id(schema), schema) {
            Some(at) => {
                if let Some(stays) = stays.get_mut(at) {
                    *stays = true;
                }
                set.update(at, schema, |old| replace(old, Arc::unwrap_or_clone(resource)));
            }
            None => new.push(resource),
        }
    }
    let gone: Vec<usize> = stays.iter().enumerate().filter(|(_, stays)| !**stays).map(|(at, _)| at).collect();
    set.remove_all(&gone);
    new.into_iter().try_for_each(|resource| set.append(resource, schema)).map_err(|conflict| {
        BuildError::new(ErrorKind::Conflict, format!("there are two resources with the id {}", conflict.id))
    })
}

/// Vars are bound to the resource, not to its content; all else comes from what was given back.
fn replace(old: &mut Resource, new: Resource) {
    let vars = std::mem::take(&mut old.history.vars);
    *old = new;
    old.history.vars = vars;
}
