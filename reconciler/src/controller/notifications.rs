//! From events to messages: which alerts an event is for, and sending it to their providers.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use reconciler_api::{Alert, Delivery, DeliveryStatus, Provider, Time};
use reconciler_core::notify::{
    Event, Notification, Rules, Severity, cause, dispatch, is_for_people, matches, rate_limit_key,
};
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::queue::{Key, Queue};
use super::store::Store;
use super::{Context, secrets, status};
use crate::apply::RequestError;
use crate::notify::{Broken, Connection, Message, Name, Outbox, Outgoing, SendError, send};

/// The file of what is still to be sent.
const FILE: &str = "notifications.jsonl";
/// The first pause after a provider could not be reached, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// How long a message waits for a provider that does not exist.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// Alerts, providers, and what is still to be sent.
pub(crate) struct Notifications {
    pub(super) alerts: Store<Alert>,
    pub(super) alert_queue: Arc<Queue>,
    pub(super) providers: Store<Provider>,
    pub(super) provider_queue: Arc<Queue>,
    /// Nothing until the controller runs.
    outbox: Mutex<Option<Outbox>>,
    /// Events from before all alerts were known.
    early: Mutex<Vec<(Event, BTreeMap<String, String>)>>,
    added: Notify,
    changed: Notify,
    /// How many messages were dropped because there were too many.
    dropped: AtomicU64,
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
    /// Opens what an earlier process has left to send.
    pub(super) fn open(&self, data: &Path) -> io::Result<()> {
        let outbox = Outbox::open(&data.join(FILE))?;
        *self.outbox() = Some(outbox);
        Ok(())
    }

    fn outbox(&self) -> MutexGuard<'_, Option<Outbox>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, outbox: &mut Outbox, message: Message) -> io::Result<()> {
        if outbox.add(message)?.is_some() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes an event. Before all alerts are known it waits.
    pub(super) fn take(&self, event: Event, labels: BTreeMap<String, String>) -> io::Result<()> {
        if self.outbox().is_none() {
            return Ok(());
        }
        self.early.lock().unwrap_or_else(PoisonError::into_inner).push((event, labels));
        self.route()
    }

    /// Gives the events that have been taken to the alerts that they are for.
    pub(super) fn route(&self) -> io::Result<()> {
        if self.alerts.is_listed() {
            self.route_early()?;
            self.added.notify_one();
        }
        Ok(())
    }

    fn route_early(&self) -> io::Result<()> {
        let events = std::mem::take(&mut *self.early.lock().unwrap_or_else(PoisonError::into_inner));
        events.into_iter().try_for_each(|(event, labels)| self.route_one(event, &labels))
    }

    fn route_one(&self, event: Event, labels: &BTreeMap<String, String>) -> io::Result<()> {
        let mut outbox = self.outbox();
        let Some(outbox) = outbox.as_mut() else { return Ok(()) };
        let now = Timestamp::now();
        let object = object_of(&event);
        if event.severity == Severity::Error {
            let causes = BTreeSet::from([cause(&event)]);
            let (event, labels) = (event.clone(), labels.clone());
            outbox.broke(&object, Broken { since: now, event, labels, told: BTreeSet::new(), causes })?;
        }
        let takers = self.takers(&event, labels);
        // What nobody has been told is news to the alert that comes next.
        if takers.is_empty() || !outbox.say(&rate_limit_key(&event), now)? {
            return Ok(());
        }
        if event.severity == Severity::Error {
            outbox.told(&object, takers.iter().map(|(alert, _)| alert.clone()))?;
        }
        for (alert, provider) in takers {
            self.add(outbox, Message { alert, provider, event: event.clone(), added: now })?;
        }
        Ok(())
    }

