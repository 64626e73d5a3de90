//! Kustomizations that only report what others have changed.

use kube::ResourceExt;
use reconciler_api::condition::{self, ConditionStatus};
use reconciler_api::{annotation, reason};
use serde_json::json;

use super::super::events::{self, Report};
use super::{Applied, CONTROLLER, Failure, Needs, Reconciliation, Rules, history};
use crate::apply::{Action, Apply, Order};
use crate::source::Snapshot;

impl Reconciliation<'_> {
    /// Whether what others have changed is only reported now: that is asked for, and nothing else is new.
    pub(super) fn only_reports_drift(&self, commit: &Snapshot, needs: &Needs) -> bool {
        let mode = self.object.annotations().get(annotation::DRIFT_DETECTION);
        let keys = needs.decryption.as_ref().map(|decryption| &decryption.version);
        let is_same = |applied: &Applied| {
            applied.variables == needs.variables
                && applied.keys.as_ref() == keys
                && (applied.tree == commit.tree.id() || applied.footprint.holds(&commit.tree))
        };
        let status = self.status();
        let is_ready = status
            .conditions
            .iter()
            .any(|one| one.type_ == condition::READY && one.status == ConditionStatus::True);
        mode.is_some_and(|mode| mode.eq_ignore_ascii_case(annotation::WARN))
            && is_ready
            && status.observed_generation == self.object.metadata.generation
            && status.last_applied_revision.as_ref() == Some(&commit.revision)
            && self.memory.applied.as_ref().is_none_or(is_same)
    }

    /// Says what others have changed, once. False if that is nothing.
    pub(super) async fn report_drift(
        &mut self,
        commit: &Snapshot,
        needs: Needs,
        rules: &Rules,
    ) -> Result<bool, Failure> {
        let _rendering = self.capacity().renderings.take(&self.key.namespace).await;
        let Needs { variables, secrets, decryption, cluster } = needs;
        let keys = decryption.as_ref().map(|decryption| decryption.version.clone());
        let built = self.build(commit, variables.clone(), decryption).await;
        let mut built = built.map_err(|failure| failure.masked(&secrets))?;
        built.plaintext.extend(secrets);
        let order = Order::new(built.objects, self.owner(), self.object.spec.common_metadata.as_ref());
        let apply = Apply { objects: &cluster, owner: self.owner(), force: false, ignored: &rules.ignored };
        let found = match apply.differences(&order).await {
            Ok(found) => found,
            Err(error) => return Err(self.apply_failure(error, commit, &built.plaintext).await),
        };
        let lines: Vec<String> = found
            .iter()
            .filter_map(|change| match change.action {
                Action::Created => Some(format!("{} is missing", change.id.subject())),
                Action::Configured => Some(format!("{} was changed", change.id.subject())),
                _ => None,
            })
            .collect();
        let drift = (!lines.is_empty()).then(|| format!("drift detected:\n{}", lines.join("\n")));
        if let Some(message) = drift.as_ref().filter(|message| self.memory.drift.as_ref() != Some(message)) {
            self.context.log.error(message, self.fields(json!({"revision": commit.revision})));
            let report = Report::error(CONTROLLER, reason::DRIFT_DETECTED, message);
            let report = report.at(Some(&commit.revision));
            // The process before this one may have said so.
            let is_said =
                self.memory.drift.is_none() && events::is_said(self.context, self.object, &report).await;
            if !is_said {
                events::send(self.context, self.object, &report).await;
            }
        }
        let ids = found.iter().filter(|change| change.action != Action::Skipped);
        self.memory.applied = Some(Applied {
            generation: self.object.metadata.generation,
            tree: commit.tree.id(),
            digest: history::digest(order.objects()),
            footprint: built.footprint,
            variables,
            keys,
            ids: ids.map(|change| change.id.clone()).collect(),
            inventory: self.status().inventory.unwrap_or_default(),
            cluster,
        });
        self.memory.drift = drift;
        Ok(self.memory.drift.is_some())
    }
}
