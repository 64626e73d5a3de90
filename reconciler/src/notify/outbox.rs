//! Messages that are still to be sent, what is broken, and what was said a short while ago.
//!
//! All of it is in memory, and in a file so that it outlives this process.

mod broken;
mod log;
mod message;
mod pending;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use reconciler_core::notify::{Event, Severity};
use serde::{Deserialize, Serialize};

pub use broken::{Broken, Traits, object_of};
pub use message::{Message, Name};
pub use pending::Dropped;

use broken::BrokenObjects;
use log::Log;
use pending::Pending;

/// How long the same event is not sent again.
const QUIET: SignedDuration = SignedDuration::from_mins(5);

/// A change, as a line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    Add(u64, Box<Message>),
    Done(u64),
    Said(String, Timestamp),
    Broken(String, Box<Broken>),
    Mended(String),
    /// People were told of a cause by an alert.
    Told(Name, String, Timestamp),
    /// The cause is gone.
    Over(String),
    /// The alert was deleted.
    AlertGone(Name),
    /// The provider was deleted.
    ProviderGone(Name),
}

/// Messages that are still to be sent, what is broken, and what was said a short while ago.
pub struct Outbox {
    log: Log,
    pending: Pending,
    broken: BrokenObjects,
    /// When an event was said, by its key.
    said: BTreeMap<String, Timestamp>,
}

