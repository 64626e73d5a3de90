//! The end of a Kustomization.

use std::time::Duration;

use reconciler_api::kustomization::{DeletionPolicy, Inventory};
use serde_json::json;

use reconciler_api::reason;

use super::super::{Next, finalizer};
use super::{Failure, Reconciliation, SOON};
use crate::apply;

/// The pause after objects could not be deleted.
const AGAIN: Duration = Duration::from_secs(10);

impl Reconciliation<'_> {
    /// Deletes what was applied, unless that is to stay, and lets the object go.
    pub(super) async fn finalize(self) -> Next {
        let spec = &self.object.spec;
        let is_pruned = match spec.deletion_policy.unwrap_or_default() {
            DeletionPolicy::MirrorPrune => spec.prune,
            DeletionPolicy::Delete | DeletionPolicy::WaitForTermination => true,
            DeletionPolicy::Orphan => false,
        };
        let inventory = self.status().inventory.unwrap_or_default();
        let stale = apply::stale(&inventory, &Inventory::default());
        // Without objects no access is needed: the account and the kubeconfig may be gone with the namespace.
        let is_pruned = is_pruned && !spec.suspend && !stale.is_empty();
        let missing = if is_pruned { self.missing_account().await } else { None };
        if let Some(account) = missing {
            let message = format!("garbage collection skipped: service account '{account}' not found");
            self.context.log.error(&message, self.fields(json!({})));
        } else if is_pruned {
            let cluster = match self.cluster().await {
                Ok(cluster) => cluster,
                Err(failure) => return self.fail(failure, None).await,
            };
            let pruned = self.prune(&cluster, stale.clone()).await;
            self.log_changes(&pruned.done);
            if let Some((id, _, error)) = pruned.failed.first() {
                let message = format!("{} delete failed: {error}", id.subject());
                return self.keep(message).await;
            }
            if spec.deletion_policy == Some(DeletionPolicy::WaitForTermination) {
                for (id, version) in &stale {
                    if let Ok(Some(kind)) = cluster.kinds().find_id(id, version).await
                        && pruned.done.iter().any(|change| change.id == *id)
                        && let Err(error) = cluster.wait_until_gone(&kind, id, spec.timeout().to_std()).await
                    {
                        return self.keep(error.to_string()).await;
                    }
                }
            }
        }
        self.context.objects.observer().forget_owner(self.owner());
        self.let_go();
        match finalizer::remove(&self.context.client, self.object).await {
            Ok(()) => Next::OnChange,
            Err(_) => Next::Failed(Some(SOON)),
        }
    }

    /// Says why the object is still there.
    async fn keep(self, message: String) -> Next {
        let failure = Failure { next: Some(AGAIN), ..Failure::new(reason::PRUNE_FAILED, message) };
        self.fail(failure, None).await
    }
}
