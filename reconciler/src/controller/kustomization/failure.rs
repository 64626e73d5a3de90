//! Why a reconciliation of a Kustomization fails.

use std::time::Duration;

use reconciler_core::sops::Plaintext;

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
