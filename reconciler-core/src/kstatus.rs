//! How far an object in the cluster has come: the rules of kstatus.
//!
//! An object says by its generation, its conditions and, for built-in kinds, its status, whether its
//! controller is done with it.

mod builtin;
mod expression;

use jiff::Timestamp;
use serde_json::Value;

use crate::object;

pub use expression::HealthExpressions;

/// How far an object has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Its controller is still at work.
    InProgress,
    /// Its controller has given up.
    Failed,
    /// It is as it should be.
    Current,
    /// It is being deleted.
    Terminating,
    /// It is not in the cluster.
    NotFound,
    /// Nothing is known of it.
    Unknown,
}

impl Status {
    /// The name, as messages show it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Status::InProgress => "InProgress",
            Status::Failed => "Failed",
            Status::Current => "Current",
            Status::Terminating => "Terminating",
            Status::NotFound => "NotFound",
            Status::Unknown => "Unknown",
        }
    }
}

/// What stands for the status in the form of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `Reconciling` or `Stalled`; both are always `True`.
    pub kind: &'static str,
    /// Why, in one word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

/// The status of an object, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How far it has come.
    pub status: Status,
    /// Why.
    pub message: String,
    /// The condition that says the same, unless all is well.
    pub condition: Option<Condition>,
}

impl Outcome {
    fn plain(status: Status, message: impl Into<String>) -> Self {
        Outcome { status, message: message.into(), condition: None }
    }

    fn current(message: impl Into<String>) -> Self {
        Outcome::plain(Status::Current, message)
    }

    fn in_progress(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Outcome::with(Status::InProgress, "Reconciling", reason, message)
    }

    fn failed(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Outcome::with(Status::Failed, "Stalled", reason, message)
    }

    fn with(
        status: Status,
        kind: &'static str,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let message = message.into();
        let condition = Condition { kind, reason: reason.into(), message: message.clone() };
        Outcome { status, message, condition: Some(condition) }
    }
}

/// An object whose status cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnreadableStatus(String);

/// The status of an object as the API server gives it. The time is needed for pods only, which get a
/// while to be scheduled.
///
/// # Errors
/// Fields of another type than they should have, or an unknown phase of a pod.
pub fn compute(object: &Value, now: Timestamp) -> Result<Outcome, UnreadableStatus> {
    match object::at(object, &["metadata", "deletionTimestamp"]) {
        None => {}
        Some(Value::String(time)) if time.is_empty() => {}
        Some(Value::String(_)) => {
            return Ok(Outcome::plain(Status::Terminating, "Resource scheduled for deletion"));
        }
        Some(_) => return Err(wrong("metadata.deletionTimestamp", "a text")),
    }
    if let Some(outcome) = unobserved(object)? {
        return Ok(outcome);
    }
    let conditions = Conditions::of(object)?;
    for condition in conditions.iter().filter(|condition| condition.status == "True") {
        match condition.kind {
            "Reconciling" => return Ok(Outcome::in_progress(condition.reason, condition.message)),
            "Stalled" => return Ok(Outcome::failed(condition.reason, condition.message)),
            _ => {}
        }
    }
    if let Some(outcome) = builtin::compute(object, &conditions, now)? {
        return Ok(outcome);
    }
    for condition in conditions.iter().filter(|condition| condition.kind == "Ready") {
        match condition.status {
            "True" => return Ok(Outcome::current("Resource is Ready")),
            "False" | "Unknown" => return Ok(Outcome::in_progress(condition.reason, condition.message)),
            _ => {}
        }
    }
    Ok(Outcome::current("Resource is current"))
}

/// Whether the controller has not seen the last change yet.
fn unobserved(object: &Value) -> Result<Option<Outcome>, UnreadableStatus> {
    let Some(generation) = integer(object, &["metadata", "generation"])? else { return Ok(None) };
    let Some(observed) = integer(object, &["status", "observedGeneration"])? else { return Ok(None) };
    if generation == observed {
        return Ok(None);
    }
    let kind = object::kind(object);
    Ok(Some(Outcome::in_progress(
        "LatestGenerationNotObserved",
        format!("{kind} generation is {generation}, but latest observed generation is {observed}"),
    )))
}

/// A whole number, if there is one.
fn integer(object: &Value, path: &[&str]) -> Result<Option<i64>, UnreadableStatus> {
    match object::at(object, path) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong(&path.join("."), "a whole number")),
    }
}

fn wrong(path: &str, wanted: &str) -> UnreadableStatus {
    UnreadableStatus(format!("looking up {path} from resource: not {wanted}"))
}

/// A condition of an object.
struct Found<'a> {
    kind: &'a str,
    status: &'a str,
    reason: &'a str,
    message: &'a str,
}

/// The conditions of an object.
struct Conditions<'a>(Vec<Found<'a>>);

impl<'a> Conditions<'a> {
    fn of(object: &'a Value) -> Result<Self, UnreadableStatus> {
        match object.get("status") {
            None | Some(Value::Null | Value::Object(_)) => {}
            Some(_) => return Err(wrong("status", "a map")),
        }
        let list = match object::at(object, &["status", "conditions"]) {
            None | Some(Value::Null) => return Ok(Conditions(Vec::new())),
            Some(Value::Array(list)) => list,
            Some(_) => return Err(wrong("status.conditions", "a list")),
        };
        let text = |condition: &'a Value, key: &str| match condition.get(key) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(&**text),
            Some(_) => Err(wrong(&format!("status.conditions.{key}"), "a text")),
        };
        let read = |condition: &'a Value| {
            if !condition.is_object() && !condition.is_null() {
                return Err(wrong("status.conditions", "a list of maps"));
            }
            Ok(Found {
                kind: text(condition, "type")?,
                status: text(condition, "status")?,
                reason: text(condition, "reason")?,
                message: text(condition, "message")?,
            })
        };
        list.iter().map(read).collect::<Result<_, _>>().map(Conditions)
    }

    fn iter(&self) -> impl Iterator<Item = &Found<'a>> {
        self.0.iter()
    }

    fn find(&self, kind: &str, status: &str) -> Option<&Found<'a>> {
        self.iter().find(|condition| condition.kind == kind && condition.status == status)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_gets_a_while_to_be_scheduled() {
        let created = "2026-01-01T00:00:00Z";
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "creationTimestamp": created},
            "status": {"phase": "Pending", "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
            ]},
        });
        let after = |seconds: i64| {
            let created: Timestamp = created.parse().unwrap();
            let now = created + jiff::SignedDuration::from_secs(seconds);
            compute(&pod, now).unwrap().status
        };
        assert_eq!(after(14), Status::InProgress);
        assert_eq!(after(16), Status::Failed);
    }

    #[test]
    fn of_reconciling_and_stalled_the_first_counts() {
        let object = |first: &str, second: &str| {
            json!({"apiVersion": "x/v1", "kind": "X", "status": {"conditions": [
                {"type": first, "status": "True"}, {"type": second, "status": "True"},
            ]}})
        };
        let status = |object: Value| compute(&object, Timestamp::UNIX_EPOCH).unwrap().status;
        assert_eq!(status(object("Stalled", "Reconciling")), Status::Failed);
        assert_eq!(status(object("Reconciling", "Stalled")), Status::InProgress);
    }
}
