//! Which message a provider gets next.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reconciler_core::notify::{Event, InvolvedObject, Severity, batch, cause};

use super::outbox::{Message, Name, Outbox};

/// How long a message for people waits for others that say the same.
const HOLD: Duration = Duration::from_secs(2);
/// How many events are looked at for one message.
const LOOKED_AT: usize = 1_000;

/// A message that is about to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The message.
    pub message: Message,
    /// For how long others that say the same are waited for before it is sent.
    pub held: Option<Duration>,
    /// The queued messages that it stands for.
    pub(super) ids: Vec<u64>,
    /// The causes that people are told of.
    pub(super) causes: Vec<String>,
}

impl Outbox {
    /// The next message for a provider that gets every event as it is, without some.
    pub fn next(&self, provider: &Name, without: &BTreeSet<u64>) -> Option<Outgoing> {
        let (id, message) = self.first(provider, 1, without).pop()?;
        Some(Outgoing { message: message.clone(), held: None, ids: vec![id], causes: Vec::new() })
    }

    /// The next message for a provider whose messages people read. Messages about causes that they know are dropped.
    pub fn next_for_people(
        &mut self,
        provider: &Name,
        without: &BTreeSet<u64>,
        now: Timestamp,
    ) -> io::Result<Option<Outgoing>> {
        loop {
            let queue = self.first(provider, LOOKED_AT, without);
            let is_known = |message: &Message| {
                message.event.severity == Severity::Error
                    && self.is_told(&message.alert, &cause(&message.event))
            };
            let (known, news): (Vec<_>, Vec<_>) =
                queue.into_iter().partition(|(_, message)| is_known(message));
            let known: Vec<u64> = known.into_iter().map(|(id, _)| id).collect();
            let outgoing = combined(&news, now);
            self.done(&known)?;
            if outgoing.is_some() || known.is_empty() {
                return Ok(outgoing);
            }
        }
    }

    /// Notes that a message will never be sent: nobody has been told what it says.
    pub fn give_up(&mut self, outgoing: &Outgoing) -> io::Result<()> {
        self.done(&outgoing.ids)
    }

    /// Notes that a message has been sent.
    pub fn sent(&mut self, outgoing: &Outgoing, now: Timestamp) -> io::Result<()> {
        outgoing.causes.iter().try_for_each(|cause| self.tell(&outgoing.message.alert, cause, now))?;
        self.done(&outgoing.ids)
    }
}

/// The start of a queue of one alert as one message.
fn combined(queue: &[(u64, &Message)], now: Timestamp) -> Option<Outgoing> {
    let (_, first) = queue.first()?;
    let alert = InvolvedObject {
        api_version: "notification.toolkit.fluxcd.io/v1beta3".to_owned(),
        kind: "Alert".to_owned(),
        name: first.alert.name.clone(),
        namespace: first.alert.namespace.clone(),
        ..InvolvedObject::default()
    };
    let events: Vec<&Event> = queue.iter().map(|(_, message)| &*message.event).collect();
    let batch = batch(&events, &alert)?;
    let age = now.duration_since(first.added).unsigned_abs();
    let is_error = batch.event.severity == Severity::Error;
    Some(Outgoing {
        ids: batch.taken.iter().filter_map(|index| queue.get(*index)).map(|(id, _)| *id).collect(),
        causes: if is_error { batch.causes } else { Vec::new() },
        held: HOLD.checked_sub(age).filter(|left| !left.is_zero()),
        message: Message { event: Arc::new(batch.event), ..(*first).clone() },
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::SignedDuration;

    use super::*;
    use crate::notify::{Broken, Traits};

    fn name(name: &str) -> Name {
        Name { namespace: "apps".to_owned(), name: name.to_owned() }
    }

    fn object(number: usize) -> InvolvedObject {
        let (kind, name) = ("Kustomization".to_owned(), format!("app-{number}"));
        InvolvedObject { kind, name, namespace: "apps".to_owned(), ..InvolvedObject::default() }
    }

    /// The provider was down, and the process ended many times while two thousand objects broke for
    /// a hundred reasons.
    #[test]
    fn a_burst_is_told_once_for_each_cause() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path: &Path = &directory.path().join("outbox");
        let (start, provider) = (Timestamp::now(), name("slack"));
        let mut outbox = Outbox::open(path)?;
        for number in 0..2_000 {
            let message = format!("reason {};", number % 100);
            let event = Event {
                involved_object: object(number),
                severity: Severity::Error,
                message,
                ..Event::default()
            };
            let causes = BTreeSet::from([cause(&event)]);
            let (traits, told) = (Traits::default(), BTreeSet::new());
            let broken = Broken { since: start, event: event.clone(), traits, told, causes };
            outbox.broke(&event.involved_object.name, broken)?;
            let event = Arc::new(event);
            outbox.add(Message { alert: name("alert"), provider: provider.clone(), event, added: start })?;
            if number % 500 == 0 {
                outbox = Outbox::open(path)?;
            }
        }
        let now = start + SignedDuration::from_hours(1);
        let mut texts = Vec::new();
        let mut attempts = 0;
        while let Some(outgoing) = outbox.next_for_people(&provider, &BTreeSet::new(), now)? {
            assert_eq!(outgoing.held, None);
            attempts += 1;
            if attempts % 3 == 0 {
                // It could not be sent, and the process ended.
                outbox = Outbox::open(path)?;
                continue;
            }
            outbox.sent(&outgoing, now)?;
            texts.push(outgoing.message.event.message.clone());
        }
        assert!(outbox.is_empty());
        let text = texts.join("\n");
        for reason in 0..100 {
            assert_eq!(text.matches(&format!("reason {reason};")).count(), 1, "{reason}");
        }
        assert!(texts.len() <= 10, "{} messages", texts.len());
        Ok(())
    }

    #[test]
    fn a_message_waits_for_others_that_say_the_same() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let mut outbox = Outbox::open(&directory.path().join("outbox"))?;
        let now = Timestamp::now();
        let event = Arc::new(Event { involved_object: object(1), ..Event::default() });
        outbox.add(Message { alert: name("alert"), provider: name("slack"), event, added: now })?;
        let held = |outbox: &mut Outbox, seconds| {
            let now = now + SignedDuration::from_secs(seconds);
            outbox
                .next_for_people(&name("slack"), &BTreeSet::new(), now)
                .map(|next| next.and_then(|next| next.held))
        };
        assert_eq!(held(&mut outbox, 0)?, Some(HOLD));
        assert_eq!(held(&mut outbox, 2)?, None);
        assert_eq!(outbox.next(&name("slack"), &BTreeSet::new()).and_then(|next| next.held), None);
        Ok(())
    }
}
