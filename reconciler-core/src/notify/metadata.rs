//! Metadata of events: what is dropped, and what an alert adds.

use std::collections::BTreeMap;

use reconciler_api::AlertSpec;

use super::Event;

/// The group of the annotations with which users add metadata to objects.
pub(super) const EVENT_GROUP: &str = "event.toolkit.fluxcd.io/";

/// Drops what is not meant to be read: keys of other groups, checksums and digests.
pub fn clean(event: &Event) -> Event {
    let prefix = event.prefix();
    let internal =
        |key: &str| key.strip_prefix(&*prefix).is_some_and(|key| matches!(key, "checksum" | "digest"));
    let mut event = event.clone();
    event
        .metadata
        .retain(|key, _| (key.starts_with(&*prefix) || key.starts_with(EVENT_GROUP)) && !internal(key));
    event
}

/// The metadata that a provider gets, and the keys that more than one source sets, with those sources.
///
/// The object's annotations give way to the alert's metadata, that to the alert's summary, and all of them
/// to what the controller says. Keys lose the group in front.
pub fn merge(
    event: &Event,
    alert: &AlertSpec,
) -> (BTreeMap<String, String>, BTreeMap<String, Vec<&'static str>>) {
    let mut metadata = BTreeMap::new();
    let mut sources: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    let mut set = |key: &str, value: &str, source: &'static str| {
        metadata.insert(key.to_owned(), value.to_owned());
        sources.entry(key.to_owned()).or_default().push(source);
    };
    let prefix = event.prefix();
    for (key, value) in &event.metadata {
        if let Some(key) = key.strip_prefix(EVENT_GROUP) {
            set(key, value, "involved object annotations");
        }
    }
    for (key, value) in &alert.event_metadata {
        set(key, value, "Alert object .spec.eventMetadata");
    }
    if let Some(summary) = alert.summary.as_deref().filter(|summary| !summary.is_empty()) {
        set("summary", summary, "Alert object .spec.summary");
    }
    for (key, value) in &event.metadata {
        // A token identifies the object's run to the controller; it is nobody else's business.
        if let Some(key) = key.strip_prefix(&*prefix).filter(|key| *key != "token") {
            set(key, value, "involved object controller metadata");
        }
    }
    sources.retain(|_, sources| sources.len() > 1);
    (metadata, sources)
}