    /// Tells an alert that is new, or that has changed, what is broken already.
    fn catch_up(&self, key: &Key) -> io::Result<()> {
        let Some(Ok(alert)) = self.alerts.get(key) else { return Ok(()) };
        let mut outbox = self.outbox();
        let Some(outbox) = outbox.as_mut() else { return Ok(()) };
        let alert_name = name(key);
        let provider = Name { namespace: key.namespace.clone(), name: alert.spec.provider_ref.name.clone() };
        let is_news = |broken: &Broken| {
            !broken.told.contains(&alert_name)
                && matches(&alert.spec, &key.namespace, &broken.event, &broken.labels)
        };
        let mut news: Vec<(Timestamp, String, Event)> = outbox
            .broken()
            .filter(|(_, broken)| is_news(broken))
            .map(|(object, broken)| (broken.since, object.to_owned(), broken.event.clone()))
            .collect();
        news.sort_by(|(a, x, _), (b, y, _)| (a, x).cmp(&(b, y)));
        for (_, object, event) in news {
            outbox.told(&object, [alert_name.clone()])?;
            let (alert, provider) = (alert_name.clone(), provider.clone());
            self.add(outbox, Message { alert, provider, event, added: Timestamp::now() })?;
        }
        self.added.notify_one();
        Ok(())
    }

    /// The alerts that take an event, with their providers.
    fn takers(&self, event: &Event, labels: &BTreeMap<String, String>) -> Vec<(Name, Name)> {
        let keys = self.alerts.keys(|key, alert| matches(&alert.spec, &key.namespace, event, labels));
        keys.iter().filter_map(|key| Some((name(key), self.provider_of(key)?))).collect()
    }

    /// The provider of an alert.
    fn provider_of(&self, alert: &Key) -> Option<Name> {
        let found = self.alerts.get(alert)?.ok()?;
        Some(Name { namespace: alert.namespace.clone(), name: found.spec.provider_ref.name.clone() })
    }

    /// Takes the news that an object is as it should be. If it was broken, the alerts that said so say that it
    /// is mended, whatever severity they are for.
    pub(super) fn mended(&self, mut event: Event) -> io::Result<()> {
        let mut guard = self.outbox();
        let Some(outbox) = guard.as_mut() else { return Ok(()) };
        let Some(broken) = outbox.mend(&object_of(&event))? else { return Ok(()) };
        let now = Timestamp::now();
        let seconds = now.duration_since(broken.since).max(SignedDuration::ZERO).as_secs();
        let after = reconciler_api::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        event.message = format!("Recovered after {after}: {}", event.message);
        for alert in broken.told {
            let Some(provider) = self.provider_of(&key(&alert)) else { continue };
            self.add(outbox, Message { alert, provider, event: event.clone(), added: now })?;
        }
        drop(guard);
        self.added.notify_one();
        Ok(())
    }
}

/// An alert has changed: events may have waited for it.
pub(super) async fn alert_changed(context: Arc<Context>, key: Key) -> super::Next {
    let notifications = &context.notifications;
    if let Err(error) = notifications.route().and_then(|()| notifications.catch_up(&key)) {
        context.log.error("events could not be kept for sending", json!({"error": error.to_string()}));
    }
    super::Next::OnChange
}

/// A provider has changed: what could not be sent to it can be tried again.
pub(super) async fn provider_changed(context: Arc<Context>, _: Key) -> super::Next {
    context.notifications.changed.notify_waiters();
    super::Next::OnChange
}

/// Sends what is there to be sent, for each provider in its order.
pub(super) async fn deliver(context: &Arc<Context>) {
    let notifications = &context.notifications;
    let mut workers: JoinSet<Name> = JoinSet::new();
    let mut busy: HashSet<Name> = HashSet::new();
    loop {
        let dropped = notifications.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let message =
                format!("{dropped} old notifications were dropped, too many wait for their provider");
            context.log.error(&message, json!({}));
        }
        let is_known = notifications.alerts.is_listed() && notifications.providers.is_listed();
        if is_known {
            // What came before the alerts were known, if no alert is there to ask for it.
            if let Err(error) = notifications.route_early() {
                context
                    .log
                    .error("events could not be kept for sending", json!({"error": error.to_string()}));
            }
            let providers = notifications.outbox().as_ref().map(Outbox::providers).unwrap_or_default();
            for provider in providers {
                if busy.insert(provider.clone()) {
                    workers.spawn(drain(Arc::clone(context), provider));
                }
            }
        }
        tokio::select! {
            () = notifications.added.notified() => {}
            () = tokio::time::sleep(PAUSES.0), if !is_known => {}
            Some(Ok(provider)) = workers.join_next(), if !workers.is_empty() => {
                busy.remove(&provider);
            }
        }
    }
}

