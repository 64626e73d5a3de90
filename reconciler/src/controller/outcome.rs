//! What a reconciliation ends with: conditions, lines of the log, events.

use jiff::Timestamp;
use kube::{Resource, ResourceExt};
use reconciler_api::condition::{self, Condition, ConditionStatus};
use reconciler_api::{annotation, reason};
use serde_json::{Value, json};

use super::Context;
use super::events::{self, Report};
use super::queue::Key;

/// How logs and events name a controller.
pub(super) struct Names {
    /// The component, as events name it.
    pub(super) component: &'static str,
    /// The controller, as logs name it.
    pub(super) controller: &'static str,
    /// The group of its kind.
    pub(super) group: &'static str,
    /// Its kind.
    pub(super) kind: &'static str,
}

/// Why a reconciliation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) reason: &'static str,
    pub(super) message: String,
    /// Whether only a change of the object can help.
    pub(super) is_permanent: bool,
}

impl Failure {
    /// One that is tried again.
    pub(super) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Failure { reason, message: message.into(), is_permanent: false }
    }

    /// One that only a change of the object ends.
    pub(super) fn permanent(reason: &'static str, message: impl Into<String>) -> Self {
        Failure { is_permanent: true, ..Failure::new(reason, message) }
    }
}

/// Sets the conditions Ready, Reconciling and Stalled.
pub(super) fn conclude(
    conditions: &mut Vec<Condition>,
    outcome: Result<&str, &Failure>,
    generation: Option<i64>,
    now: Timestamp,
) {
    let mut set = |type_, status, reason, message: &str| {
        condition::set(conditions, type_, status, reason, message, generation, now);
    };
    let (holds, lapses): (Option<&str>, &[&str]) = match outcome {
        Ok(message) => {
            set(condition::READY, ConditionStatus::True, reason::SUCCEEDED, message);
            (None, &[condition::RECONCILING, condition::STALLED])
        }
        Err(failure) => {
            set(condition::READY, ConditionStatus::False, failure.reason, &failure.message);
            if failure.is_permanent {
                (Some(condition::STALLED), &[condition::RECONCILING])
            } else {
                (Some(condition::RECONCILING), &[condition::STALLED])
            }
        }
    };
    if let (Some(type_), Err(failure)) = (holds, outcome) {
        let reason = if failure.is_permanent { failure.reason } else { reason::PROGRESSING_WITH_RETRY };
        set(type_, ConditionStatus::True, reason, &failure.message);
    }
    for type_ in lapses {
        condition::remove(conditions, type_);
    }
}

/// Whether the condition Ready of an old status says something else than this message.
pub(super) fn is_news(old: &[Condition], message: &str) -> bool {
    let ready = old.iter().find(|condition| condition.type_ == condition::READY);
    ready.is_none_or(|ready| ready.message != message)
}

/// The token with which a reconciliation was asked for.
pub(super) fn requested(object: &impl ResourceExt) -> Option<String> {
    object.annotations().get(annotation::RECONCILE_REQUEST).cloned()
}

impl Names {
    /// Writes a failure to the log, and sends an event if it is news.
    pub(super) async fn fail<K: Resource<DynamicType = ()>>(
        &self,
        context: &Context,
        object: &K,
        key: &Key,
        old: &[Condition],
        failure: &Failure,
    ) {
        context.log.error("Reconciler error", self.fields(key, json!({"error": failure.message})));
        if is_news(old, &failure.message) {
            let report = Report::error(self.component, failure.reason, &failure.message);
            events::send(context, object, &report).await;
        }
    }

    /// Says that the object is as it should be, if it was said to be broken.
    pub(super) async fn mended<K: Resource<DynamicType = ()>>(
        &self,
        context: &Context,
        object: &K,
        message: &str,
    ) {
        events::mended(context, object, &Report::info(self.component, reason::SUCCEEDED, message)).await;
    }

    /// Writes a success to the log, and sends an event.
    pub(super) async fn succeed<K: Resource<DynamicType = ()>>(
        &self,
        context: &Context,
        object: &K,
        key: &Key,
        message: &str,
    ) {
        context.log.info(message, self.fields(key, json!({})));
        events::send(context, object, &Report::info(self.component, reason::SUCCEEDED, message)).await;
    }

    /// The fields of a line of the log about an object.
    pub(super) fn fields(&self, key: &Key, further: Value) -> Value {
        let mut fields = json!({
            "controller": self.controller,
            "controllerGroup": self.group,
            "controllerKind": self.kind,
            self.kind: {"name": key.name, "namespace": key.namespace},
            "namespace": key.namespace,
            "name": key.name,
            "reconcileID": uuid::Uuid::new_v4().to_string(),
        });
        if let (Some(fields), Value::Object(mut further)) = (fields.as_object_mut(), further) {
            fields.append(&mut further);
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_of_reconciling_and_stalled_holds() {
        let mut conditions = Vec::new();
        let types = |conditions: &[Condition]| -> Vec<String> {
            conditions.iter().map(|condition| condition.type_.clone()).collect()
        };
        conclude(&mut conditions, Err(&Failure::new(reason::FAILURE, "no")), Some(1), Timestamp::UNIX_EPOCH);
        assert_eq!(types(&conditions), ["Ready", "Reconciling"]);
        conclude(
            &mut conditions,
            Err(&Failure::permanent(reason::FAILURE, "never")),
            Some(1),
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(types(&conditions), ["Ready", "Stalled"]);
        assert!(is_news(&conditions, "no") && !is_news(&conditions, "never"));
        conclude(&mut conditions, Ok("done"), Some(1), Timestamp::UNIX_EPOCH);
        assert_eq!(types(&conditions), ["Ready"]);
    }
}