impl Outbox {
    /// Opens the outbox that a file keeps. Lines that cannot be read are left out.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut outbox = Outbox {
            log: Log::new(path),
            pending: Pending::default(),
            broken: BrokenObjects::default(),
            said: BTreeMap::new(),
        };
        let mut last = Arc::new(Event::default());
        Log::read(path, |mut line| {
            // The messages of an event were written one after the other.
            if let Line::Add(_, message) = &mut line {
                if message.event == last {
                    message.event = Arc::clone(&last);
                }
                last = Arc::clone(&message.event);
            }
            outbox.take(line);
        })?;
        outbox.rewrite();
        Ok(outbox)
    }

    /// Takes a change into memory.
    fn take(&mut self, line: Line) {
        match line {
            Line::Add(id, message) => self.pending.insert(id, *message),
            Line::Done(id) => {
                self.pending.remove(id);
            }
            Line::Said(key, at) => {
                self.said.insert(key, at);
            }
            Line::Broken(object, broken) => self.broken.insert(object, *broken),
            Line::Mended(object) => self.broken.remove(&object),
            Line::Told(alert, cause, at) => self.broken.tell(alert, cause, at),
            Line::Over(cause) => self.broken.remove_cause(&cause),
            Line::AlertGone(alert) => {
                self.pending.remove_alert(&alert);
                // A later alert with the same name has said nothing yet.
                self.broken.remove_alert(&alert);
            }
            Line::ProviderGone(provider) => {
                for message in self.pending.remove_provider(&provider) {
                    // Nobody was told of it.
                    if message.event.severity == Severity::Error {
                        self.broken.untell(&object_of(&message.event), &message.alert);
                    }
                }
            }
        }
    }

    /// Makes a change, on disk first if that is possible.
    fn change(&mut self, line: Line) -> io::Result<()> {
        self.log.append(&line)?;
        self.take(line);
        if self.log.is_due(self.pending.len() + self.broken.len() + self.said.len()) {
            self.rewrite();
        }
        Ok(())
    }

    /// Writes what is in memory only, if there is something and it can be written. Says why it cannot.
    pub fn flush(&mut self) -> Option<String> {
        if self.log.is_behind() {
            self.rewrite();
        }
        self.log.failure()
    }

    /// Rewrites the file without what is out of date, unless that has failed a moment ago.
    fn rewrite(&mut self) {
        if self.log.has_just_failed() {
            return;
        }
        let now = Timestamp::now();
        self.said.retain(|_, at| now.duration_since(*at) < QUIET);
        self.broken.expire(now);
        let said = self.said.iter().map(|(key, at)| Line::Said(key.clone(), *at));
        let broken = self
            .broken
            .iter()
            .map(|(object, broken)| Line::Broken(object.to_owned(), Box::new(broken.clone())));
        let told =
            self.broken.told().map(|(alert, cause, at)| Line::Told(alert.clone(), cause.to_owned(), at));
        let messages = self.pending.iter().map(|(id, message)| Line::Add(id, Box::new(message.clone())));
        self.log.rewrite(said.chain(broken).chain(told).chain(messages));
    }

    /// Adds a message. If its namespace has too many, or if they are too long together, the oldest of them are dropped.
    pub fn add(&mut self, message: Message) -> io::Result<()> {
        let namespace = message.provider.namespace.clone();
        self.change(Line::Add(self.pending.next_id(), Box::new(message)))?;
        while let Some(oldest) = self.pending.surplus(&namespace) {
            self.pending.note_dropped(oldest);
            self.done(&[oldest])?;
        }
        Ok(())
    }

    /// What was dropped because a namespace had too much, since this was asked last.
    pub fn take_dropped(&mut self) -> Vec<Dropped> {
        self.pending.take_dropped()
    }

    /// An alert was deleted: what it has not sent yet is dropped, and it has told nobody of anything.
    pub fn alert_gone(&mut self, alert: &Name) -> io::Result<()> {
        let is_known = self.pending.has_alert(alert) || self.broken.has_alert(alert);
        if is_known { self.change(Line::AlertGone(alert.clone())) } else { Ok(()) }
    }

    /// A provider was deleted: what it has not been sent yet is dropped. Returns whether that was anything.
    pub fn provider_gone(&mut self, provider: &Name) -> io::Result<bool> {
        let has_messages = self.pending(provider) > 0;
        if has_messages {
            self.change(Line::ProviderGone(provider.clone()))?;
        }
        Ok(has_messages)
    }

    /// Messages have been sent, or never will be.
    pub fn done(&mut self, ids: &[u64]) -> io::Result<()> {
        ids.iter().try_for_each(|id| self.change(Line::Done(*id)))
    }

    /// The oldest messages for a provider that are of one alert, at most this many, without some.
    pub fn first(&self, provider: &Name, most: usize, without: &BTreeSet<u64>) -> Vec<(u64, &Message)> {
        self.pending.first(provider, most, without)
    }

    /// The providers that there are messages for.
    pub fn providers(&self) -> Vec<Name> {
        self.pending.providers().cloned().collect()
    }

    /// How many messages are still to be sent to a provider.
    pub fn pending(&self, provider: &Name) -> usize {
        self.pending.count(provider)
    }

    /// Whether a message of an alert is still to be sent.
    pub fn has_message_of(&self, alert: &Name) -> bool {
        self.pending.has_alert(alert)
    }

    /// How many messages are still to be sent.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether nothing is left to send.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds the messages of an event, unless one with the same key was said a short while ago. If the event says that
    /// an object is broken, notes which alerts have said so.
    ///
    /// The messages are written before what keeps the event from being said again: if the process is killed in
    /// between, the next one repeats some of them, and loses none.
    pub fn say(
        &mut self,
        key: &str,
        broken: Option<&str>,
        messages: Vec<Message>,
        now: Timestamp,
    ) -> io::Result<()> {
        if self.said.get(key).is_some_and(|at| now.duration_since(*at) < QUIET) {
            return Ok(());
        }
        let alerts: Vec<Name> = messages.iter().map(|message| message.alert.clone()).collect();
        for message in messages {
            self.add(message)?;
        }
        if let Some(object) = broken {
            self.told(object, alerts)?;
        }
        self.change(Line::Said(key.to_owned(), now))
    }

    /// Notes that an object is broken, and why. What it was broken by first is kept.
    pub fn broke(&mut self, object: &str, broken: Broken) -> io::Result<()> {
        let Some(broken) = self.broken.with_causes(object, broken) else { return Ok(()) };
        self.change(Line::Broken(object.to_owned(), Box::new(broken)))
    }

    /// Whether people were told of a cause by an alert.
    pub fn is_told(&self, alert: &Name, cause: &str) -> bool {
        self.broken.is_told(alert, cause)
    }

    /// Notes that people were told of a cause.
    pub fn tell(&mut self, alert: &Name, cause: &str, now: Timestamp) -> io::Result<()> {
        self.change(Line::Told(alert.clone(), cause.to_owned(), now))
    }

    /// Notes that alerts have said that an object is broken.
    pub fn told(&mut self, object: &str, alerts: impl IntoIterator<Item = Name>) -> io::Result<()> {
        let Some(broken) = self.broken.with_told(object, alerts) else { return Ok(()) };
        self.change(Line::Broken(object.to_owned(), Box::new(broken)))
    }

    /// What is broken, by the object.
    pub fn broken(&self) -> impl Iterator<Item = (&str, &Broken)> {
        self.broken.iter()
    }

    /// What was noted of an object, if it is broken.
    pub fn broken_object(&self, object: &str) -> Option<&Broken> {
        self.broken.get(object)
    }

    /// Notes that an object is broken no more. Returns what was noted of it.
    pub fn mend(&mut self, object: &str) -> io::Result<Option<Broken>> {
        let Some(broken) = self.broken.get(object).cloned() else { return Ok(None) };
        self.change(Line::Mended(object.to_owned()))?;
        for cause in &broken.causes {
            if self.broken.is_over(cause) {
                self.change(Line::Over(cause.clone()))?;
            }
        }
        Ok(Some(broken))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use super::*;

    pub(super) fn message(provider: &str, text: &str) -> Message {
        let name = |name: &str| Name { namespace: "apps".to_owned(), name: name.to_owned() };
        let event = Arc::new(Event { message: text.to_owned(), ..Event::default() });
        Message { alert: name("alert"), provider: name(provider), event, added: Timestamp::UNIX_EPOCH }
    }

    pub(super) fn texts(outbox: &mut Outbox, provider: &str) -> io::Result<Vec<String>> {
        let provider = message(provider, "").provider;
        let mut texts = Vec::new();
        while let Some((id, message)) = outbox.first(&provider, 1, &BTreeSet::new()).pop() {
            texts.push(message.event.message.clone());
            outbox.done(&[id])?;
        }
        Ok(texts)
    }

    pub(super) fn broken_by(cause: &str) -> Broken {
        Broken {
            since: Timestamp::UNIX_EPOCH,
            event: Event::default(),
            traits: Traits::default(),
            told: BTreeSet::new(),
            causes: BTreeSet::from([cause.to_owned()]),
        }
    }

    #[test]
    fn messages_survive_in_their_order() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("outbox");
        let mut outbox = Outbox::open(&path)?;
        for number in 0..5_000 {
            outbox.add(message("slack", &number.to_string()))?;
            if number % 7 == 0 {
                outbox.add(message("other", &number.to_string()))?;
            }
        }
        for _ in 0..4_990 {
            let (id, _) = outbox
                .first(&message("slack", "").provider, 1, &BTreeSet::new())
                .pop()
                .ok_or(io::ErrorKind::NotFound)?;
            outbox.done(&[id])?;
        }
        drop(outbox);
        // A line that was not written to its end.
        OpenOptions::new().append(true).open(&path)?.write_all(b"{\"add\":[9999")?;
        let mut outbox = Outbox::open(&path)?;
        let wanted: Vec<String> = (4_990..5_000).map(|number: i32| number.to_string()).collect();
        assert_eq!(texts(&mut outbox, "slack")?, wanted);
        assert_eq!(outbox.providers(), [message("other", "").provider]);
        assert_eq!(texts(&mut outbox, "other")?.len(), 715);
        assert!(outbox.is_empty());
        Ok(())
    }

    #[test]
    fn messages_of_an_event_share_it() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("outbox");
        let one = message("slack", "1");
        let mut outbox = Outbox::open(&path)?;
        outbox.say("key", None, vec![one.clone(), message("slack", "1"), one.clone()], Timestamp::now())?;
        drop((outbox, one));
        let outbox = Outbox::open(&path)?;
        let event = outbox.pending.iter().next().map(|(_, message)| Arc::strong_count(&message.event));
        assert_eq!((outbox.len(), event), (3, Some(3)));
        Ok(())
    }

    /// What nobody has been told is news to whatever comes next under the same name.
    #[test]
    fn what_was_deleted_leaves_nothing() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("outbox");
        let now = Timestamp::now();
        let failure = |provider: &str| {
            let event = Event { severity: Severity::Error, ..Event::default() };
            Message { event: Arc::new(event), ..message(provider, "") }
        };
        let say = |outbox: &mut Outbox, key: &str| {
            let broken = broken_by("cause");
            let object = object_of(&broken.event);
            outbox.broke(&object, broken)?;
            outbox.say(key, Some(&object), vec![failure("slack")], now)
        };
        let told = |outbox: &Outbox| outbox.broken().map(|(_, broken)| broken.told.len()).sum::<usize>();
        let (alert, provider) = (failure("slack").alert, failure("slack").provider);
        let mut outbox = Outbox::open(&path)?;
        say(&mut outbox, "1")?;
        assert_eq!((outbox.len(), told(&outbox)), (1, 1));
        outbox.alert_gone(&alert)?;
        assert_eq!((outbox.len(), told(&outbox)), (0, 0));
        say(&mut outbox, "2")?;
        assert!(outbox.provider_gone(&provider)? && !outbox.provider_gone(&provider)?);
        for outbox in [&outbox, &Outbox::open(&path)?] {
            assert_eq!((outbox.len(), told(outbox), outbox.has_message_of(&alert)), (0, 0, false));
        }
        Ok(())
    }

    #[test]
    fn the_same_is_said_once_in_a_while() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("outbox");
        let now = Timestamp::now();
        Outbox::open(&path)?.say("key", None, vec![message("slack", "1")], now)?;
        let mut outbox = Outbox::open(&path)?;
        outbox.say("key", None, vec![message("slack", "2")], now + SignedDuration::from_mins(4))?;
        outbox.say("key", None, vec![message("slack", "3")], now + SignedDuration::from_mins(6))?;
        assert_eq!(texts(&mut outbox, "slack")?, ["1", "3"]);
        Ok(())
    }

    #[test]
    fn a_kill_loses_nothing() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("outbox");
        let now = Timestamp::now();
        let say = |outbox: &mut Outbox| {
            outbox.broke("object", broken_by("cause"))?;
            outbox.say("key", Some("object"), vec![message("slack", "1"), message("other", "1")], now)
        };
        say(&mut Outbox::open(&path)?)?;
        let text = std::fs::read(&path)?;
        let lines = text.split_inclusive(|byte| *byte == b'\n').count();
        assert_eq!(lines, 5);
        // The process is killed after each of the lines, and the next one says the event again.
        for kept in 0..=lines {
            let kept: Vec<u8> =
                text.split_inclusive(|byte| *byte == b'\n').take(kept).flatten().copied().collect();
            std::fs::write(&path, kept)?;
            let mut outbox = Outbox::open(&path)?;
            say(&mut outbox)?;
            let told = BTreeSet::from([message("slack", "").alert]);
            assert_eq!(outbox.broken_object("object").map(|broken| &broken.told), Some(&told));
            for provider in ["slack", "other"] {
                assert!(texts(&mut outbox, provider)?.contains(&"1".to_owned()));
            }
        }
        Ok(())
    }
}
