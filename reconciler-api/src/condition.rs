//! Conditions: what status says about an object in a few words.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;

/// The object is as its spec wants it.
pub const READY: &str = "Ready";
/// Work is under way.
pub const RECONCILING: &str = "Reconciling";
/// Only a change of the object or of what it refers to can help.
pub const STALLED: &str = "Stalled";
/// Kustomization: all objects that are waited for are healthy.
pub const HEALTHY: &str = "Healthy";
/// Kustomization: the revision that was tried last is not healthy, and the one before it is applied instead.
pub const ROLLED_BACK: &str = "RolledBack";
/// Sources: the artifact is there.
pub const ARTIFACT_IN_STORAGE: &str = "ArtifactInStorage";
/// Sources: there is a newer revision than the artifact.
pub const ARTIFACT_OUTDATED: &str = "ArtifactOutdated";
/// Sources: fetching failed.
pub const FETCH_FAILED: &str = "FetchFailed";
/// Sources: keeping what was fetched failed.
pub const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";
/// Sources: the signature was verified.
pub const SOURCE_VERIFIED: &str = "SourceVerified";
/// GitRepository: an included repository is not there.
pub const INCLUDE_UNAVAILABLE: &str = "IncludeUnavailable";

/// One condition of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What the condition is about.
    #[serde(rename = "type")]
    #[schemars(length(max = 316))]
    #[schemars(extend("pattern" = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"))]
    pub type_: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// The generation of the object that the condition was set for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0))]
    pub observed_generation: Option<i64>,
    /// When the status changed last.
    pub last_transition_time: Time,
    /// Why, in one word.
    #[schemars(length(min = 1, max = 1024))]
    #[schemars(extend("pattern" = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"))]
    pub reason: String,
    /// Why, for people.
    #[schemars(length(max = 32768))]
    pub message: String,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// That is not known (yet).
    Unknown,
}

impl ConditionStatus {
    /// The status as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ConditionStatus::True => "True",
            ConditionStatus::False => "False",
            ConditionStatus::Unknown => "Unknown",
        }
    }
}

/// An object whose status has conditions.
pub trait HasConditions {
    /// The conditions; none if there is no status yet.
    fn conditions(&self) -> &[Condition];

    /// The generation that status was written for, -1 before the first time.
    fn observed_generation(&self) -> i64;

    /// The condition of this type.
    fn condition(&self, type_: &str) -> Option<&Condition> {
        self.conditions().iter().find(|condition| condition.type_ == type_)
    }

    /// Whether the object is ready, whatever its generation.
    fn is_ready(&self) -> bool {
        self.condition(READY).is_some_and(|condition| condition.status == ConditionStatus::True)
    }
}

/// Implements [`HasConditions`] for kinds with a status of that name.
macro_rules! has_conditions {
    ($kind:ty) => {
        impl crate::condition::HasConditions for $kind {
            fn conditions(&self) -> &[crate::condition::Condition] {
                self.status.as_ref().map_or(&[], |status| &status.conditions)
            }

            fn observed_generation(&self) -> i64 {
                self.status.as_ref().and_then(|status| status.observed_generation).unwrap_or(-1)
            }
        }
    };
}
pub(crate) use has_conditions;

/// Sets a condition. The time of its last change stays when its status stays.
pub fn set(
    conditions: &mut Vec<Condition>,
    type_: &str,
    status: ConditionStatus,
    reason: &str,
    message: impl Into<String>,
    generation: Option<i64>,
    now: Timestamp,
) {
    let message = fit(message.into());
    let old = conditions.iter_mut().find(|condition| condition.type_ == type_);
    let last_transition_time = match &old {
        Some(old) if old.status == status => old.last_transition_time,
        _ => now.into(),
    };
    let condition = Condition {
        type_: type_.to_owned(),
        status,
        observed_generation: generation,
        last_transition_time,
        reason: reason.to_owned(),
        message,
    };
    match old {
        Some(old) => *old = condition,
        None => conditions.push(condition),
    }
}

/// Removes a condition.
pub fn remove(conditions: &mut Vec<Condition>, type_: &str) {
    conditions.retain(|condition| condition.type_ != type_);
}

/// A message, cut down to what a condition can hold.
#[must_use]
pub fn fit(mut message: String) -> String {
    const LIMIT: usize = 32_768;
    const MARK: &str = "...";
    if message.len() > LIMIT {
        let mut end = LIMIT - MARK.len();
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
        message.push_str(MARK);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_time_while_the_status_stays() {
        let mut conditions = Vec::new();
        let (first, second) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60).unwrap());
        set(&mut conditions, READY, ConditionStatus::False, "A", "a", Some(1), first);
        set(&mut conditions, READY, ConditionStatus::False, "B", "b", Some(1), second);
        assert_eq!(conditions.len(), 1);
        assert_eq!((conditions[0].last_transition_time, conditions[0].reason.as_str()), (first.into(), "B"));
        set(&mut conditions, READY, ConditionStatus::True, "C", "c", Some(1), second);
        assert_eq!(conditions[0].last_transition_time, second.into());
    }

    #[test]
    fn long_messages_fit() {
        let mut conditions = Vec::new();
        let message = "ä".repeat(20_000);
        set(&mut conditions, READY, ConditionStatus::False, "A", message, None, Timestamp::UNIX_EPOCH);
        assert!(conditions[0].message.len() <= 32_768 && conditions[0].message.ends_with("ä..."));
    }
}
