//! Resources that are only there for the build.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{ResId, Resource, ResourceSet};
use crate::collections::{IndexMap, IndexSet};
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::yaml::{Node, Pos};

const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";

impl Resource {
    /// Whether the resource is marked as local: by the annotation
    /// `config.kubernetes.io/local-config` with any value but `false`.
    pub(crate) fn is_local_config(&self) -> bool {
        self.annotation(LOCAL_CONFIG).is_some_and(|value| value != "false")
    }

    /// Refuses a resource that lost its kind or name on the way
    /// (kustomize's `GetValidatedMetadata`).
    pub(crate) fn check_metadata(&self) -> Result<(), BuildError> {
        let text =
            |node: Option<&Node>| node.filter(|node| !node.is_null()).map_or("", Node::text).is_empty();
        let missing = |field: &str| {
            let message = format!("the resource has no {field}");
            Err(BuildError::new(ErrorKind::Resource, message).at(self.node.pos).about(self.written_id()))
        };
        if text(self.node.get("kind")) {
            return missing("kind");
        }
        if !self.kind().ends_with("List") && text(self.node.at(&["metadata", "name"])) {
            return missing("metadata.name");
        }
        Ok(())
    }
}

/// Drops resources that are marked as local (kustomize's `IgnoreLocal`): all of an id or none,
/// since kustomize goes by ids.
///
/// # Errors
/// A resource without kind or name, and two local resources of one id.
pub(crate) fn drop_local_config(set: &mut ResourceSet, cx: &Context) -> Result<(), BuildError> {
    /// Fewer resources than this are not worth a thread.
    const LEAST: usize = 128;
    let any_local = AtomicBool::new(false);
    cx.threads.for_each_chunk(set.list_mut(), LEAST, |_, resources| {
        for resource in resources.iter().filter(|resource| !resource.node.is_nil_or_empty()) {
            resource.check_metadata()?;
            if resource.is_local_config() {
                any_local.store(true, Ordering::Relaxed);
            }
        }
        Ok::<(), BuildError>(())
    })?;
    if !any_local.into_inner() {
        return Ok(());
    }
    let schema = cx.schema();
    let ids: Vec<ResId> = set.iter().map(|resource| resource.id(schema)).collect();
    let stays = |resource: &Resource| !resource.node.is_nil_or_empty() && !resource.is_local_config();
    let kept: IndexSet<&ResId> =
        set.iter().zip(&ids).filter(|(resource, _)| stays(resource)).map(|(_, id)| id).collect();
    let mut dropped: IndexMap<&ResId, Pos> = IndexMap::default();
    for (resource, id) in set.iter().zip(&ids).filter(|(_, id)| !kept.contains(id)) {
        if let Some(first) = dropped.insert(id, resource.node.pos) {
            let message = format!("two local resources have the id {id:#}");
            return Err(BuildError::new(ErrorKind::Conflict, message)
                .at(resource.node.pos)
                .about(id)
                .with_note("the first one", first));
        }
    }
    let mut at = 0;
    set.list_mut().retain(|_| {
        at += 1;
        kept.contains(&ids[at - 1])
    });
    Ok(())
}
