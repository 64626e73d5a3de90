//! Going back to the last healthy revision when a newer one fails its health checks.
//!
//! The condition `RolledBack` in status remembers that, so that a new process knows it too: it is about the revision
//! in `lastAttemptedRevision`, which failed, and holds until there is another revision, spec or request.

use reconciler_api::condition::{self, ConditionStatus};
use reconciler_api::kustomization::Inventory;
use reconciler_api::{KustomizationStatus, annotation, reason};
use serde_json::json;

use super::super::Next;
use super::super::events::{self, Report};
use super::{CONTROLLER, Failure, Reconciliation, Rules, SOON};
use crate::source::Snapshot;

impl Reconciliation<'_> {
    /// Whether a revision that is not healthy is to be replaced by the one before it.
    pub(super) fn may_roll_back(&self) -> bool {
        let value = self.object.metadata.annotations.as_ref().and_then(|all| all.get(annotation::ROLLBACK));
        value.is_some_and(|value| value.eq_ignore_ascii_case(annotation::ENABLED))
    }

    /// Whether this failure of a revision leads back to the one before it.
    pub(super) fn is_to_roll_back(&self, failure: &Failure, commit: &Snapshot) -> bool {
        failure.reason == reason::HEALTH_CHECK_FAILED
            && self.may_roll_back()
            && self.status().last_applied_revision.is_some_and(|healthy| healthy != commit.revision)
    }

    /// Why a revision was rolled back, if it was, and nothing asks for another try.
    pub(super) fn why_rolled_back(&self, commit: &Snapshot) -> Option<String> {
        let status = self.status();
        let is_handled = self.requested().is_none_or(|token| status.last_handled_reconcile_at == Some(token));
        let is_same = is_handled
            && self.may_roll_back()
            && status.last_attempted_revision.as_ref() == Some(&commit.revision)
            && status.last_applied_revision.as_ref() != Some(&commit.revision);
        let condition = status.conditions.into_iter().find(|one| one.type_ == condition::ROLLED_BACK)?;
        let is_current = condition.observed_generation == self.object.metadata.generation;
        (is_same && is_current && condition.status == ConditionStatus::True).then_some(condition.message)
    }

    /// Begins to go back from a revision, for a reason.
    pub(super) async fn begin_to_roll_back(mut self, failed: &Snapshot, why: String, rules: &Rules) -> Next {
        let why = condition::fit(why);
        let healthy = match self.healthy().await {
            Ok(healthy) => healthy,
            // It is tried again like any other revision.
            Err(message) => {
                let message = format!("{why}\nnot rolled back: {message}");
                return self.fail(Failure::new(reason::HEALTH_CHECK_FAILED, message), Some(failed)).await;
            }
        };
        let mut new = self.status();
        self.mark(&mut new, failed, &why);
        self.note(&mut new, reason::HEALTH_CHECK_FAILED, &failed.revision);
        let fields = json!({"revision": failed.revision, "error": why});
        self.context.log.error(&format!("rolling back to {}", healthy.revision), self.fields(fields));
        if let Err(error) = self.write(new).await {
            let fields = self.fields(json!({"error": error.to_string()}));
            self.context.log.error("status could not be written", fields);
            self.memory.applied = None;
            return Next::Failed(Some(SOON));
        }
        self.go_back(failed, &healthy, &why, rules).await
    }

    /// Stays at the revision before one that was rolled back.
    pub(super) async fn stay_back(self, failed: &Snapshot, why: String, rules: &Rules) -> Next {
        match self.healthy().await {
            Ok(healthy) => self.go_back(failed, &healthy, &why, rules).await,
            Err(message) => {
                let message = format!("{why}\nrolled back, but objects are not kept in line: {message}");
                self.fail(Failure::new(reason::ROLLBACK_FAILED, message), Some(failed)).await
            }
        }
    }

    /// The last revision that was healthy.
    async fn healthy(&self) -> Result<Snapshot, String> {
        let revision = self.status().last_applied_revision.unwrap_or_default();
        let (kind, key) = self.known_source().ok_or("the source cannot be used")?;
        let found = self.context.earlier(kind, &key, self.key, &revision).await;
        found.map_err(|error| {
            format!("the last healthy revision {revision} is not available any more: {error}")
        })
    }

    /// Applies the healthy revision, unless it is in place.
    async fn go_back(mut self, failed: &Snapshot, healthy: &Snapshot, why: &str, rules: &Rules) -> Next {
        let wrong = |failure: Failure| {
            let reason = match failure.is_waiting {
                true => failure.reason,
                false => reason::ROLLBACK_FAILED,
            };
            let message = format!("{why}\nrolling back to {} failed: {}", healthy.revision, failure.message);
            Failure { reason, message, ..failure }
        };
        let needs = match self.needs().await {
            Ok(needs) => needs,
            Err(failure) => return self.fail(wrong(failure), Some(failed)).await,
        };
        if self.is_done(healthy, &needs) {
            return self.rolled_back(failed, healthy, why, None).await;
        }
        match self.apply(healthy, needs, rules, &failed.revision).await {
            Ok(inventory) => self.rolled_back(failed, healthy, why, Some(inventory)).await,
            Err(failure) => self.fail(wrong(failure), Some(failed)).await,
        }
    }

    /// Says that the healthy revision is applied in place of the one that failed.
    async fn rolled_back(
        mut self,
        failed: &Snapshot,
        healthy: &Snapshot,
        why: &str,
        inventory: Option<Inventory>,
    ) -> Next {
        let mut new = self.status();
        let is_applied = inventory.is_some();
        new.inventory = inventory.or(new.inventory);
        let message =
            condition::fit(format!("Rolled back to {}: {} failed: {why}", healthy.revision, failed.revision));
        let known = new.conditions.iter().find(|one| one.type_ == condition::READY);
        let is_new = known.is_none_or(|known| known.message != message);
        self.mark(&mut new, failed, why);
        let (now, generation) = (self.context.environment.now(), self.object.metadata.generation);
        for (type_, status) in
            [(condition::READY, ConditionStatus::False), (condition::STALLED, ConditionStatus::True)]
        {
            condition::set(
                &mut new.conditions,
                type_,
                status,
                reason::ROLLED_BACK,
                message.as_str(),
                generation,
                now,
            );
        }
        condition::remove(&mut new.conditions, condition::RECONCILING);
        if is_applied {
            self.note(&mut new, reason::ROLLED_BACK, &healthy.revision);
        }
        if is_new {
            self.context.log.error(&message, self.fields(json!({"revision": failed.revision})));
            let failure = Failure::new(reason::ROLLED_BACK, message);
            let details = self.details(&failure, Some(failed));
            let mut report = Report::error(CONTROLLER, failure.reason, &failure.message);
            report.details = Some(&details);
            events::send(self.context, self.object, &report.at(Some(&failed.revision))).await;
        }
        self.finish(new, Next::at_interval(self.object.spec.interval)).await
    }

    /// Notes in a status that a revision is rolled back.
    fn mark(&self, status: &mut KustomizationStatus, failed: &Snapshot, why: &str) {
        status.last_attempted_revision = Some(failed.revision.clone());
        condition::set(
            &mut status.conditions,
            condition::ROLLED_BACK,
            ConditionStatus::True,
            reason::HEALTH_CHECK_FAILED,
            why,
            self.object.metadata.generation,
            self.context.environment.now(),
        );
    }

    /// Holds a revision that is healthy, so that it is there when a later one is not.
    pub(super) fn hold(&mut self, healthy: &Snapshot) {
        let Some((kind, key)) = self.known_source() else { return };
        let outcome = if self.may_roll_back() {
            if self.memory.held.as_ref() == Some(&healthy.revision) {
                return;
            }
            self.memory.held = Some(healthy.revision.clone());
            self.context.hold(kind, &key, self.key, healthy)
        } else if self.memory.held.take().is_some() {
            self.context.release(kind, &key, self.key)
        } else {
            return;
        };
        if let Err(error) = outcome {
            // What is not held may still be there, or can be fetched once more.
            self.memory.held = None;
            let fields = self.fields(json!({"revision": healthy.revision, "error": error}));
            self.context.log.error("the revision could not be held for a rollback", fields);
        }
    }

    /// Lets go of the revision that is held, at the end of the Kustomization.
    pub(super) fn let_go(&self) {
        if let Some((kind, key)) = self.known_source()
            && let Err(error) = self.context.release(kind, &key, self.key)
        {
            self.context.log.error("a revision is held for nobody", self.fields(json!({"error": error})));
        }
    }
}
