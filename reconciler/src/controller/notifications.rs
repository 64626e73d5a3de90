//! Alerts and their providers: from events to messages.

mod alert;
mod connection;
mod delivery;
mod delivery_status;
mod routing;
mod traits;

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reconciler_api::{Alert, Provider};
use reconciler_core::notify::{Event, InvolvedObject, cause};
use serde_json::json;
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedMutexGuard};

pub(super) use connection::Setup;
pub(super) use delivery::deliver;

use super::Context;
use super::queue::{Key, Queue};
use super::store::Store;
use crate::environment::Environment;
use crate::notify::{Name, Outbox, Traits, object_of};

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
    outbox: Arc<AsyncMutex<Option<Outbox>>>,
    /// Events from before all alerts and namespaces were known.
    early: Mutex<Vec<(Event, Traits)>>,
    added: Notify,
    changed: Notify,
    /// Providers that were deleted while messages waited for them.
    deserted: Mutex<HashSet<Key>>,
    environment: Environment,
}

impl Default for Notifications {
    fn default() -> Self {
        Notifications {
            alerts: Store::default(),
            alert_queue: Arc::default(),
            providers: Store::default(),
            provider_queue: Arc::default(),
            outbox: Arc::default(),
            early: Mutex::default(),
            added: Notify::new(),
            changed: Notify::new(),
            deserted: Mutex::default(),
            environment: Environment::default(),
        }
    }
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
    pub(super) async fn open(&self, data: &Path) -> io::Result<()> {
        let path = data.join(FILE);
        let mut outbox = self.lock().await;
        *outbox = Some(tokio::task::spawn_blocking(move || Outbox::open(&path)).await??);
        Ok(())
    }

    /// The outbox, to read it or to give it to [`change`].
    async fn lock(&self) -> OwnedMutexGuard<Option<Outbox>> {
        Arc::clone(&self.outbox).lock_owned().await
    }

    /// How many messages are still to be sent to a provider.
    async fn pending(&self, provider: &Name) -> usize {
        self.lock().await.as_ref().map_or(0, |outbox| outbox.pending(provider))
    }

    /// Whether a message of an alert is still to be sent.
    async fn has_message_of(&self, alert: &Name) -> bool {
        self.lock().await.as_ref().is_some_and(|outbox| outbox.has_message_of(alert))
    }

    /// Whether the object of an event is known to be broken by what the event says.
    pub(super) async fn is_broken_by(&self, event: &Event) -> bool {
        let outbox = self.lock().await;
        let known = outbox.as_ref().and_then(|outbox| outbox.broken_object(&object_of(event)));
        known.is_some_and(|known| known.causes.contains(&cause(event)))
    }

    /// Forgets an alert that was deleted.
    async fn alert_gone(&self, alert: Name) -> io::Result<()> {
        change(self.lock().await, move |outbox| outbox.alert_gone(&alert)).await
    }

    /// Forgets a provider that was deleted.
    async fn provider_gone(&self, key: &Key) -> io::Result<()> {
        let provider = name(key);
        if change(self.lock().await, move |outbox| outbox.provider_gone(&provider)).await? {
            self.deserted().insert(key.clone());
        }
        Ok(())
    }

    fn deserted(&self) -> std::sync::MutexGuard<'_, HashSet<Key>> {
        self.deserted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Changes the outbox, if there is one. This can take long, because it writes to the file and much may be in the outbox, so
/// it runs on a thread where it delays no task. A change that has begun is completed even if nobody waits for it any more.
async fn change<R: Default + Send + 'static>(
    mut outbox: OwnedMutexGuard<Option<Outbox>>,
    work: impl FnOnce(&mut Outbox) -> io::Result<R> + Send + 'static,
) -> io::Result<R> {
    tokio::task::spawn_blocking(move || outbox.as_mut().map_or_else(|| Ok(R::default()), work)).await?
}

/// An alert has changed: events may have waited for it.
pub(super) async fn alert_changed(context: Arc<Context>, key: Key) -> super::Next {
    let notifications = &context.notifications;
    let tenants = &context.tenants;
    let now = |object: &InvolvedObject| traits::traits(&context, object);
    let caught_up = match notifications.alerts.get(&key) {
        None => notifications.alert_gone(name(&key)).await.map(|()| true),
        Some(_) => match notifications.route(tenants).await {
            Ok(()) => notifications.catch_up(&key, tenants, now).await,
            Err(error) => Err(error),
        },
    };
    let are_known = caught_up.unwrap_or_else(|error| {
        context.log.error("events could not be kept for sending", json!({"error": error.to_string()}));
        true
    });
    let next = alert::check(&context, &key).await;
    if are_known { next } else { super::Next::After(LISTING) }
}

/// A provider has changed: what could not be sent to it can be tried again.
pub(super) async fn provider_changed(context: Arc<Context>, key: Key) -> super::Next {
    let notifications = &context.notifications;
    let is_there = notifications.providers.get(&key).is_some();
    if is_there && notifications.deserted().remove(&key) {
        // The messages that the deleted provider was never sent are news to this one.
        let alerts = notifications.alerts.keys(|alert, found| {
            alert.namespace == key.namespace && found.spec.provider_ref.name == key.name
        });
        notifications.alert_queue.add_all(alerts);
    }
    if !is_there && let Err(error) = notifications.provider_gone(&key).await {
        let fields = json!({"provider": key.name, "namespace": key.namespace, "error": error.to_string()});
        context.log.error("what was to be sent could not be dropped", fields);
    }
    notifications.changed.notify_waiters();
    if is_there { super::Next::OnChange } else { super::Next::Gone }
}
