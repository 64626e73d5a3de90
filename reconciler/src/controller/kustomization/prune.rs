//! Deleting what a Kustomization no longer has, unless another one has it now.

use std::time::Duration;

use reconciler_api::Kustomization;
use reconciler_core::ssa::ObjectId;
use tokio::time::Instant;

use super::super::queue::Key;
use super::Reconciliation;
use crate::apply::{Objects, Pruned};

/// How long others have to take over what has moved to them.
const HANDOVER: Duration = Duration::from_secs(10);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);

impl Reconciliation<'_> {
    /// Deletes objects. Those that have moved to another Kustomization, or that two have, are left to the other one:
    /// deleted and made anew, they would be gone for a moment. Whoever does not take them over in time finds them
    /// deleted.
    pub(super) async fn prune(&self, cluster: &Objects, stale: Vec<(ObjectId, String)>) -> Pruned {
        if stale.is_empty() {
            return Pruned::default();
        }
        let end = Instant::now() + HANDOVER;
        while self.is_someone_late() && Instant::now() < end {
            tokio::time::sleep(PAUSE).await;
        }
        let mut moved = Vec::new();
        for (id, version) in &stale {
            let heirs = self.heirs(id);
            if heirs.is_empty() || !self.owns(cluster, id, version).await {
                continue;
            }
            // They may have applied it before, and see no reason to do that again.
            cluster.observer().forget(id);
            self.context.kustomization_queue.add_all(heirs);
            moved.push((id, version));
        }
        for (id, version) in moved {
            // The other one may drop it, too.
            while Instant::now() < end && !self.heirs(id).is_empty() && self.owns(cluster, id, version).await
            {
                tokio::time::sleep(PAUSE).await;
            }
        }
        let _permit = self.capacity().applies.take(&self.key.namespace).await;
        let pruned = cluster.prune(stale, self.owner()).await;
        self.without_foreign_objects(pruned).await
    }

    /// Leaves out failures to delete objects that belong to others. Objects are in the inventory before they are applied,
    /// also those that the account was never allowed to apply and cannot read now. Of such an object, only the owner is
    /// read with the rights of the reconciler.
    async fn without_foreign_objects(&self, mut pruned: Pruned) -> Pruned {
        if self.object.spec.kube_config.is_some() {
            return pruned;
        }
        for (id, version, error) in std::mem::take(&mut pruned.failed) {
            let may_be_ours = error.code() != 403
                || self.context.objects.is_owned(&id, &version, self.owner()).await.unwrap_or(true);
            if may_be_ours {
                pruned.failed.push((id, version, error));
            }
        }
        pruned
    }

    async fn owns(&self, cluster: &Objects, id: &ObjectId, version: &str) -> bool {
        cluster.is_owned(id, version, self.owner()).await.unwrap_or_default()
    }

    /// Whether a Kustomization of the same source has not come to its revision yet: it may want what is deleted here.
    /// One that is refused the source never comes to it.
    ///
    /// Two that prune at the same revision look at each other, so each notes the revision in its status before that.
    fn is_someone_late(&self) -> bool {
        let Ok(current) = self.source() else { return false };
        let source = source_of(self.key, self.object);
        let is_late = |key: &Key, other: &Kustomization| {
            let attempted = other.status.as_ref().and_then(|status| status.last_attempted_revision.as_ref());
            source_of(key, other) == source
                && attempted != Some(&current.revision)
                && self.may_use_source(key)
        };
        !self.others(is_late).is_empty()
    }

    /// Whether another Kustomization may use the source of this one.
    fn may_use_source(&self, other: &Key) -> bool {
        let (kind, namespace, name) = source_of(self.key, self.object);
        let source = Key { namespace: namespace.to_owned(), name: name.to_owned() };
        self.context.may_use(&other.namespace, kind, &source)
    }

    /// Other Kustomizations that have an object in the same cluster.
    fn heirs(&self, id: &ObjectId) -> Vec<Key> {
        let id = id.to_string();
        self.others(|_, other| {
            let inventory = other.status.as_ref().and_then(|status| status.inventory.as_ref());
            other.spec.kube_config == self.object.spec.kube_config
                && inventory.is_some_and(|inventory| inventory.entries.iter().any(|entry| entry.id == id))
        })
    }

    /// Other Kustomizations that apply objects.
    fn others(&self, is_wanted: impl Fn(&Key, &Kustomization) -> bool) -> Vec<Key> {
        self.context.kustomizations.keys(|key, other| {
            key != self.key
                && !other.spec.suspend
                && other.metadata.deletion_timestamp.is_none()
                && is_wanted(key, other)
        })
    }
}

/// Kind, namespace and name of a Kustomization's source.
fn source_of<'a>(key: &'a Key, object: &'a Kustomization) -> (&'a str, &'a str, &'a str) {
    let source = &object.spec.source_ref;
    (&source.kind, source.namespace.as_ref().unwrap_or(&key.namespace), &source.name)
}
