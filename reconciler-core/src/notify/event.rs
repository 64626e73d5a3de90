//! What happened to an object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How bad it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It is good to know.
    #[default]
    Info,
    /// It needs somebody.
    Error,
}

/// The object that an event is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InvolvedObject {
    /// The group and version.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The namespace.
    pub namespace: String,
    /// The version of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    /// The object's identity.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
}

/// An event, in the form in which generic providers receive it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// What the event is about.
    pub involved_object: InvolvedObject,
    /// How bad it is.
    pub severity: Severity,
    /// When it happened.
    pub timestamp: String,
    /// What happened.
    pub message: String,
    /// What happened, in one word.
    pub reason: String,
    /// More about it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Who reports it.
    pub reporting_controller: String,
    /// Which process reports it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reporting_instance: String,
}

impl Event {
    /// The object as chat messages name it.
    pub(super) fn subject(&self) -> String {
        let object = &self.involved_object;
        format!("{}/{}.{}", object.kind.to_lowercase(), object.name, object.namespace)
    }

    /// The prefix of the metadata that controllers set.
    pub(super) fn prefix(&self) -> String {
        let group = self.involved_object.api_version.split('/').next().unwrap_or_default();
        format!("{group}/")
    }

    /// Whether the event is meant for commit statuses only.
    pub(super) fn is_commit_status_update(&self) -> bool {
        let key = self.prefix() + "commit_status";
        self.metadata.get(&key).is_some_and(|value| value == "update")
    }
}

/// What makes events the same for a while: the object, the message, and what it is about.
pub fn rate_limit_key(event: &Event) -> String {
    let object = &event.involved_object;
    let mut parts = vec![
        "event".to_owned(),
        format!("name={}", object.name),
        format!("namespace={}", object.namespace),
        format!("kind={}", object.kind),
        format!("message={}", event.message),
    ];
    for key in ["originRevision", "revision", "token"] {
        if let Some(value) = event.metadata.get(&(event.prefix() + key)) {
            parts.push(format!("{key}={value}"));
        }
    }
    let digest = Sha256::digest(parts.join("/").as_bytes());
    digest.iter().fold(String::new(), |key, byte| key + &format!("{byte:02x}"))
}
