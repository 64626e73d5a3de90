//! How a provider is reached, and why it was not.

use std::time::Duration;

use reconciler_core::notify::NotifyError;
use reconciler_core::sops::Plaintext;
use thiserror::Error;

use crate::outbound::Reach;

/// How long a request may take if nothing else is said.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// How a provider is reached.
#[derive(Clone, Default)]
pub struct Connection {
    /// How long a request may take; a quarter of a minute without.
    pub timeout: Option<Duration>,
    /// A certificate of an authority, as PEM.
    pub certificate: Option<Vec<u8>>,
    /// The client's own certificate and its key, as PEM.
    pub identity: Option<Vec<u8>>,
    /// The address of a proxy.
    pub proxy: Option<String>,
    /// Which addresses it may have. Where those of this machine are refused, redirects are as well.
    pub reach: Reach,
    /// What errors must not repeat of an answer.
    pub secrets: Plaintext,
}

/// Why an event was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// It may be delivered later.
    #[error("{0}")]
    Later(String),
    /// The same, but not before this time has passed.
    #[error("{0}")]
    NotBefore(String, Duration),
    /// It may be delivered once the provider, its Secret, or what the service allows is changed. It may also be the
    /// message that the provider does not take.
    #[error("{0}")]
    Refused(String),
    /// It never will be.
    #[error("{0}")]
    Never(String),
}

impl SendError {
    /// The same with another message.
    #[must_use]
    pub fn map(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            SendError::Later(message) => SendError::Later(change(message)),
            SendError::NotBefore(message, pause) => SendError::NotBefore(change(message), pause),
            SendError::Refused(message) => SendError::Refused(change(message)),
            SendError::Never(message) => SendError::Never(change(message)),
        }
    }

    /// The same if the provider says how long it is not to be asked.
    pub(super) fn not_before(self, pause: Option<Duration>) -> Self {
        match (self, pause) {
            (SendError::Later(message), Some(pause)) => SendError::NotBefore(message, pause),
            (error, _) => error,
        }
    }
}

impl From<NotifyError> for SendError {
    fn from(error: NotifyError) -> Self {
        match error {
            NotifyError::Status { status: 408 | 425 | 429 | 500.., .. } => {
                SendError::Later(error.to_string())
            }
            _ if error.is_about_event() => SendError::Never(error.to_string()),
            _ => SendError::Refused(error.to_string()),
        }
    }
}
