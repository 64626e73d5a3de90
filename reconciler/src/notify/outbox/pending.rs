//! The messages that are still to be sent, and how many a namespace may have.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::message::{Message, Name};

/// How many messages are kept for the providers of a namespace, and how many bytes they may take in the file.
const MOST_MESSAGES: usize = 50_000;
const MOST_BYTES: usize = 32 << 20;

/// Messages that were dropped because a namespace has too many.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropped {
    /// How many.
    pub count: usize,
    /// The last of them.
    pub last: Message,
}

/// The messages for the providers of a namespace.
#[derive(Default)]
struct Load {
    ids: BTreeSet<u64>,
    bytes: usize,
}

/// The messages that are still to be sent. Later ones have higher ids.
#[derive(Default)]
pub(super) struct Pending {
    next: u64,
    messages: BTreeMap<u64, Message>,
    by_provider: BTreeMap<Name, BTreeSet<u64>>,
    by_alert: HashMap<Name, BTreeSet<u64>>,
    /// By the namespace of the provider.
    by_namespace: HashMap<String, Load>,
    /// By alert and provider, what was dropped since somebody asked.
    dropped: BTreeMap<(Name, Name), Dropped>,
}

impl Pending {
    /// The id of the message that is added next.
    pub(super) fn next_id(&self) -> u64 {
        self.next
    }

    pub(super) fn insert(&mut self, id: u64, message: Message) {
        self.next = self.next.max(id + 1);
        self.by_provider.entry(message.provider.clone()).or_default().insert(id);
        self.by_alert.entry(message.alert.clone()).or_default().insert(id);
        let load = self.by_namespace.entry(message.provider.namespace.clone()).or_default();
        load.ids.insert(id);
        load.bytes += message.size();
        self.messages.insert(id, message);
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Message> {
        let message = self.messages.remove(&id)?;
        if let Some(ids) = self.by_provider.get_mut(&message.provider) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_provider.remove(&message.provider);
            }
        }
        if let Some(ids) = self.by_alert.get_mut(&message.alert) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_alert.remove(&message.alert);
            }
        }
        if let Some(load) = self.by_namespace.get_mut(&message.provider.namespace) {
            load.ids.remove(&id);
            load.bytes = load.bytes.saturating_sub(message.size());
            if load.ids.is_empty() {
                self.by_namespace.remove(&message.provider.namespace);
            }
        }
        Some(message)
    }

    /// Removes the messages of an alert.
    pub(super) fn remove_alert(&mut self, alert: &Name) {
        for id in self.by_alert.get(alert).cloned().unwrap_or_default() {
            self.remove(id);
        }
    }

    /// Removes the messages for a provider, and returns them.
    pub(super) fn remove_provider(&mut self, provider: &Name) -> Vec<Message> {
        let ids = self.by_provider.get(provider).cloned().unwrap_or_default();
        ids.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    /// The oldest message for the providers of a namespace, if there are too many or if they are too long together.
    pub(super) fn surplus(&self, namespace: &str) -> Option<u64> {
        let load = self.by_namespace.get(namespace)?;
        let is_too_much = load.ids.len() > MOST_MESSAGES || load.bytes > MOST_BYTES;
        load.ids.first().copied().filter(|_| is_too_much)
    }

    /// Counts a message as dropped.
    pub(super) fn note_dropped(&mut self, id: u64) {
        if let Some(last) = self.messages.get(&id).cloned() {
            let names = (last.alert.clone(), last.provider.clone());
            let count = self.dropped.get(&names).map_or(0, |dropped| dropped.count) + 1;
            self.dropped.insert(names, Dropped { count, last });
        }
    }

    /// What was dropped since this was asked last.
    pub(super) fn take_dropped(&mut self) -> Vec<Dropped> {
        std::mem::take(&mut self.dropped).into_values().collect()
    }

    /// The oldest messages for a provider that are of one alert, at most this many, without some.
    pub(super) fn first(
        &self,
        provider: &Name,
        most: usize,
        without: &BTreeSet<u64>,
    ) -> Vec<(u64, &Message)> {
        let ids = self.by_provider.get(provider).into_iter().flatten().filter(|id| !without.contains(id));
        let mut messages = ids.filter_map(|id| Some((*id, self.messages.get(id)?))).take(most).peekable();
        let Some(alert) = messages.peek().map(|(_, message)| message.alert.clone()) else {
            return Vec::new();
        };
        messages.filter(|(_, message)| message.alert == alert).collect()
    }

    /// The providers that there are messages for.
    pub(super) fn providers(&self) -> impl Iterator<Item = &Name> {
        self.by_provider.keys()
    }

    /// How many messages there are for a provider.
    pub(super) fn count(&self, provider: &Name) -> usize {
        self.by_provider.get(provider).map_or(0, BTreeSet::len)
    }

    /// Whether there is a message of an alert.
    pub(super) fn has_alert(&self, alert: &Name) -> bool {
        self.by_alert.contains_key(alert)
    }

    /// All messages with their ids, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Message)> {
        self.messages.iter().map(|(id, message)| (*id, message))
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use super::*;
    use crate::notify::Outbox;
    use crate::notify::outbox::tests::{message, texts};

    /// Another namespace loses nothing.
    #[test]
    fn a_namespace_has_no_more_than_its_share() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let mut outbox = Outbox::open(&directory.path().join("outbox"))?;
        let mut other = message("other", "other");
        other.provider.namespace = "other".to_owned();
        outbox.add(other.clone())?;
        let event = message("slack", &"x".repeat(MOST_BYTES / 100)).event;
        for _ in 0..150 {
            outbox.add(Message { event: Arc::clone(&event), ..message("slack", "") })?;
        }
        outbox.add(message("slack", "last"))?;
        let pending = outbox.pending(&message("slack", "").provider);
        assert!((90..=100).contains(&pending), "{pending}");
        let dropped = outbox.take_dropped();
        let [dropped] = &dropped[..] else { panic!("{} kinds were dropped", dropped.len()) };
        assert_eq!((dropped.count, &dropped.last.provider.name[..]), (151 - pending, "slack"));
        assert!(outbox.take_dropped().is_empty());
        assert_eq!(texts(&mut outbox, "slack")?.last().map(String::as_str), Some("last"));
        assert_eq!(outbox.pending(&other.provider), 1);
        Ok(())
    }
}
