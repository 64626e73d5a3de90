//! What a reconciliation says: status, events, the log.

use std::time::Duration;

use reconciler_api::condition::{self, ConditionStatus};
use reconciler_api::kustomization::Inventory;
use reconciler_api::{Kustomization, KustomizationStatus, reason};
use reconciler_core::notify::commit_link;
use serde_json::{Map, Value, json};

use super::super::context::AFTER_OUTAGE;
use super::super::events::{self, Report};
use super::super::queue::Key;
use super::super::{Next, status};
use super::history::{self, Attempt};
use super::{CONTROLLER, Failure, Reconciliation, SOON};
use crate::apply::{self, Action, Change};
use crate::source::Snapshot;

impl Reconciliation<'_> {
    pub(super) async fn succeed(mut self, commit: &Snapshot, inventory: Option<Inventory>) -> Next {
        let mut new = self.status();
        let is_applied = inventory.is_some();
        if let Some(inventory) = inventory {
            new.inventory = Some(inventory);
        }
        let (now, generation) = (self.context.environment.now(), self.object.metadata.generation);
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
        condition::remove(&mut new.conditions, condition::ROLLED_BACK);
        self.hold(commit);
        new.last_applied_revision = Some(commit.revision.clone());
        new.last_attempted_revision = Some(commit.revision.clone());
        let origin = self.origin(commit);
        new.last_applied_origin_revision.clone_from(&origin);
        let next = Next::at_interval(self.object.spec.interval);
        let is_new = self.status().last_applied_revision.as_ref() != Some(&commit.revision);
        if is_applied || is_new {
            let message = format!(
                "Reconciliation finished in {}, next run in {}",
                shown_duration(self.start.elapsed()),
                self.object.spec.interval
            );
            if is_applied {
                self.context.log.info(&message, self.fields(json!({"revision": commit.revision})));
            }
            let report = Report::info(CONTROLLER, reason::RECONCILIATION_SUCCEEDED, &message);
            let report = report.at(Some(&commit.revision)).of(origin.as_deref());
            events::finished(self.context, self.object, &report).await;
        }
        // A subject can contain quotes, for example if the commit is a revert.
        let message = format!("Applied revision: {} ({})", commit.revision, commit.subject());
        let report = Report::info(CONTROLLER, reason::RECONCILIATION_SUCCEEDED, &message);
        events::mended(self.context, self.object, &report.at(Some(&commit.revision))).await;
        if let Some(applied) = &mut self.memory.applied {
            applied.tree = commit.tree.id();
            self.digest.get_or_insert_with(|| applied.digest.clone());
        }
        // At the interval, when nothing is new, nothing is written.
        if is_applied || self.observed(new.clone()) != self.status() {
            self.note(&mut new, reason::RECONCILIATION_SUCCEEDED, &commit.revision);
        }
        self.finish(new, next).await
    }

    /// Others have changed objects, which is left as it is.
    pub(super) async fn drifted(mut self, commit: &Snapshot) -> Next {
        let mut new = self.status();
        new.last_attempted_revision = Some(commit.revision.clone());
        self.finish(new, Next::at_interval(self.object.spec.interval)).await
    }

    pub(super) async fn fail(mut self, failure: Failure, commit: Option<&Snapshot>) -> Next {
        // What the condition does not have would look new every time.
        let failure = Failure { message: condition::fit(failure.message), ..failure };
        let revision = commit.map(|commit| commit.revision.as_str());
        self.memory.applied = None;
        let mut new = self.status();
        let (now, generation) = (self.context.environment.now(), self.object.metadata.generation);
        let known = new.conditions.iter().find(|condition| condition.type_ == condition::READY);
        // A first try may have changed objects before it failed, and the next one finds them in place.
        let is_new = known.is_none_or(|known| apply::cause(&known.message) != apply::cause(&failure.message));
        condition::set(
            &mut new.conditions,
            condition::READY,
            ConditionStatus::False,
            failure.reason,
            failure.message.clone(),
            generation,
            now,
        );
        let (holds, lapses, why, message) = if failure.is_permanent {
            (condition::STALLED, condition::RECONCILING, failure.reason, failure.message.as_str())
        } else {
            let message = "Reconciliation failed, it is tried again";
            (condition::RECONCILING, condition::STALLED, reason::PROGRESSING_WITH_RETRY, message)
        };
        condition::set(&mut new.conditions, holds, ConditionStatus::True, why, message, generation, now);
        condition::remove(&mut new.conditions, lapses);
        if let Some(revision) = revision {
            attempt(&mut new, revision);
            self.note(&mut new, failure.reason, revision);
        }
        let retry = self.context.retry(self.object.spec.retry_interval().to_std());
        let retry = failure.next.unwrap_or(retry);
        if failure.is_permanent {
            let message = "Reconciliation failed, nothing but a change of the spec can help";
            self.context.log.error(message, self.fields(json!({"error": failure.message})));
        } else if failure.is_waiting {
            self.context
                .log
                .info(&failure.message, self.fields(json!({"revision": revision.unwrap_or_default()})));
        } else {
            let message = format!(
                "Reconciliation failed after {}, next try in {}",
                shown_duration(self.start.elapsed()),
                reconciler_api::Duration::from(retry)
            );
            let fields = json!({"revision": revision.unwrap_or_default(), "error": failure.message});
            self.context.log.error(&message, self.fields(fields));
        }
        if is_new {
            let details = self.details(&failure, commit);
            let origin = commit.and_then(|commit| self.origin(commit));
            let report = Report::error(CONTROLLER, failure.reason, &failure.message).at(revision);
            let mut report = report.of(origin.as_deref());
            report.details = Some(&details);
            // Waiting for others is no error.
            report.is_error = !failure.is_waiting;
            events::send(self.context, self.object, &report).await;
        }
        let next = match failure.is_waiting {
            true => Next::After(retry),
            false => Next::Failed((!failure.is_permanent).then_some(retry)),
        };
        self.finish(new, next).await
    }

    /// What those who are told of a failure want to know besides: the line, whose commit it is, and where
    /// to look at it.
    pub(super) fn details(&self, failure: &Failure, commit: Option<&Snapshot>) -> String {
        let mut lines: Vec<String> = failure.excerpt.iter().cloned().collect();
        if let Some(commit) = commit.and_then(|snapshot| snapshot.commit.as_ref()) {
            let short = commit.id.get(..8).unwrap_or(&commit.id);
            lines.push(format!("Commit {short} by {}: {}", commit.author, commit.subject));
            let source = &self.object.spec.source_ref;
            let namespace = source.namespace.clone().unwrap_or_else(|| self.key.namespace.clone());
            let key = Key { namespace, name: source.name.clone() };
            if let Some(Ok(repository)) = self.context.repositories.get(&key) {
                lines.extend(commit_link(&repository.spec.url, &commit.id));
            }
        }
        lines.join("\n")
    }

    /// Notes in a status what became of the objects that were built, if any were.
    pub(super) fn note(&self, status: &mut KustomizationStatus, reason: &str, revision: &str) {
        let Some(digest) = &self.digest else { return };
        let (at, took) = (self.context.environment.now(), self.start.elapsed());
        history::note(&mut status.history, &Attempt { digest, revision, reason, at, took });
    }

    /// A status that says which state of the object it is about.
    fn observed(&self, mut status: KustomizationStatus) -> KustomizationStatus {
        status.observed_generation = self.object.metadata.generation;
        status.last_handled_reconcile_at = self.requested().or(status.last_handled_reconcile_at);
        status
    }

    pub(super) async fn finish(&mut self, new: KustomizationStatus, next: Next) -> Next {
        match self.write(self.observed(new)).await {
            Ok(()) => {
                // Two that wait for each other must not wake each other for ever.
                if self.is_changed {
                    self.context.wake_dependents(self.key);
                }
                next
            }
            Err(error) => {
                let is_outage = error.code() == 0;
                if is_outage {
                    self.context.note_outage();
                }
                let fields = self.fields(json!({"error": error.to_string()}));
                self.context.log.error("status could not be written", fields);
                self.memory.applied = None;
                // All Kustomizations come here at the same time when the server is away.
                Next::Failed(Some(if is_outage { AFTER_OUTAGE } else { SOON }))
            }
        }
    }

    pub(super) async fn write(&mut self, new: KustomizationStatus) -> Result<(), apply::RequestError> {
        let old = self.status();
        let written = status::write::<Kustomization>(&self.context.client, self.key, &old, &new).await?;
        if let Some(written) = written {
            self.is_changed = true;
            self.context.kustomizations.written(self.key, written);
        }
        self.written = Some(new);
        Ok(())
    }

    pub(super) fn log_changes(&self, changes: &[Change]) {
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
    pub(super) fn fields(&self, further: Value) -> Value {
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

/// Notes in a status which revision was tried last. What was said of another one is over.
pub(super) fn attempt(status: &mut KustomizationStatus, revision: &str) {
    if status.last_attempted_revision.as_deref() != Some(revision) {
        condition::remove(&mut status.conditions, condition::ROLLED_BACK);
    }
    status.last_attempted_revision = Some(revision.to_owned());
}

/// What changed, one object a line.
pub(super) fn change_list(changes: &[Change]) -> String {
    let changed =
        changes.iter().filter(|change| !matches!(change.action, Action::Unchanged | Action::Skipped));
    let lines: Vec<String> =
        changed.map(|change| format!("{} {}", change.id.subject(), change.action)).collect();
    lines.join("\n")
}

/// A duration to the millisecond.
pub(super) fn shown_duration(duration: Duration) -> reconciler_api::Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).into()
}
