//! Alerts and their providers: from events to messages.

mod alert;
mod connection;
mod delivery;
mod delivery_status;
mod routing;
mod traits;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reconciler_api::{Alert, Provider};
use reconciler_core::notify::{Event, InvolvedObject, cause};
use serde_json::json;
use tokio::sync::Notify;

pub(super) use connection::Setup;
pub(super) use delivery::deliver;

use super::Context;
use super::queue::{Key, Queue};
use super::store::Store;
use crate::environment::Environment;
use crate::notify::{Message, Name, Outbox, Traits};

/// The file of what is still to be sent.
const FILE: &str = "notifications.jsonl";

/// The pause while not all objects have been listed that are broken.
const LISTING: Duration = Duration::from_secs(1);

/// Alerts, providers, and what is still to be sent.
pub(crate) struct Notifications {
    pub(super) alerts: Store<Alert>,
    pub(super) alert_queue: Arc<Queue>,
    pub(super) providers: Store<Provider>,
    pub(super) provider_queue: Arc<Queue>,
    /// Nothing until the controller runs.
    outbox: Mutex<Option<Outbox>>,
    /// Events from before all alerts and namespaces were known.
    early: Mutex<Vec<(Event, Traits)>>,
    added: Notify,
    changed: Notify,
    /// How many messages were dropped because there were too many.
    dropped: AtomicU64,
    environment: Environment,
}

impl Default for Notifications {
    fn default() -> Self {
        Notifications {
            alerts: Store::default(),
            alert_queue: Arc::default(),
            providers: Store::default(),
            provider_queue: Arc::default(),
            outbox: Mutex::default(),
            early: Mutex::default(),
            added: Notify::new(),
            changed: Notify::new(),
            dropped: AtomicU64::default(),
            environment: Environment::default(),
        }
    }
}

/// How an object is named in notes of what is broken.
fn object_of(event: &Event) -> String {
    let object = &event.involved_object;
    format!("{}/{}/{}", object.kind, object.namespace, object.name)
}

fn name(key: &Key) -> Name {
    Name { namespace: key.namespace.clone(), name: key.name.clone() }
}

fn key(name: &Name) -> Key {
    Key { namespace: name.namespace.clone(), name: name.name.clone() }
}

impl Notifications {
    /// The same with the time of this environment.
    pub(super) fn with_environment(self, environment: Environment) -> Self {
        Notifications { environment, ..self }
    }

    /// Opens what an earlier process has left to send.
    pub(super) fn open(&self, data: &Path) -> io::Result<()> {
        let outbox = Outbox::open(&data.join(FILE))?;
        *self.outbox() = Some(outbox);
        Ok(())
    }

    fn outbox(&self) -> MutexGuard<'_, Option<Outbox>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the object of an event is known to be broken by what the event says.
    pub(super) fn is_broken_by(&self, event: &Event) -> bool {
        let outbox = self.outbox();
        let known = outbox.as_ref().and_then(|outbox| outbox.broken_object(&object_of(event)));
        known.is_some_and(|known| known.causes.contains(&cause(event)))
    }

    fn add(&self, outbox: &mut Outbox, message: Message) -> io::Result<()> {
        if outbox.add(message)?.is_some() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// An alert has changed: events may have waited for it.
pub(super) async fn alert_changed(context: Arc<Context>, key: Key) -> super::Next {
    let notifications = &context.notifications;
    let tenants = &context.tenants;
    let now = |object: &InvolvedObject| traits::traits(&context, object);
    let caught_up = notifications.route(tenants).and_then(|()| notifications.catch_up(&key, tenants, now));
    let are_known = caught_up.unwrap_or_else(|error| {
        context.log.error("events could not be kept for sending", json!({"error": error.to_string()}));
        true
    });
    let next = alert::check(&context, &key).await;
    if are_known { next } else { super::Next::After(LISTING) }
}

/// A provider has changed: what could not be sent to it can be tried again.
pub(super) async fn provider_changed(context: Arc<Context>, _: Key) -> super::Next {
    context.notifications.changed.notify_waiters();
    super::Next::OnChange
}
