//! Whether what a Kustomization applies is healthy.

use std::sync::Arc;
use std::time::Duration;

use reconciler_api::kustomization::{HealthCheck, Inventory};
use reconciler_api::{annotation, reason};
use reconciler_core::kstatus::HealthExpressions;
use reconciler_core::object;
use reconciler_core::ssa::ObjectId;

use super::super::tenancy;
use super::{Failure, Reconciliation};
use crate::apply::{self, Health, HealthRules, Objects};
use crate::source::Snapshot;

/// The pause between two looks at what makes a Kustomization due.
const PAUSE: Duration = Duration::from_millis(500);

impl Reconciliation<'_> {
    /// Refuses health checks of objects that this Kustomization may not refer to. Whether the owner of an object allows it
    /// is read with the rights that the check itself has.
    pub(super) async fn check_health_references(&self) -> Result<(), Failure> {
        let (tenants, own) = (&self.context.tenants, &self.key.namespace);
        for check in &self.object.spec.health_checks {
            let namespace = check.namespace.as_ref().unwrap_or(own);
            if tenants.may_refer(own, namespace, None) {
                continue;
            }
            self.is_strict()?;
            let shown = format!("{}/{namespace}/{}", check.kind, check.name);
            let denied = |message: String| Failure::new(reason::ACCESS_DENIED, message);
            let found = self.cluster().await?.find(&id(check), version(check)).await;
            let found = found.map_err(|error| {
                let (blocked, remedy) = (tenancy::blocked(&shown), tenancy::remedy(own));
                denied(format!("{blocked}: {error}; besides the right to read it, {remedy}"))
            })?;
            let allowed =
                found.as_ref().and_then(|found| object::annotation(found, annotation::ALLOWED_NAMESPACES));
            if !tenants.may_refer(own, namespace, allowed) {
                return Err(denied(tenancy::refusal(&shown, own)));
            }
        }
        Ok(())
    }

    /// Whether anything has to be healthy.
    pub(super) fn checks_health(&self) -> bool {
        self.object.spec.wait || !self.object.spec.health_checks.is_empty()
    }

    pub(super) async fn check_health(
        &self,
        cluster: &Objects,
        inventory: &Inventory,
        expressions: &Arc<HealthExpressions>,
        commit: &Snapshot,
    ) -> Result<(), Failure> {
        let spec = &self.object.spec;
        let ids = if spec.wait {
            apply::ids(inventory)
        } else {
            spec.health_checks.iter().map(|check| (id(check), version(check).to_owned())).collect()
        };
        if ids.is_empty() {
            return Ok(());
        }
        let expressions = HealthRules {
            rules: expressions,
            turns: &self.context.evaluations,
            namespace: &self.key.namespace,
        };
        let timeout = spec.timeout().to_std();
        let health = Health { objects: cluster, ids, expressions: Some(expressions), timeout };
        tokio::select! {
            outcome = health.wait() => {
                outcome.map_err(|error| Failure::new(reason::HEALTH_CHECK_FAILED, error.to_string()))
            }
            () = self.until_changed(cluster, inventory, commit) => Err(Failure::waiting(
                reason::HEALTH_CHECK_CANCELED,
                "health checks canceled: something has changed meanwhile",
                Duration::ZERO,
            )),
        }
    }
}

impl Reconciliation<'_> {
    /// Waits until something has changed that counts for what is being applied. To be due again is not enough: many
    /// things make a Kustomization due, only to be sure.
    async fn until_changed(&self, cluster: &Objects, inventory: &Inventory, commit: &Snapshot) {
        let ids: Vec<ObjectId> = apply::ids(inventory).into_iter().map(|(id, _)| id).collect();
        loop {
            self.context.kustomization_queue.wanted_again(self.key).await;
            if self.is_other_object() || self.is_other_source(commit) || cluster.observer().has_drifted(&ids)
            {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether the Kustomization itself has changed.
    fn is_other_object(&self) -> bool {
        let Some(Ok(now)) = self.context.kustomizations.get(self.key) else { return true };
        let (now, then) = (&now.metadata, &self.object.metadata);
        now.uid != then.uid
            || now.generation != then.generation
            || now.deletion_timestamp.is_some()
            || now.annotations != then.annotations
    }

    /// Whether the source offers something else.
    fn is_other_source(&self, commit: &Snapshot) -> bool {
        self.source().map_or(true, |now| now.revision != commit.revision || now.tree.id() != commit.tree.id())
    }
}

/// The group and version of what is checked.
fn group_version(check: &HealthCheck) -> (&str, &str) {
    let api_version = check.api_version.as_deref().unwrap_or("v1");
    api_version.split_once('/').unwrap_or(("", api_version))
}

fn version(check: &HealthCheck) -> &str {
    group_version(check).1
}

fn id(check: &HealthCheck) -> ObjectId {
    ObjectId {
        namespace: check.namespace.clone().unwrap_or_default(),
        name: check.name.clone(),
        group: group_version(check).0.to_owned(),
        kind: check.kind.clone(),
    }
}