impl Notifications {
    /// The next message for a provider.
    fn next(&self, provider: &Name) -> io::Result<Option<Outgoing>> {
        let is_for_people = match self.providers.get(&key(provider)) {
            Some(Ok(found)) => is_for_people(&found.spec.type_),
            _ => false,
        };
        let mut outbox = self.outbox();
        let Some(outbox) = outbox.as_mut() else { return Ok(None) };
        if is_for_people {
            outbox.next_for_people(provider, Timestamp::now())
        } else {
            Ok(outbox.next(provider))
        }
    }

    /// Notes that a message has been sent, or never will be.
    fn sent(&self, outgoing: &Outgoing) -> io::Result<()> {
        self.outbox().as_mut().map_or(Ok(()), |outbox| outbox.sent(outgoing, Timestamp::now()))
    }

    /// The status of an alert or a provider after a message for it.
    fn status_after(
        &self,
        old: &DeliveryStatus,
        message: &Message,
        outcome: &Result<(), SendError>,
    ) -> DeliveryStatus {
        let pending = self.outbox().as_ref().map_or(0, |outbox| outbox.pending(&message.provider));
        let mut status = old.clone();
        status.pending = i64::try_from(pending).unwrap_or(i64::MAX);
        let delivery = Delivery {
            time: Time::from(Timestamp::now()),
            object: object_of(&message.event),
            message: message.event.message.lines().next().unwrap_or_default().to_owned(),
            error: outcome.as_ref().err().map(ToString::to_string),
            is_tried_again: matches!(outcome, Err(SendError::Later(_))),
        };
        if outcome.is_ok() {
            status.delivered += 1;
            status.last_delivered = Some(delivery);
            status.last_failure = None;
        } else {
            status.last_failure = Some(delivery);
        }
        status
    }
}

/// Sends all messages for a provider. Gives up none that may be sent later.
async fn drain(context: Arc<Context>, provider: Name) -> Name {
    let notifications = &context.notifications;
    let mut pause = PAUSES.0;
    loop {
        let outgoing = match notifications.next(&provider) {
            Ok(Some(outgoing)) => outgoing,
            Ok(None) => return provider,
            Err(error) => {
                let fields = json!({"provider": provider.name, "error": error.to_string()});
                context.log.error("what was sent could not be noted", fields);
                tokio::time::sleep(PAUSES.1).await;
                continue;
            }
        };
        if let Some(held) = outgoing.held {
            tokio::time::sleep(held).await;
            continue;
        }
        let message = &outgoing.message;
        let outcome = deliver_one(&context, message).await;
        let fields = |error: &str| {
            json!({
                "controllerKind": "Alert", "name": message.alert.name, "namespace": message.alert.namespace,
                "provider": message.provider.name, "error": error,
            })
        };
        if let Err(SendError::Later(error)) = &outcome {
            context.log.error("failed to send notification, it is tried again", fields(error));
            write_status(&context, message, &outcome).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = notifications.changed.notified() => {}
            }
            pause = (pause * 2).min(PAUSES.1);
            continue;
        }
        if let Err(error) = &outcome {
            context.log.error("failed to send notification", fields(&error.to_string()));
        }
        pause = PAUSES.0;
        if let Err(error) = notifications.sent(&outgoing) {
            // Without the note it would be sent again at once.
            context.log.error("what was sent could not be noted", fields(&error.to_string()));
            tokio::time::sleep(PAUSES.1).await;
        }
        write_status(&context, message, &outcome).await;
    }
}

