//! A message: an event, the alert that sends it and the provider that it goes to.

use std::sync::Arc;

use jiff::Timestamp;
use reconciler_core::notify::Event;
use serde::{Deserialize, Serialize};

/// About how many bytes a line of the file takes besides the texts of the event.
const LINE: usize = 500;

/// Namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// An event that an alert sends to a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The alert.
    pub alert: Name,
    /// The provider.
    pub provider: Name,
    /// The event, which all messages of it share.
    #[serde(with = "shared")]
    pub event: Arc<Event>,
    /// When it was added.
    pub added: Timestamp,
}

impl Message {
    /// About how many bytes it takes in the file.
    pub(super) fn size(&self) -> usize {
        let metadata = self.event.metadata.iter().map(|(name, value)| name.len() + value.len());
        LINE + self.event.message.len() + metadata.sum::<usize>()
    }
}

/// An event that is shared in memory is written with each of its messages.
mod shared {
    use std::sync::Arc;

    use reconciler_core::notify::Event;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(event: &Arc<Event>, serializer: S) -> Result<S::Ok, S::Error> {
        event.as_ref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Event>, D::Error> {
        Event::deserialize(deserializer).map(Arc::new)
    }
}
