//! Kustomization: rendered and applied when its source, its spec or what it needs changes, and
//! brought back in line at its interval.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::ResourceExt;
use reconciler_api::condition::{self, ConditionStatus, HasConditions};
use reconciler_api::kustomization::{DeletionPolicy, Inventory};
use reconciler_api::{Kustomization, KustomizationStatus, annotation, reason};
use reconciler_core::ssa::ObjectId;
use serde_json::{Map, Value, json};

use super::queue::Key;
use super::{Context, Next, events, finalizer, status};
use crate::apply::{self, Action, Change, Health, Order};
use crate::build::{self, Footprint};
use crate::source::git::Commit;

/// How events name this controller.
const CONTROLLER: &str = "kustomize-controller";
/// The pause after an error of the cluster.
const SOON: Duration = Duration::from_secs(1);
/// The pause while the source has nothing to offer; its first artifact ends it.
const NO_ARTIFACT: Duration = Duration::from_secs(30);
/// The pause while something that is needed is not ready; a change of it ends it.
const NO_DEPENDENCY: Duration = Duration::from_secs(30);

/// What is remembered of a Kustomization between two reconciliations.
#[derive(Default)]
pub(crate) struct Memory {
    /// The status that was written last, which the watch may not have shown yet.
    status: Option<KustomizationStatus>,
    /// The last success.
    applied: Option<Applied>,
}

/// A state of spec and source that was applied.
struct Applied {
    generation: Option<i64>,
    revision: String,
    footprint: Footprint,
    at: Instant,
}

/// Why a reconciliation failed.
struct Failure {
    reason: &'static str,
    message: String,
    /// When to try again, if not at the interval of retries.
    next: Option<Duration>,
}

impl Failure {
    fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Failure { reason, message: message.into(), next: None }
    }
}

/// One reconciliation of one object.
struct Reconciliation<'a> {
    context: &'a Context,
    key: &'a Key,
    object: &'a Kustomization,
    memory: &'a mut Memory,
    id: String,
    start: Instant,
}

pub(super) async fn reconcile(context: Arc<Context>, key: Key) -> Next {
    let object = match context.kustomizations.get(&key) {
        None => {
            context.take_memory(&key);
            return Next::Gone;
        }
        Some(Err(error)) => {
            let fields = json!({"controllerKind": "Kustomization", "name": key.name, "namespace": key.namespace, "error": error});
            context.log.error("the object cannot be read", fields);
            return Next::OnChange;
        }
        Some(Ok(object)) => object,
    };
    let mut memory = context.take_memory(&key);
    let reconciliation = Reconciliation {
        context: &context,
        key: &key,
        object: &object,
        memory: &mut memory,
        id: uuid::Uuid::new_v4().to_string(),
        start: Instant::now(),
    };
    let next = reconciliation.run().await;
    context.remember(&key, memory);
    next
}

