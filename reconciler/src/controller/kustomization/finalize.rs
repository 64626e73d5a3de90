//! The end of a Kustomization.

use reconciler_api::kustomization::{DeletionPolicy, Inventory};
use serde_json::json;

use super::super::{Next, finalizer};
use super::{Reconciliation, SOON};
use crate::apply;

impl Reconciliation<'_> {
    /// Deletes what was applied, unless that is to stay, and lets the object go.
    pub(super) async fn finalize(&mut self) -> Next {
        let spec = &self.object.spec;
        let is_pruned = match spec.deletion_policy.unwrap_or_default() {
            DeletionPolicy::MirrorPrune => spec.prune,
            DeletionPolicy::Delete | DeletionPolicy::WaitForTermination => true,
            DeletionPolicy::Orphan => false,
        };
        if is_pruned && !spec.suspend && self.has_no_account().await {
            let account = spec.service_account_name.as_deref().unwrap_or_default();
            let message = format!("garbage collection skipped: service account '{account}' not found");
            self.context.log.error(&message, self.fields(json!({})));
        } else if is_pruned && !spec.suspend {
            let inventory = self.status().inventory.unwrap_or_default();
            let stale = apply::stale(&inventory, &Inventory::default());
            let cluster = match self.cluster().await {
                Ok(cluster) => cluster,
                Err(failure) => {
                    self.context
                        .log
                        .error("garbage collection failed", self.fields(json!({"error": failure.message})));
                    return Next::After(self.object.spec.retry_interval().to_std());
                }
            };
            let pruned = cluster.prune(stale.clone(), self.owner()).await;
            self.log_changes(&pruned.done);
            if let Some((id, _, error)) = pruned.failed.first() {
                let message = format!("{} delete failed: {error}", id.subject());
                self.context.log.error("garbage collection failed", self.fields(json!({"error": message})));
                return Next::After(SOON);
            }
            if spec.deletion_policy == Some(DeletionPolicy::WaitForTermination) {
                for (id, version) in &stale {
                    if let Ok(Some(kind)) = cluster.kinds().find_id(id, version).await
                        && pruned.done.iter().any(|change| change.id == *id)
                        && let Err(error) = cluster.wait_until_gone(&kind, id, spec.timeout().to_std()).await
                    {
                        self.context.log.error(
                            "waiting for termination failed",
                            self.fields(json!({"error": error.to_string()})),
                        );
                        return Next::After(SOON);
                    }
                }
            }
        }
        match finalizer::remove(&self.context.client, self.object).await {
            Ok(()) => Next::OnChange,
            Err(_) => Next::After(SOON),
        }
    }
}
