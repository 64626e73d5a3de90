//! Deleting objects that a Kustomization no longer has.

use reconciler_api::annotation;
use reconciler_core::object;
use reconciler_core::ssa::{self, ObjectId};
use serde_json::Value;

use super::change::{Action, Change};
use super::objects::Objects;
use super::request::RequestError;

/// What was deleted, and what could not be.
#[derive(Debug, Default)]
pub struct Pruned {
    /// What was deleted.
    pub done: Vec<Change>,
    /// What still has to be, with the error.
    pub failed: Vec<(ObjectId, String, RequestError)>,
}

impl Objects {
    /// Deletes objects in the given order. Those that belong to someone else or are not to be
    /// deleted stay, and are no longer this owner's business.
    pub async fn prune(&self, stale: Vec<(ObjectId, String)>, owner: (&str, &str)) -> Pruned {
        let mut pruned = Pruned::default();
        for (id, version) in stale {
            match self.prune_one(&id, &version, owner).await {
                Ok(true) => pruned.done.push(Change { id, action: Action::Deleted }),
                Ok(false) => {}
                Err(error) => pruned.failed.push((id, version, error)),
            }
        }
        pruned
    }

    /// Whether the object was deleted.
    async fn prune_one(
        &self,
        id: &ObjectId,
        version: &str,
        owner: (&str, &str),
    ) -> Result<bool, RequestError> {
        // What happens to it now is no drift.
        self.observer().forget(id);
        // Without its kind there is no object either.
        let Some(kind) = self.kinds().find_id(id, version).await? else { return Ok(false) };
        let Some(object) = self.get(&kind, id).await? else { return Ok(false) };
        if !is_owned(&object, owner) || ssa::is_kept(&object) {
            return Ok(false);
        }
        if object::at(&object, &["metadata", "deletionTimestamp"]).is_none() {
            self.delete(&kind, id, object::text(&object, &["metadata", "uid"])).await?;
        }
        Ok(true)
    }
}

fn is_owned(object: &Value, (name, namespace): (&str, &str)) -> bool {
    object::label(object, annotation::OWNER_NAME) == Some(name)
        && object::label(object, annotation::OWNER_NAMESPACE) == Some(namespace)
}
