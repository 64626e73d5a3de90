//! Deleting objects that a Kustomization no longer has.

use reconciler_api::annotation;
use reconciler_core::object;
use reconciler_core::ssa::{self, ObjectId};
use serde_json::Value;

use super::change::{Action, Change};
use super::objects::Objects;
use super::request::RequestError;

/// How often the deletion is tried if others write to the object at the same time.
const MOST_TRIES: u32 = 10;

/// The result of pruning.
#[derive(Debug, Default)]
pub struct Pruned {
    /// The objects that were deleted.
    pub done: Vec<Change>,
    /// The objects that could not be deleted, with the error.
    pub failed: Vec<(ObjectId, String, RequestError)>,
}

impl Objects {
    /// Deletes objects in the given order. Objects that belong to another owner or must not be deleted
    /// stay, and leave the inventory.
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

    /// Whether an object is in the cluster and belongs to this owner.
    pub async fn is_owned(
        &self,
        id: &ObjectId,
        version: &str,
        owner: (&str, &str),
    ) -> Result<bool, RequestError> {
        Ok(self.find(id, version).await?.is_some_and(|object| is_owned(&object, owner)))
    }

    /// Whether the object was deleted, by whomever.
    async fn prune_one(
        &self,
        id: &ObjectId,
        version: &str,
        owner: (&str, &str),
    ) -> Result<bool, RequestError> {
        // Its deletion is not drift.
        self.observer().forget_for(id, owner);
        // If the kind is gone, so is the object.
        let Some(kind) = self.kinds().find_id(id, version).await? else { return Ok(false) };
        let mut tries = 0;
        loop {
            tries += 1;
            // Somebody was faster. As with Flux, that counts as deleted.
            let Some(object) = self.get(&kind, id).await? else { return Ok(true) };
            if !is_owned(&object, owner) || ssa::is_kept(&object) {
                return Ok(false);
            }
            if object::at(&object, &["metadata", "deletionTimestamp"]).is_some() {
                return Ok(true);
            }
            // If it changed since, it may have another owner now.
            match self.delete_as_found(&kind, id, &object).await {
                Err(error) if error.code() == 409 && tries < MOST_TRIES => {}
                outcome => return outcome.map(|()| true),
            }
        }
    }
}

fn is_owned(object: &Value, (name, namespace): (&str, &str)) -> bool {
    object::label(object, annotation::OWNER_NAME) == Some(name)
        && object::label(object, annotation::OWNER_NAMESPACE) == Some(namespace)
}

#[cfg(test)]
mod tests {
    use embedded_cluster::Cluster;
    use http::{Method, Request};
    use kube::Client;
    use kube::client::Body;
    use serde_json::json;
    use tower::BoxError;

    use super::*;
    use crate::apply::FIELD_MANAGER;

    /// Another owner takes the object over between the read and the deletion.
    #[tokio::test]
    async fn what_belongs_to_another_in_the_last_moment_stays() -> Result<(), BoxError> {
        let client = Client::new(Cluster::in_memory().service(), "default");
        let other = client.clone();
        let hasty = tower::service_fn(move |request: Request<Body>| {
            let client = other.clone();
            async move {
                if request.method() == Method::DELETE {
                    apply(&client, "other").await?;
                }
                client.send(request).await.map_err(BoxError::from)
            }
        });
        apply(&client, "one").await?;
        let objects = Objects::new(Client::new(hasty, "default"));
        let id: ObjectId = "default_a__ConfigMap".parse().map_err(|_| "no id")?;
        let pruned = objects.prune(vec![(id.clone(), "v1".to_owned())], ("one", "x")).await;
        assert!(pruned.done.is_empty() && pruned.failed.is_empty(), "{pruned:?}");
        assert!(objects.is_owned(&id, "v1", ("other", "x")).await?);
        Ok(())
    }

    #[tokio::test]
    async fn what_is_gone_counts_as_deleted() -> Result<(), BoxError> {
        let objects = Objects::new(Client::new(Cluster::in_memory().service(), "default"));
        let id: ObjectId = "default_a__ConfigMap".parse().map_err(|_| "no id")?;
        let pruned = objects.prune(vec![(id.clone(), "v1".to_owned())], ("one", "x")).await;
        assert!(pruned.failed.is_empty(), "{pruned:?}");
        let done: Vec<_> = pruned.done.into_iter().map(|change| (change.id, change.action)).collect();
        assert_eq!(done, [(id, Action::Deleted)]);
        Ok(())
    }

    async fn apply(client: &Client, owner: &str) -> Result<(), BoxError> {
        let labels = json!({annotation::OWNER_NAME: owner, annotation::OWNER_NAMESPACE: "x"});
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "default", "labels": labels},
        });
        let request = Request::builder()
            .method(Method::PATCH)
            .uri(format!("/api/v1/namespaces/default/configmaps/a?fieldManager={FIELD_MANAGER}&force=true"))
            .header("content-type", "application/apply-patch+yaml")
            .body(serde_json::to_vec(&object)?)?;
        client.request::<Value>(request).await?;
        Ok(())
    }
}
