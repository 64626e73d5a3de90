//! The last sets of objects that a Kustomization has applied, as its status tells them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use reconciler_api::kustomization::Snapshot;
use reconciler_core::object;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::report::shown_duration;

/// How many sets are told.
const MOST: usize = 5;

/// A set of objects, and what became of it.
pub(super) struct Attempt<'a> {
    pub(super) digest: &'a str,
    pub(super) revision: &'a str,
    /// The reason of the condition Ready.
    pub(super) reason: &'a str,
    pub(super) at: Timestamp,
    pub(super) took: Duration,
}

/// A digest that tells sets of objects apart. Of Secrets, it says which keys there are and not what they hold: who
/// sees a status could guess at that.
pub(super) fn digest<'a>(objects: impl IntoIterator<Item = &'a Value>) -> String {
    let mut hash = Sha256::new();
    for object in objects {
        let is_secret = object::kind(object) == "Secret" && object::api_version(object) == "v1";
        let text = if is_secret { without_values(object).to_string() } else { object.to_string() };
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// A Secret without its values.
fn without_values(secret: &Value) -> Value {
    let mut secret = secret.clone();
    for field in ["data", "stringData"] {
        let values = secret.get_mut(field).and_then(Value::as_object_mut);
        values.into_iter().flat_map(|values| values.values_mut()).for_each(|value| *value = Value::Null);
    }
    secret
}

/// Notes an attempt: with the set if the same became of it before, as a new one otherwise. The newest is the first.
pub(super) fn note(history: &mut Vec<Snapshot>, attempt: &Attempt<'_>) {
    let is_same =
        |known: &Snapshot| known.digest == attempt.digest && known.last_reconciled_status == attempt.reason;
    let known = history.iter().position(is_same).map(|at| history.remove(at));
    let (first, times) = match known {
        Some(known) => (known.first_reconciled, known.total_reconciliations),
        None => (attempt.at.into(), 0),
    };
    let snapshot = Snapshot {
        digest: attempt.digest.to_owned(),
        first_reconciled: first,
        last_reconciled: attempt.at.into(),
        last_reconciled_duration: shown_duration(attempt.took),
        last_reconciled_status: attempt.reason.to_owned(),
        total_reconciliations: times.saturating_add(1),
        metadata: BTreeMap::from([("revision".to_owned(), attempt.revision.to_owned())]),
    };
    history.insert(0, snapshot);
    history.truncate(MOST);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_set_is_the_first() {
        let mut history = Vec::new();
        let attempts =
            [("a", "Done"), ("b", "Done"), ("b", "Done"), ("c", "Failed"), ("c", "Done"), ("b", "Done")];
        for (seconds, (digest, reason)) in (0..).zip(attempts) {
            let at = Timestamp::from_second(seconds).unwrap_or_default();
            let took = Duration::from_micros(1500);
            note(&mut history, &Attempt { digest, revision: "main@sha1:1", reason, at, took });
        }
        let told: Vec<(&str, &str, i64)> = history
            .iter()
            .map(|one| (&*one.digest, &*one.last_reconciled_status, one.total_reconciliations))
            .collect();
        assert_eq!(told, [("b", "Done", 3), ("c", "Done", 1), ("c", "Failed", 1), ("a", "Done", 1)]);
        assert_eq!(history[0].first_reconciled.to_string(), "1970-01-01T00:00:01Z");
        assert_eq!(history[0].last_reconciled.to_string(), "1970-01-01T00:00:05Z");
        assert_eq!(history[0].last_reconciled_duration.to_string(), "1ms");
        for digest in ["d", "e", "f"] {
            let at = Timestamp::UNIX_EPOCH;
            note(&mut history, &Attempt { digest, revision: "", reason: "Done", at, took: Duration::ZERO });
        }
        assert_eq!(history.len(), 5);
    }

    #[test]
    fn what_a_secret_holds_is_not_in_the_digest() {
        let of = |kind: &str, value: &str| {
            digest([&json!({"apiVersion": "v1", "kind": kind, "stringData": {"a": value}})])
        };
        assert_eq!(of("Secret", "one"), of("Secret", "two"));
        assert_ne!(of("ConfigMap", "one"), of("ConfigMap", "two"));
    }
}
