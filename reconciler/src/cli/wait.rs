//! Waiting for controllers.

use std::time::Duration;

use reconciler_core::kstatus::{self, Status};
use serde_json::Value;
use tokio::time::Instant;

use super::cluster::Cluster;
use super::kinds::Kind;
use super::{Failure, Result};

/// The first pause between two looks at an object, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// Asks for an object until it is reconciled and `done` as well, and gives it back.
///
/// # Errors
/// Its reconciliation failed for good, or it took too long.
pub(crate) async fn until_ready(
    cluster: &Cluster,
    kind: &Kind,
    namespace: &str,
    name: &str,
    done: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let end = Instant::now() + cluster.timeout;
    let [mut pause, longest] = PAUSES;
    loop {
        let object = cluster.get(kind, namespace, name).await?;
        if done(&object) {
            if kind.is_static {
                return Ok(object);
            }
            let outcome = kstatus::compute(&object, jiff::Timestamp::now())
                .map_err(|error| Failure::failed(error.to_string()))?;
            match outcome.status {
                Status::Current => return Ok(object),
                Status::InProgress => {}
                _ => return Err(Failure::Failed(outcome.message)),
            }
        }
        if Instant::now() + pause >= end {
            return Err(Failure::Failed(timed_out(kind, name, &object)));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}

/// What is known when patience ends.
fn timed_out(kind: &Kind, name: &str, object: &Value) -> String {
    let message = condition(object, "Ready").map(|condition| text(condition, "message").to_owned());
    match message.filter(|message| !message.is_empty()) {
        Some(message) => format!("timed out waiting for {} {name}: {message}", kind.kind),
        None => format!(
            "timed out waiting for {} {name}: it has no status yet, does a reconciler run in the cluster?",
            kind.kind
        ),
    }
}

/// A condition of an object.
pub(crate) fn condition<'a>(object: &'a Value, type_: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| condition["type"] == type_)
}

/// A text field, or an empty one.
pub(crate) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}
