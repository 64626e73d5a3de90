//! What was delivered, and what was not: the status of alerts and providers.
//!
//! Flux's alerts and providers have no status. Where Flux's definitions are installed, none is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, Time};

/// What was delivered, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryStatus {
    /// The generation that this status was written for; -1 before the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Alert: whether its spec can be used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// How many messages were delivered since the process started.
    #[serde(default)]
    pub delivered: i64,
    /// How many events are still to be sent.
    #[serde(default)]
    pub pending: i64,
    /// What was delivered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_delivered: Option<Delivery>,
    /// What could not be delivered last, and why. Gone once the provider takes messages again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<Delivery>,
}

/// A message that was delivered, or that could not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// When.
    pub time: Time,
    /// What it was about: `Kustomization/apps/web`.
    pub object: String,
    /// The first line of the message.
    pub message: String,
    /// Why it could not be delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether it will be tried again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_tried_again: bool,
}
