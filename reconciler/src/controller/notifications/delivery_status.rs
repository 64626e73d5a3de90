//! The status of alerts and providers: what was delivered when, and why something was not.

use kube::ResourceExt;
use reconciler_api::{Alert, Delivery, DeliveryStatus, Provider, Time};
use serde_json::json;

use super::{Notifications, key};
use crate::apply::RequestError;
use crate::controller::queue::Key;
use crate::controller::store::Store;
use crate::controller::{Context, status};
use crate::notify::{Message, Name, SendError, object_of};

/// Writes what became of a message into the status of its alert and its provider, and whether it is tried again. Flux's
/// definitions of them have no status: there, nothing is written.
pub(super) async fn write_status(
    context: &Context,
    message: &Message,
    outcome: &Result<bool, SendError>,
    is_kept: bool,
) {
    let notifications = &context.notifications;
    let pending = notifications.pending(&message.provider).await;
    let key = key(&message.alert);
    if let Some(Ok(alert)) = notifications.alerts.get(&key) {
        let old = alert.status.clone().unwrap_or_default();
        let mut new = notifications.status_after(&old, message, pending, outcome, is_kept);
        new.observed_generation = alert.metadata.generation;
        let written = status::write::<Alert>(&context.client, &key, &old, &new).await;
        noted(context, &notifications.alerts, &key, written);
    }
    let key = super::key(&message.provider);
    if let Some(Ok(provider)) = notifications.providers.get(&key) {
        let old = provider.status.clone().unwrap_or_default();
        let mut new = notifications.status_after(&old, message, pending, outcome, is_kept);
        new.observed_generation = provider.metadata.generation;
        let written = status::write::<Provider>(&context.client, &key, &old, &new).await;
        noted(context, &notifications.providers, &key, written);
    }
}

/// Mends what the status of a provider and its alerts, or of all of them, says of messages that are not there any more:
/// they were dropped, nobody wanted them, or people had been told already.
pub(super) async fn settle(context: &Context, only: Option<&Name>) {
    // Other processes may have messages for the same providers.
    if !context.shard.is_all() {
        return;
    }
    let notifications = &context.notifications;
    let providers = notifications.providers.keys(|key, provider| {
        only.is_none_or(|only| super::name(key) == *only) && is_open(provider.status.as_ref())
    });
    for key in providers {
        let Some(Ok(provider)) = notifications.providers.get(&key) else { continue };
        let is_waiting = notifications.pending(&super::name(&key)).await > 0;
        if let Some(old) = provider.status.as_ref().filter(|_| !is_waiting) {
            let written = status::write::<Provider>(&context.client, &key, old, &settled(old)).await;
            noted(context, &notifications.providers, &key, written);
        }
    }
    let alerts = notifications.alerts.keys(|key, alert| {
        let provider = &alert.spec.provider_ref.name;
        only.is_none_or(|only| key.namespace == only.namespace && *provider == only.name)
            && is_open(alert.status.as_ref())
    });
    for key in alerts {
        let Some(Ok(alert)) = notifications.alerts.get(&key) else { continue };
        let is_waiting = notifications.has_message_of(&super::name(&key)).await;
        if let Some(old) = alert.status.as_ref().filter(|_| !is_waiting) {
            let written = status::write::<Alert>(&context.client, &key, old, &settled(old)).await;
            noted(context, &notifications.alerts, &key, written);
        }
    }
}

/// Whether a status says that something is still to be sent.
fn is_open(status: Option<&DeliveryStatus>) -> bool {
    let is_tried_again =
        |status: &DeliveryStatus| status.last_failure.as_ref().is_some_and(|failure| failure.is_tried_again);
    status.is_some_and(|status| status.pending > 0 || is_tried_again(status))
}

/// The same status when nothing is left to send.
fn settled(old: &DeliveryStatus) -> DeliveryStatus {
    let mut new = DeliveryStatus { pending: 0, ..old.clone() };
    if let Some(failure) = &mut new.last_failure {
        failure.is_tried_again = false;
    }
    new
}

/// Notes an object whose status was written.
pub(super) fn noted<K: ResourceExt>(
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

impl Notifications {
    /// The status of an alert or a provider after a message for it.
    fn status_after(
        &self,
        old: &DeliveryStatus,
        message: &Message,
        pending: usize,
        outcome: &Result<bool, SendError>,
        is_kept: bool,
    ) -> DeliveryStatus {
        let mut status = old.clone();
        status.pending = i64::try_from(pending).unwrap_or(i64::MAX);
        let delivery = Delivery {
            time: Time::from(self.environment.now()),
            object: object_of(&message.event),
            message: message.event.message.lines().next().unwrap_or_default().to_owned(),
            error: outcome.as_ref().err().map(ToString::to_string),
            is_tried_again: is_kept,
        };
        match outcome {
            Ok(true) => {
                status.delivered += 1;
                status.last_delivered = Some(delivery);
                status.last_failure = None;
            }
            // The provider is suspended, or shows no such events.
            Ok(false) => {}
            Err(_) => status.last_failure = Some(delivery),
        }
        status
    }
}
