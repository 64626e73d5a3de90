//! Why a reconciliation of a Kustomization fails.

use std::time::Duration;

use kustomize_core::Cancellation;
use reconciler_api::reason;
use reconciler_core::sops::Plaintext;

use super::Reconciliation;
use crate::apply::ApplyError;
use crate::build;
use crate::source::Snapshot;

/// How many fields that a server refuses are looked up.
const MOST_FIELDS: usize = 5;

/// Why a reconciliation failed.
pub(super) struct Failure {
    pub(super) reason: &'static str,
    pub(super) message: String,
    /// The line that is wrong, for those who are told.
    pub(super) excerpt: Option<String>,
    /// When to try again, if not at the interval of retries.
    pub(super) next: Option<Duration>,
    /// Whether it only waits for something else.
    pub(super) is_waiting: bool,
    /// Whether nothing but a change of the spec can help.
    pub(super) is_permanent: bool,
}

impl Failure {
    pub(super) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Failure {
            reason,
            message: message.into(),
            excerpt: None,
            next: None,
            is_waiting: false,
            is_permanent: false,
        }
    }

    /// Nothing but a change of the spec can help.
    pub(super) fn permanent(reason: &'static str, message: impl Into<String>) -> Self {
        Failure { is_permanent: true, ..Failure::new(reason, message) }
    }

    /// The same without anything secret in it.
    pub(super) fn masked(self, secrets: &Plaintext) -> Self {
        let excerpt = self.excerpt.map(|excerpt| secrets.mask(&excerpt));
        Failure { message: secrets.mask(&self.message), excerpt, ..self }
    }

    /// It only waits for something, and is tried again after a while.
    pub(super) fn waiting(reason: &'static str, message: impl Into<String>, next: Duration) -> Self {
        Failure { next: Some(next), is_waiting: true, ..Failure::new(reason, message) }
    }
}

impl Reconciliation<'_> {
    /// The failure of an application, with the lines of the fields that the server refuses.
    pub(super) async fn apply_failure(
        &self,
        error: ApplyError,
        commit: &Snapshot,
        plaintext: &Plaintext,
    ) -> Failure {
        let (mut places, mut meant) = (Vec::new(), None);
        if let Some(refused) = error.refused.clone().filter(|refused| !refused.fields.is_empty()) {
            meant = refused.fields.iter().find_map(|field| build::meant_field(&refused.id, field));
            let (tree, spec) = (commit.tree.clone(), self.object.spec.clone());
            let timeout = spec.timeout().to_std();
            let work = move |cancellation: &Cancellation| {
                let fields = &refused.fields[..refused.fields.len().min(MOST_FIELDS)];
                build::field_places(&tree.until(cancellation), &spec, &refused.id, fields)
            };
            places = self.context.build(&self.key.namespace, timeout, work).await.unwrap_or_default();
        }
        let excerpt = places.first().and_then(|place| place.excerpt.clone());
        let mut hints: Vec<String> = places.iter().map(|place| place.text.clone()).collect();
        hints.extend(meant.map(|meant| format!("did you mean \"{meant}\"?")));
        let error = if hints.is_empty() { error } else { error.with_hint(hints.join("\n")) };
        // The server may repeat what it refuses.
        Failure { excerpt, ..Failure::new(reason::RECONCILIATION_FAILED, error.to_string()) }
            .masked(plaintext)
    }
}