impl Reconciliation<'_> {
    async fn run(mut self) -> Next {
        if self.object.metadata.deletion_timestamp.is_some() {
            return self.finalize().await;
        }
        if finalizer::add(&self.context.client, self.object).await.is_err() {
            return Next::After(SOON);
        }
        if self.object.spec.suspend {
            return Next::OnChange;
        }
        let source = self.source();
        let commit = match source {
            Ok(commit) => commit,
            Err(failure) => return self.fail(failure, None).await,
        };
        if let Err(failure) = self.check_dependencies() {
            return self.fail(failure, Some(&commit.revision)).await;
        }
        if self.is_done(&commit) {
            return self.succeed(&commit, None).await;
        }
        match self.apply(&commit).await {
            Ok(inventory) => self.succeed(&commit, Some(inventory)).await,
            Err(failure) => self.fail(failure, Some(&commit.revision)).await,
        }
    }

    /// The status as it was written last.
    fn status(&self) -> KustomizationStatus {
        self.memory.status.clone().or_else(|| self.object.status.clone()).unwrap_or_default()
    }

    fn source(&self) -> Result<Commit, Failure> {
        let source = &self.object.spec.source_ref;
        let namespace = source.namespace.clone().unwrap_or_else(|| self.key.namespace.clone());
        let shown = format!("{}/{namespace}/{}", source.kind, source.name);
        if source.kind != "GitRepository" {
            let message = format!("Source '{shown}' cannot be used, only a GitRepository can so far");
            return Err(Failure::new(reason::ARTIFACT_FAILED, message));
        }
        let key = Key { namespace, name: source.name.clone() };
        if self.context.repositories.get(&key).is_none() {
            return Err(Failure::new(reason::ARTIFACT_FAILED, format!("Source '{shown}' not found")));
        }
        self.context.commit(&key).ok_or_else(|| Failure {
            reason: reason::ARTIFACT_FAILED,
            message: format!("Source artifact not found, retrying in {}", shown_duration(NO_ARTIFACT)),
            next: Some(NO_ARTIFACT),
        })
    }

    fn check_dependencies(&self) -> Result<(), Failure> {
        for dependency in &self.object.spec.depends_on {
            let namespace = dependency.namespace.as_ref().unwrap_or(&self.key.namespace);
            let key = Key { namespace: namespace.clone(), name: dependency.name.clone() };
            let fail = |message: String| Failure {
                reason: reason::DEPENDENCY_NOT_READY,
                message,
                next: Some(NO_DEPENDENCY),
            };
            let Some(Ok(other)) = self.context.kustomizations.get(&key) else {
                return Err(fail(format!("dependency '{key}' not found")));
            };
            let is_seen = other.metadata.generation == Some(other.observed_generation());
            if !is_seen || !other.is_ready() {
                return Err(fail(format!("dependency '{key}' is not ready")));
            }
            if other.spec.source_ref == self.object.spec.source_ref {
                let applied = other.status.as_ref().and_then(|status| status.last_applied_revision.as_ref());
                let current = self.source().ok().map(|commit| commit.revision);
                if applied != current.as_ref() {
                    return Err(fail(format!("dependency '{key}' revision is not up to date")));
                }
            }
        }
        Ok(())
    }

    /// Whether the last success is still what is wanted, and recent.
    fn is_done(&self, commit: &Commit) -> bool {
        let Some(applied) = &self.memory.applied else { return false };
        applied.generation == self.object.metadata.generation
            && applied.at.elapsed() < self.object.spec.interval.to_std().mul_f64(0.9)
            && (applied.revision == commit.revision || applied.footprint.holds(&commit.tree))
            && self.requested() == self.status().last_handled_reconcile_at
    }

    fn requested(&self) -> Option<String> {
        self.object.annotations().get(annotation::RECONCILE_REQUEST).cloned()
    }

    fn owner(&self) -> (&str, &str) {
        (&self.key.name, &self.key.namespace)
    }

    /// Builds and applies, prunes, and waits for health. Returns the new inventory.
    async fn apply(&mut self, commit: &Commit) -> Result<Inventory, Failure> {
        let built = self.build(commit).await?;
        let order = Order::new(built.objects, self.owner());
        let new = apply::entries(order.objects());
        let old = self.status().inventory.unwrap_or_default();
        self.announce(&apply::union(&new, &old)).await?;
        let permit = self.context.applies.acquire().await;
        let applied = self.context.objects.apply_all(&order).await;
        let mut changes = match applied {
            Ok(changes) => changes,
            Err(error) => {
                // What was applied before the failure counts as well.
                self.log_changes(&error.done);
                return Err(Failure::new(reason::RECONCILIATION_FAILED, error.to_string()));
            }
        };
        let mut inventory = new.clone();
        if self.object.spec.prune {
            let pruned = self.context.objects.prune(apply::stale(&old, &new), self.owner()).await;
            changes.extend(pruned.done);
            if let Some((id, _, error)) = pruned.failed.first() {
                return Err(Failure::new(
                    reason::PRUNE_FAILED,
                    format!("{} delete failed: {error}", id.subject()),
                ));
            }
        }
        drop(permit);
        self.log_changes(&changes);
        let list = change_list(&changes);
        if !list.is_empty() {
            events::send(self.context, self.object, CONTROLLER, false, reason::PROGRESSING, &list).await;
        }
        self.check_health(&inventory).await?;
        inventory.entries.sort_by(|one, other| one.id.cmp(&other.id));
        self.memory.applied = Some(Applied {
            generation: self.object.metadata.generation,
            revision: commit.revision.clone(),
            footprint: built.footprint,
            at: Instant::now(),
        });
        Ok(inventory)
    }

    async fn build(&self, commit: &Commit) -> Result<build::Built, Failure> {
        let (tree, spec) = (commit.tree.for_build(), self.object.spec.clone());
        let variables = reconciler_core::substitute::Variables::default();
        let _permit = self.context.builds.acquire().await;
        let built = tokio::task::spawn_blocking(move || build::build(&tree, &spec, &variables)).await;
        match built {
            Ok(Ok(built)) => Ok(built),
            Ok(Err(error @ build::BuildFailure::PathNotFound { .. })) => {
                Err(Failure::new(reason::ARTIFACT_FAILED, error.to_string()))
            }
            Ok(Err(error)) => Err(Failure::new(reason::BUILD_FAILED, error.to_string())),
            Err(error) => Err(Failure::new(reason::BUILD_FAILED, format!("the build did not end: {error}"))),
        }
    }

    /// Writes down what is about to be applied, so that nothing is ever applied and not known.
    async fn announce(&mut self, inventory: &Inventory) -> Result<(), Failure> {
        let mut new = self.status();
        if new.inventory.as_ref() == Some(inventory) {
            return Ok(());
        }
        new.inventory = Some(inventory.clone());
        let (now, generation) = (Timestamp::now(), self.object.metadata.generation);
        let message = "Reconciliation in progress";
        let unknown = ConditionStatus::Unknown;
        condition::set(
            &mut new.conditions,
            condition::RECONCILING,
            ConditionStatus::True,
            reason::PROGRESSING,
            message,
            generation,
            now,
        );
        condition::set(
            &mut new.conditions,
            condition::READY,
            unknown,
            reason::PROGRESSING,
            message,
            generation,
            now,
        );
        self.write(new).await.map_err(|error| {
            Failure::new(
                reason::RECONCILIATION_FAILED,
                format!("the inventory could not be written: {error}"),
            )
        })
    }

    async fn check_health(&self, inventory: &Inventory) -> Result<(), Failure> {
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
        let health = Health { objects: &self.context.objects, ids, timeout: spec.timeout().to_std() };
        health.wait().await.map_err(|error| Failure::new(reason::HEALTH_CHECK_FAILED, error.to_string()))
    }

    async fn succeed(mut self, commit: &Commit, inventory: Option<Inventory>) -> Next {
        let mut new = self.status();
        let is_applied = inventory.is_some();
        if let Some(inventory) = inventory {
            new.inventory = Some(inventory);
        }
        let (now, generation) = (Timestamp::now(), self.object.metadata.generation);
        let message = format!("Applied revision: {}", commit.revision);
        condition::set(
            &mut new.conditions,
            condition::READY,
            ConditionStatus::True,
            reason::RECONCILIATION_SUCCEEDED,
            message,
            generation,
            now,
        );
        condition::remove(&mut new.conditions, condition::RECONCILING);
        condition::remove(&mut new.conditions, condition::STALLED);
        new.last_applied_revision = Some(commit.revision.clone());
        new.last_attempted_revision = Some(commit.revision.clone());
        let next = Next::at_interval(self.object.spec.interval);
        if is_applied {
            let message = format!(
                "Reconciliation finished in {}, next run in {}",
                shown_duration(self.start.elapsed()),
                self.object.spec.interval
            );
            self.context.log.info(&message, self.fields(json!({"revision": commit.revision})));
        }
        if let Some(applied) = &mut self.memory.applied {
            applied.revision.clone_from(&commit.revision);
        }
        self.finish(new, next).await
    }

    async fn fail(mut self, failure: Failure, revision: Option<&str>) -> Next {
        self.memory.applied = None;
        let mut new = self.status();
        let (now, generation) = (Timestamp::now(), self.object.metadata.generation);
        let known = new.conditions.iter().find(|condition| condition.type_ == condition::READY);
        let is_new = known.is_none_or(|known| known.message != failure.message);
        condition::set(
            &mut new.conditions,
            condition::READY,
            ConditionStatus::False,
            failure.reason,
            failure.message.clone(),
            generation,
            now,
        );
        condition::set(
            &mut new.conditions,
            condition::RECONCILING,
            ConditionStatus::True,
            reason::PROGRESSING_WITH_RETRY,
            "Reconciliation failed, it is tried again",
            generation,
            now,
        );
        if let Some(revision) = revision {
            new.last_attempted_revision = Some(revision.to_owned());
        }
        let retry = failure.next.unwrap_or_else(|| self.object.spec.retry_interval().to_std());
        let message = format!(
            "Reconciliation failed after {}, next try in {}",
            shown_duration(self.start.elapsed()),
            reconciler_api::Duration::from(retry)
        );
        let fields = json!({"revision": revision.unwrap_or_default(), "error": failure.message});
        self.context.log.error(&message, self.fields(fields));
        if is_new {
            events::send(self.context, self.object, CONTROLLER, true, failure.reason, &failure.message).await;
        }
        self.finish(new, Next::After(retry)).await
    }

    async fn finish(&mut self, mut new: KustomizationStatus, next: Next) -> Next {
        new.observed_generation = self.object.metadata.generation;
        new.last_handled_reconcile_at = self.requested().or(new.last_handled_reconcile_at);
        match self.write(new).await {
            Ok(()) => {
                self.wake_dependents();
                next
            }
            Err(error) => {
                let fields = self.fields(json!({"error": error.to_string()}));
                self.context.log.error("status could not be written", fields);
                self.memory.applied = None;
                Next::After(SOON)
            }
        }
    }

    async fn write(&mut self, new: KustomizationStatus) -> Result<(), apply::RequestError> {
        let old = self.status();
        status::write::<Kustomization>(&self.context.client, self.key, &old, &new).await?;
        self.memory.status = Some(new);
        Ok(())
    }

    /// Makes those due that wait for this one.
    fn wake_dependents(&self) {
        let dependents = self.context.kustomizations.keys(|key, other| {
            other.spec.depends_on.iter().any(|dependency| {
                dependency.name == self.key.name
                    && dependency.namespace.as_ref().unwrap_or(&key.namespace) == &self.key.namespace
            }) && !other.is_ready()
        });
        dependents.into_iter().for_each(|key| self.context.kustomization_queue.add(key));
    }

    /// Deletes what was applied, unless that is to stay, and lets the object go.
    async fn finalize(&mut self) -> Next {
        let spec = &self.object.spec;
        let is_pruned = match spec.deletion_policy.unwrap_or_default() {
            DeletionPolicy::MirrorPrune => spec.prune,
            DeletionPolicy::Delete | DeletionPolicy::WaitForTermination => true,
            DeletionPolicy::Orphan => false,
        };
        if is_pruned && !spec.suspend {
            let inventory = self.status().inventory.unwrap_or_default();
            let stale = apply::stale(&inventory, &Inventory::default());
            let pruned = self.context.objects.prune(stale, self.owner()).await;
            self.log_changes(&pruned.done);
            if let Some((id, _, error)) = pruned.failed.first() {
                let message = format!("{} delete failed: {error}", id.subject());
                self.context.log.error("garbage collection failed", self.fields(json!({"error": message})));
                return Next::After(SOON);
            }
        }
        match finalizer::remove(&self.context.client, self.object).await {
            Ok(()) => Next::OnChange,
            Err(_) => Next::After(SOON),
        }
    }

    fn log_changes(&self, changes: &[Change]) {
        let part = |is_wanted: fn(Action) -> bool| {
            let changes = changes.iter().filter(|change| is_wanted(change.action));
            let map: Map<String, Value> =
                changes.map(|change| (change.id.subject(), json!(change.action.to_string()))).collect();
            map
        };
        let applied = part(|action| action != Action::Deleted);
        if !applied.is_empty() {
            self.context.log.info("server-side apply completed", self.fields(json!({"output": applied})));
        }
        let deleted = part(|action| action == Action::Deleted);
        if !deleted.is_empty() {
            let names: Vec<String> = deleted.keys().map(|subject| format!("{subject} deleted")).collect();
            let message = format!("garbage collection completed: {}", names.join(", "));
            self.context.log.info(&message, self.fields(json!({})));
        }
    }

    /// The fields of a log line about this reconciliation.
    fn fields(&self, further: Value) -> Value {
        let mut fields = json!({
            "controller": "kustomization",
            "controllerGroup": "kustomize.toolkit.fluxcd.io",
            "controllerKind": "Kustomization",
            "Kustomization": {"name": self.key.name, "namespace": self.key.namespace},
            "namespace": self.key.namespace,
            "name": self.key.name,
            "reconcileID": self.id,
        });
        if let (Some(fields), Value::Object(mut further)) = (fields.as_object_mut(), further) {
            fields.append(&mut further);
        }
        fields
    }
}

/// What changed, one object a line.
fn change_list(changes: &[Change]) -> String {
    let changed =
        changes.iter().filter(|change| !matches!(change.action, Action::Unchanged | Action::Skipped));
    let lines: Vec<String> =
        changed.map(|change| format!("{} {}", change.id.subject(), change.action)).collect();
    lines.join("\n")
}

/// A duration to the millisecond.
fn shown_duration(duration: Duration) -> reconciler_api::Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).into()
}
