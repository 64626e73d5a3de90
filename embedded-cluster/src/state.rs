//! What all requests and controllers of a cluster share.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::kinds::Registry;
use crate::storage::Store;
use crate::tokens::Key;
use crate::webhook_client::Clients;

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// What all requests and controllers share.
pub(crate) struct State {
    pub(crate) store: Store,
    registry: RwLock<Arc<Registry>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stop: watch::Sender<bool>,
    /// What signs the tokens of service accounts.
    pub(crate) tokens: Key,
    /// How webhooks are called.
    pub(crate) webhooks: Clients,
}

impl State {
    /// The state of a cluster that serves no kinds yet.
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>) -> State {
        let registry = RwLock::new(Arc::new(Registry::new([])));
        State {
            store,
            registry,
            clock,
            stop: watch::Sender::new(false),
            tokens: Key::new(),
            webhooks: Clients::default(),
        }
    }

    pub(crate) fn registry(&self) -> Arc<Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_registry(&self, registry: Registry) {
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
    }

    /// The current time as objects write it, to the second.
    pub(crate) fn now(&self) -> String {
        seconds(self.clock.now())
    }
}

/// A time as objects write it.
pub(crate) fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