/// Writes what became of a message into the status of its alert and its provider. Flux's definitions of
/// them have no status: there, nothing is written.
async fn write_status(context: &Context, message: &Message, outcome: &Result<(), SendError>) {
    let notifications = &context.notifications;
    let key = key(&message.alert);
    if let Some(Ok(alert)) = notifications.alerts.get(&key) {
        let old = alert.status.clone().unwrap_or_default();
        let mut new = notifications.status_after(&old, message, outcome);
        new.observed_generation = alert.metadata.generation;
        let written = status::write::<Alert>(&context.client, &key, &old, &new).await;
        noted(context, &notifications.alerts, &key, written);
    }
    let key = self::key(&message.provider);
    if let Some(Ok(provider)) = notifications.providers.get(&key) {
        let old = provider.status.clone().unwrap_or_default();
        let mut new = notifications.status_after(&old, message, outcome);
        new.observed_generation = provider.metadata.generation;
        let written = status::write::<Provider>(&context.client, &key, &old, &new).await;
        noted(context, &notifications.providers, &key, written);
    }
}

/// Notes an object whose status was written.
fn noted<K: ResourceExt>(
    context: &Context,
    store: &Store<K>,
    key: &Key,
    written: Result<Option<K>, RequestError>,
) {
    match written {
        Ok(Some(object)) => store.written(key, object),
        Err(error) if error.code() != 404 => {
            let fields = json!({"name": key.name, "namespace": key.namespace, "error": error.to_string()});
            context.log.error("the status of a delivery could not be written", fields);
        }
        Ok(None) | Err(_) => {}
    }
}

async fn deliver_one(context: &Context, message: &Message) -> Result<(), SendError> {
    let notifications = &context.notifications;
    let missing = |what: &str, name: &Name| {
        SendError::Never(format!("{what} '{}/{}' does not exist", name.namespace, name.name))
    };
    let Some(Ok(alert)) = notifications.alerts.get(&key(&message.alert)) else {
        return Err(missing("alert", &message.alert));
    };
    let Some(Ok(provider)) = notifications.providers.get(&key(&message.provider)) else {
        // It may be applied after its alert.
        let name = &message.provider;
        let error = format!("provider '{}/{}' does not exist", name.namespace, name.name);
        let since = message.event.timestamp.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let is_recent = Timestamp::now().duration_since(since) < LONGEST_WAIT;
        return Err(if is_recent { SendError::Later(error) } else { SendError::Never(error) });
    };
    let secret = match &provider.spec.secret_ref {
        Some(reference) => Some(secret(context, &message.provider, &reference.name).await?),
        None => None,
    };
    let namespace = &message.alert.namespace;
    let Some(no_cross_namespace) = context.tenants.is_strict(namespace) else {
        return Err(SendError::Later(format!("namespace '{namespace}' is not known yet")));
    };
    let rules = Rules { no_cross_namespace, ..Rules::default() };
    let notification = dispatch(rules, &alert, &provider, secret.as_ref(), &message.event)
        .map_err(|error| SendError::Never(error.to_string()))?;
    let Some(Notification::Send(exchange)) = notification else { return Ok(()) };
    let connection = connection(context, &message.provider, &provider).await?;
    send(&connection, exchange).await
}

/// Reads a Secret. One that is missing may still come.
pub(super) async fn secret(
    context: &Context,
    provider: &Name,
    name: &str,
) -> Result<secrets::SecretData, SendError> {
    let key = Key { namespace: provider.namespace.clone(), name: name.to_owned() };
    secrets::read(context, &key)
        .await
        .map_err(|error| SendError::Later(format!("failed to get secret '{key}': {error}")))
}

/// How a provider is reached.
pub(super) async fn connection(
    context: &Context,
    name: &Name,
    provider: &Provider,
) -> Result<Connection, SendError> {
    let spec = &provider.spec;
    let mut connection = Connection {
        timeout: Some(spec.timeout().to_std()),
        proxy: spec.proxy.clone(),
        ..Connection::default()
    };
    if let Some(reference) = &spec.proxy_secret_ref {
        let data = secret(context, name, &reference.name).await?;
        connection.proxy = Some(secrets::proxy(&data).map_err(SendError::Never)?);
    }
    if let Some(reference) = &spec.cert_secret_ref {
        let mut data = secret(context, name, &reference.name).await?;
        connection.certificate = data.remove("ca.crt").or_else(|| data.remove("caFile"));
        if let (Some(certificate), Some(key)) = (data.remove("tls.crt"), data.remove("tls.key")) {
            connection.identity = Some([certificate, b"\n".to_vec(), key].concat());
        }
    }
    Ok(connection)
}
