//! How a provider is reached, and why it was not.

use std::time::Duration;

use reconciler_core::notify::NotifyError;
use thiserror::Error;

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
}

/// Why an event was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// It may be delivered later.
    #[error("{0}")]
    Later(String),
    /// It never will be.
    #[error("{0}")]
    Never(String),
}

impl From<NotifyError> for SendError {
    fn from(error: NotifyError) -> Self {
        match error {
            NotifyError::Status(408 | 425 | 429 | 500..) => SendError::Later(error.to_string()),
            _ => SendError::Never(error.to_string()),
        }
    }
}
