//! Sending what waits in the outbox, for each provider in its order.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reconciler_core::notify::{Rules, dispatch, is_for_people};
use serde_json::json;
use tokio::task::JoinSet;

use super::connection::{connection, secret};
use super::delivery_status::write_status;
use super::{Notifications, key};
use crate::controller::Context;
use crate::notify::{self, Message, Name, Outbox, Outgoing, SendError};

/// The first pause after a provider could not be reached, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// How long a message waits for a provider that does not exist.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// Sends what is there to be sent, for each provider in its order.
pub(in crate::controller) async fn deliver(context: &Arc<Context>) {
    let notifications = &context.notifications;
    let mut workers: JoinSet<Name> = JoinSet::new();
    let mut busy: HashSet<Name> = HashSet::new();
    let mut trouble = None;
    loop {
        let still = notifications.outbox().as_mut().and_then(Outbox::flush);
        match (&trouble, &still) {
            (None, Some(why)) => {
                let message =
                    "notifications cannot be written to disk, they are kept in memory until that is possible";
                context.log.error(message, json!({"error": why}));
            }
            (Some(_), None) => context.log.info("notifications are written to disk again", json!({})),
            _ => {}
        }
        trouble = still;
        let dropped = notifications.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let message =
                format!("{dropped} old notifications were dropped, too many wait for their provider");
            context.log.error(&message, json!({}));
        }
        let is_known = notifications.alerts.is_listed()
            && notifications.providers.is_listed()
            && context.tenants.namespaces.is_listed();
        if is_known {
            // What came before the alerts were known, if no alert is there to ask for it.
            if let Err(error) = notifications.route_early(&context.tenants) {
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
            () = tokio::time::sleep(PAUSES.0), if !is_known || trouble.is_some() => {}
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
            outbox.next_for_people(provider, self.environment.now())
        } else {
            Ok(outbox.next(provider))
        }
    }

    /// Notes that a message has been sent, or never will be.
    fn sent(&self, outgoing: &Outgoing) -> io::Result<()> {
        self.outbox().as_mut().map_or(Ok(()), |outbox| outbox.sent(outgoing, self.environment.now()))
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

/// Sends one message. Returns whether the provider wanted it.
async fn deliver_one(context: &Context, message: &Message) -> Result<bool, SendError> {
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
        let is_recent = context.environment.now().duration_since(since) < LONGEST_WAIT;
        return Err(if is_recent { SendError::Later(error) } else { SendError::Never(error) });
    };
    let secret = match &provider.spec.secret_ref {
        Some(reference) => Some(secret(context, &message.provider, &reference.name).await?),
        None => None,
    };
    // Whether the alert may tell of the event was decided when it came.
    let notification = dispatch(Rules::default(), &alert, &provider, secret.as_ref(), &message.event)
        .map_err(|error| SendError::Never(error.to_string()))?;
    let Some(notification) = notification else { return Ok(false) };
    let connection = connection(context, &message.provider, &provider, secret.as_ref()).await?;
    notify::deliver(&connection, notification).await
}
