//! Whether what a Kustomization applies is healthy.

use std::time::Duration;

use reconciler_api::kustomization::Inventory;
use reconciler_api::reason;
use reconciler_core::kstatus::HealthExpressions;
use reconciler_core::ssa::ObjectId;

use super::{Failure, Reconciliation};
use crate::apply::{self, Health, Objects};

impl Reconciliation<'_> {
    pub(super) async fn check_health(
        &self,
        cluster: &Objects,
        inventory: &Inventory,
        expressions: &HealthExpressions,
    ) -> Result<(), Failure> {
        let spec = &self.object.spec;
        let ids = if spec.wait {
            apply::ids(inventory)
        } else {
            let id = |check: &reconciler_api::kustomization::HealthCheck| {
                let api_version = check.api_version.as_deref().unwrap_or("v1");
                let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
                let id = ObjectId {
                    namespace: check.namespace.clone().unwrap_or_default(),
                    name: check.name.clone(),
                    group: group.to_owned(),
                    kind: check.kind.clone(),
                };
                (id, version.to_owned())
            };
            spec.health_checks.iter().map(id).collect()
        };
        if ids.is_empty() {
            return Ok(());
        }
        let health = Health { objects: cluster, ids, expressions, timeout: spec.timeout().to_std() };
        tokio::select! {
            outcome = health.wait() => {
                outcome.map_err(|error| Failure::new(reason::HEALTH_CHECK_FAILED, error.to_string()))
            }
            () = self.context.kustomization_queue.wanted_again(self.key) => Err(Failure::waiting(
                reason::HEALTH_CHECK_CANCELED,
                "health checks canceled: something has changed meanwhile",
                Duration::ZERO,
            )),
        }
    }
}
