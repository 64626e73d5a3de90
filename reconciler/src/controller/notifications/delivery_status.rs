//! The status of alerts and providers: what was delivered when, and why something was not.

use kube::ResourceExt;
use reconciler_api::{Alert, Delivery, DeliveryStatus, Provider, Time};
use serde_json::json;

use super::{Notifications, key, object_of};
use crate::apply::RequestError;
use crate::controller::queue::Key;
use crate::controller::store::Store;
use crate::controller::{Context, status};
use crate::notify::{Message, SendError};

/// Writes what became of a message into the status of its alert and its provider. Flux's definitions of
/// them have no status: there, nothing is written.
pub(super) async fn write_status(context: &Context, message: &Message, outcome: &Result<bool, SendError>) {
    let notifications = &context.notifications;
    let key = key(&message.alert);
    if let Some(Ok(alert)) = notifications.alerts.get(&key) {
        let old = alert.status.clone().unwrap_or_default();
        let mut new = notifications.status_after(&old, message, outcome);
        new.observed_generation = alert.metadata.generation;
        let written = status::write::<Alert>(&context.client, &key, &old, &new).await;
        noted(context, &notifications.alerts, &key, written);
    }
    let key = super::key(&message.provider);
    if let Some(Ok(provider)) = notifications.providers.get(&key) {
        let old = provider.status.clone().unwrap_or_default();
        let mut new = notifications.status_after(&old, message, outcome);
        new.observed_generation = provider.metadata.generation;
        let written = status::write::<Provider>(&context.client, &key, &old, &new).await;
        noted(context, &notifications.providers, &key, written);
    }
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
        outcome: &Result<bool, SendError>,
    ) -> DeliveryStatus {
        let pending = self.outbox().as_ref().map_or(0, |outbox| outbox.pending(&message.provider));
        let mut status = old.clone();
        status.pending = i64::try_from(pending).unwrap_or(i64::MAX);
        let delivery = Delivery {
            time: Time::from(self.environment.now()),
            object: object_of(&message.event),
            message: message.event.message.lines().next().unwrap_or_default().to_owned(),
            error: outcome.as_ref().err().map(ToString::to_string),
            is_tried_again: matches!(outcome, Err(SendError::Later(_))),
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
