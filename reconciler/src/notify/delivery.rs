//! From what carries an event to whoever sends such things.

use reconciler_core::notify::Notification;

use super::connection::{Connection, SendError};
use super::{nats, sender};

/// Delivers what carries an event. Returns whether anything does.
pub async fn deliver(connection: &Connection, notification: Notification) -> Result<bool, SendError> {
    match notification {
        Notification::Send(exchange) => sender::send(connection, exchange).await,
        Notification::Publish(publication) => nats::publish(connection, &publication).await.map(|()| true),
        Notification::Dropped(_) => Ok(false),
    }
}
