//! Messages that are still to be sent, what is broken, and what was said a short while ago.
//!
//! All of it is kept in a file to which a line is added for every change, and which is written anew when most
//! of its lines are out of date. What a crash of the machine cuts off is the last line at most. While the file cannot be
//! written, because the disk is full for example, all of it is in memory, and is written as soon as that is possible.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reconciler_core::notify::{Event, Severity};
use serde::{Deserialize, Serialize};

/// How long the same event is not sent again.
const QUIET: SignedDuration = SignedDuration::from_mins(5);
/// How many lines may be out of date.
const SPARE_LINES: usize = 2_000;
/// How long it is known that people were told of a cause, if nothing says before that it is gone.
const TOLD: SignedDuration = SignedDuration::from_hours(24);
/// The pause before the file is written anew after that has failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How many messages are kept for the providers of a namespace, and how many bytes they may take in the file.
const MOST_MESSAGES: usize = 50_000;
const MOST_BYTES: usize = 32 << 20;
/// What a line of the file takes beside the event's texts, in bytes, more or less.
const LINE: usize = 500;
/// How many causes are noted of one object.
const MOST_CAUSES: usize = 100;

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
    /// What it takes in the file, in bytes, more or less.
    fn size(&self) -> usize {
        let metadata = self.event.metadata.iter().map(|(name, value)| name.len() + value.len());
        LINE + self.event.message.len() + metadata.sum::<usize>()
    }
}

/// How an object is named in notes of what is broken.
pub fn object_of(event: &Event) -> String {
    let object = &event.involved_object;
    format!("{}/{}/{}", object.kind, object.namespace, object.name)
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

/// Messages that were dropped because a namespace has too many.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropped {
    /// How many.
    pub count: usize,
    /// The last of them.
    pub last: Message,
}

/// What an object has that decides which alerts take its events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traits {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The namespaces that its owner allows to refer to it, as its annotation lists them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
}

/// Something that is broken, and has been said to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Broken {
    /// Since when.
    pub since: Timestamp,
    /// The first event that said so.
    pub event: Event,
    /// What decides which alerts take it.
    #[serde(flatten)]
    pub traits: Traits,
    /// The alerts that have said so.
    #[serde(default)]
    pub told: BTreeSet<Name>,
    /// All causes that were named for it.
    #[serde(default)]
    pub causes: BTreeSet<String>,
}

/// A line of the file.
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

/// The messages for the providers of a namespace.
#[derive(Default)]
struct Load {
    ids: BTreeSet<u64>,
    bytes: usize,
}

/// Messages that are still to be sent, what is broken, and what was said a short while ago.
pub struct Outbox {
    path: PathBuf,
    /// Nothing while the file does not have everything.
    file: Option<File>,
    /// When the file could not be written last, and why.
    failure: Option<(Instant, io::Error)>,
    lines: usize,
    next: u64,
    messages: BTreeMap<u64, Message>,
    /// The messages for each provider.
    queues: BTreeMap<Name, BTreeSet<u64>>,
    /// The messages of each alert.
    alerts: HashMap<Name, BTreeSet<u64>>,
    namespaces: HashMap<String, Load>,
    /// By alert and provider, what was dropped since somebody asked.
    dropped: BTreeMap<(Name, Name), Dropped>,
    broken: HashMap<String, Broken>,
    /// How many objects are broken by a cause.
    causes: HashMap<String, usize>,
    said: HashMap<String, Timestamp>,
    /// By cause, the alerts that people were told by.
    told: HashMap<String, BTreeMap<Name, Timestamp>>,
}

impl Outbox {
    /// Opens the queue that a file keeps. Lines that cannot be read are left out.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut outbox = Outbox {
            path: path.to_owned(),
            file: None,
            failure: None,
            lines: 0,
            next: 0,
            messages: BTreeMap::new(),
            queues: BTreeMap::new(),
            alerts: HashMap::new(),
            namespaces: HashMap::new(),
            dropped: BTreeMap::new(),
            broken: HashMap::new(),
            causes: HashMap::new(),
            said: HashMap::new(),
            told: HashMap::new(),
        };
        match File::open(path) {
            Ok(file) => {
                let mut last = Arc::new(Event::default());
                for line in BufReader::new(file).split(b'\n') {
                    if let Ok(mut line) = serde_json::from_slice::<Line>(&line?) {
                        // The messages of an event were written one after the other.
                        if let Line::Add(_, message) = &mut line {
                            if message.event == last {
                                message.event = Arc::clone(&last);
                            }
                            last = Arc::clone(&message.event);
                        }
                        outbox.take(line);
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        outbox.try_rewrite();
        Ok(outbox)
    }

    /// Takes a change into memory.
    fn take(&mut self, line: Line) {
        match line {
            Line::Add(id, message) => {
                self.next = self.next.max(id + 1);
                self.queues.entry(message.provider.clone()).or_default().insert(id);
                self.alerts.entry(message.alert.clone()).or_default().insert(id);
                let load = self.namespaces.entry(message.provider.namespace.clone()).or_default();
                load.ids.insert(id);
                load.bytes += message.size();
                self.messages.insert(id, *message);
            }
            Line::Done(id) => {
                self.remove(id);
            }
            Line::Said(key, at) => {
                self.said.insert(key, at);
            }
            Line::Broken(object, broken) => {
                for cause in &broken.causes {
                    *self.causes.entry(cause.clone()).or_default() += 1;
                }
                let old = self.broken.insert(object, *broken);
                self.release(old);
            }
            Line::Mended(object) => {
                let old = self.broken.remove(&object);
                self.release(old);
            }
            Line::Told(alert, cause, at) => {
                self.told.entry(cause).or_default().insert(alert, at);
            }
            Line::Over(cause) => {
                self.told.remove(&cause);
            }
            Line::AlertGone(alert) => {
                for id in self.alerts.get(&alert).cloned().unwrap_or_default() {
                    self.remove(id);
                }
                // One with the same name that comes later has said nothing yet.
                self.broken.values_mut().for_each(|broken| {
                    broken.told.remove(&alert);
                });
                self.told.values_mut().for_each(|alerts| {
                    alerts.remove(&alert);
                });
            }
            Line::ProviderGone(provider) => {
                for id in self.queues.get(&provider).cloned().unwrap_or_default() {
                    // Nobody was told of it.
                    if let Some(message) = self.remove(id)
                        && message.event.severity == Severity::Error
                        && let Some(broken) = self.broken.get_mut(&object_of(&message.event))
                    {
                        broken.told.remove(&message.alert);
                    }
                }
            }
        }
    }

    /// Takes a message out of memory.
    fn remove(&mut self, id: u64) -> Option<Message> {
        let message = self.messages.remove(&id)?;
        if let Some(queue) = self.queues.get_mut(&message.provider) {
            queue.remove(&id);
            if queue.is_empty() {
                self.queues.remove(&message.provider);
            }
        }
        if let Some(own) = self.alerts.get_mut(&message.alert) {
            own.remove(&id);
            if own.is_empty() {
                self.alerts.remove(&message.alert);
            }
        }
        if let Some(load) = self.namespaces.get_mut(&message.provider.namespace) {
            load.ids.remove(&id);
            load.bytes = load.bytes.saturating_sub(message.size());
            if load.ids.is_empty() {
                self.namespaces.remove(&message.provider.namespace);
            }
        }
        Some(message)
    }

    /// Counts an object out of its causes.
    fn release(&mut self, broken: Option<Broken>) {
        for cause in broken.into_iter().flat_map(|broken| broken.causes) {
            if let Some(count) = self.causes.get_mut(&cause) {
                *count -= 1;
                if *count == 0 {
                    self.causes.remove(&cause);
                }
            }
        }
    }

    /// Makes a change, on disk first if that is possible.
    fn change(&mut self, line: Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(&text)
        {
            // The end of the file may be half a line now: only a new file can have this change.
            self.file = None;
            self.failure = Some((Instant::now(), error));
        }
        self.lines += 1;
        self.take(line);
        let live = self.messages.len() + self.broken.len() + self.said.len() + self.told.len();
        if self.file.is_none() || self.lines > 2 * live + SPARE_LINES {
            self.try_rewrite();
        }
        Ok(())
    }

    /// Writes what is in memory only, if there is something and it can be written. Says why it cannot.
    pub fn flush(&mut self) -> Option<String> {
        if self.file.is_none() || self.failure.is_some() {
            self.try_rewrite();
        }
        let (_, error) = self.failure.as_ref()?;
        Some(format!("{}: {error}", self.path.display()))
    }

    /// Writes the file anew, unless that has failed a moment ago.
    fn try_rewrite(&mut self) {
        if self.failure.as_ref().is_some_and(|(at, _)| at.elapsed() < PAUSE) {
            return;
        }
        self.failure = self.rewrite().err().map(|error| (Instant::now(), error));
    }

    /// Writes the file anew, without what is out of date.
    fn rewrite(&mut self) -> io::Result<()> {
        let now = Timestamp::now();
        self.said.retain(|_, at| now.duration_since(*at) < QUIET);
        self.told.retain(|_, alerts| {
            alerts.retain(|_, at| now.duration_since(*at) < TOLD);
            !alerts.is_empty()
        });
        let parent = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent)?;
        // Only its owner can read it: events can say what is nobody else's business.
        let mut new = tempfile::NamedTempFile::new_in(parent)?;
        let mut said: Vec<_> = self.said.iter().collect();
        said.sort();
        let mut broken: Vec<_> = self.broken.iter().collect();
        broken.sort_by_key(|(object, _)| *object);
        let mut told: Vec<_> = self.told.iter().collect();
        told.sort();
        let told = told.into_iter().flat_map(|(cause, alerts)| {
            alerts.iter().map(|(alert, at)| Line::Told(alert.clone(), cause.clone(), *at))
        });
        let said = said.into_iter().map(|(key, at)| Line::Said(key.clone(), *at));
        let broken =
            broken.into_iter().map(|(object, broken)| Line::Broken(object.clone(), Box::new(broken.clone())));
        let messages = self.messages.iter().map(|(id, message)| Line::Add(*id, Box::new(message.clone())));
        let mut lines = 0;
        for line in said.chain(broken).chain(told).chain(messages) {
            let mut text = serde_json::to_vec(&line)?;
            text.push(b'\n');
            new.write_all(&text)?;
            lines += 1;
        }
        new.as_file().sync_all()?;
        new.persist(&self.path).map_err(|error| error.error)?;
        // What was open until now is no longer the file.
        self.file = None;
        self.file = Some(OpenOptions::new().append(true).open(&self.path)?);
        self.lines = lines;
        Ok(())
    }

    /// Adds a message. If its namespace has too many, or if they are too long together, the oldest of them are dropped.
    pub fn add(&mut self, message: Message) -> io::Result<()> {
        let namespace = message.provider.namespace.clone();
        self.change(Line::Add(self.next, Box::new(message)))?;
        while let Some(load) = self.namespaces.get(&namespace)
            && (load.ids.len() > MOST_MESSAGES || load.bytes > MOST_BYTES)
            && let Some(oldest) = load.ids.first().copied()
        {
            if let Some(last) = self.messages.get(&oldest).cloned() {
                let names = (last.alert.clone(), last.provider.clone());
                let count = self.dropped.get(&names).map_or(0, |dropped| dropped.count) + 1;
                self.dropped.insert(names, Dropped { count, last });
            }
            self.done(&[oldest])?;
        }
        Ok(())
    }

    /// What was dropped because a namespace had too much, since this was asked last.
    pub fn take_dropped(&mut self) -> Vec<Dropped> {
        std::mem::take(&mut self.dropped).into_values().collect()
    }

    /// An alert was deleted: what it has not sent yet is dropped, and it has told nobody of anything.
    pub fn alert_gone(&mut self, alert: &Name) -> io::Result<()> {
        let is_known = self.alerts.contains_key(alert)
            || self.broken.values().any(|broken| broken.told.contains(alert))
            || self.told.values().any(|alerts| alerts.contains_key(alert));
        if is_known { self.change(Line::AlertGone(alert.clone())) } else { Ok(()) }
    }

    /// A provider was deleted: what it has not been sent yet is dropped. Returns whether that was anything.
    pub fn provider_gone(&mut self, provider: &Name) -> io::Result<bool> {
        let has_messages = self.queues.contains_key(provider);
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
        let queue = self.queues.get(provider).into_iter().flatten().filter(|id| !without.contains(id));
        let mut messages = queue.filter_map(|id| Some((*id, self.messages.get(id)?))).take(most).peekable();
        let Some(alert) = messages.peek().map(|(_, message)| message.alert.clone()) else {
            return Vec::new();
        };
        messages.filter(|(_, message)| message.alert == alert).collect()
    }

    /// The providers that there are messages for.
    pub fn providers(&self) -> Vec<Name> {
        self.queues.keys().cloned().collect()
    }

    /// How many messages are still to be sent to a provider.
    pub fn pending(&self, provider: &Name) -> usize {
        self.queues.get(provider).map_or(0, BTreeSet::len)
    }

    /// Whether a message of an alert is still to be sent.
    pub fn has_message_of(&self, alert: &Name) -> bool {
        self.alerts.contains_key(alert)
    }

    /// How many messages are still to be sent.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether nothing is left to send.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
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
        let broken = match self.broken.get(object) {
            Some(known) if known.causes.len() >= MOST_CAUSES || known.causes.is_superset(&broken.causes) => {
                return Ok(());
            }
            Some(known) => Broken { causes: &known.causes | &broken.causes, ..known.clone() },
            None => broken,
        };
        self.change(Line::Broken(object.to_owned(), Box::new(broken)))
    }

    /// Whether people were told of a cause by an alert.
    pub fn is_told(&self, alert: &Name, cause: &str) -> bool {
        self.told.get(cause).is_some_and(|alerts| alerts.contains_key(alert))
    }

    /// Notes that people were told of a cause.
    pub fn tell(&mut self, alert: &Name, cause: &str, now: Timestamp) -> io::Result<()> {
        self.change(Line::Told(alert.clone(), cause.to_owned(), now))
    }

    /// Notes that alerts have said that an object is broken.
    pub fn told(&mut self, object: &str, alerts: impl IntoIterator<Item = Name>) -> io::Result<()> {
        let Some(mut broken) = self.broken.get(object).cloned() else { return Ok(()) };
        let before = broken.told.len();
        broken.told.extend(alerts);
        if broken.told.len() == before {
            return Ok(());
        }
        self.change(Line::Broken(object.to_owned(), Box::new(broken)))
    }

    /// What is broken, by the object, in no order.
    pub fn broken(&self) -> impl Iterator<Item = (&str, &Broken)> {
        self.broken.iter().map(|(object, broken)| (object.as_str(), broken))
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
            if !self.causes.contains_key(cause) && self.told.contains_key(cause) {
                self.change(Line::Over(cause.clone()))?;
            }
        }
        Ok(Some(broken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(provider: &str, text: &str) -> Message {
        let name = |name: &str| Name { namespace: "apps".to_owned(), name: name.to_owned() };
        let event = Arc::new(Event { message: text.to_owned(), ..Event::default() });
        Message { alert: name("alert"), provider: name(provider), event, added: Timestamp::UNIX_EPOCH }
    }

    fn texts(outbox: &mut Outbox, provider: &str) -> io::Result<Vec<String>> {
        let provider = message(provider, "").provider;
        let mut texts = Vec::new();
        while let Some((id, message)) = outbox.first(&provider, 1, &BTreeSet::new()).pop() {
            texts.push(message.event.message.clone());
            outbox.done(&[id])?;
        }
        Ok(texts)
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

    #[test]
    fn messages_of_an_event_share_it() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("outbox");
        let one = message("slack", "1");
        let mut outbox = Outbox::open(&path)?;
        outbox.say("key", None, vec![one.clone(), message("slack", "1"), one.clone()], Timestamp::now())?;
        drop((outbox, one));
        let outbox = Outbox::open(&path)?;
        let event = outbox.messages.values().next().map(|message| Arc::strong_count(&message.event));
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
            let causes = BTreeSet::from(["cause".to_owned()]);
            let (event, traits, told) = (Event::default(), Traits::default(), BTreeSet::new());
            let object = object_of(&event);
            outbox.broke(&object, Broken { since: now, event, traits, told, causes })?;
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

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_full_disk_does_not_take_is_written_later() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let place = directory.path().join("data");
        let path = place.join("outbox");
        let mut outbox = Outbox::open(&path)?;
        outbox.add(message("slack", "1"))?;
        assert_eq!(outbox.flush(), None);
        // A device that takes nothing, and a directory in which no new file can be made, as on a full disk.
        outbox.file = Some(OpenOptions::new().write(true).open("/dev/full")?);
        let away = directory.path().join("away");
        std::fs::rename(&place, &away)?;
        std::fs::write(&place, "")?;
        outbox.add(message("slack", "2"))?;
        outbox.add(message("slack", "3"))?;
        let why = outbox.flush().unwrap_or_default();
        assert!(why.starts_with(&*path.display().to_string()), "{why}");
        assert_eq!(outbox.len(), 3);
        std::fs::remove_file(&place)?;
        std::fs::rename(&away, &place)?;
        std::thread::sleep(PAUSE);
        assert_eq!(outbox.flush(), None);
        outbox.add(message("slack", "4"))?;
        drop(outbox);
        assert_eq!(texts(&mut Outbox::open(&path)?, "slack")?, ["1", "2", "3", "4"]);
        Ok(())
    }

    #[test]
    fn a_kill_loses_nothing() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("outbox");
        let now = Timestamp::now();
        let broken = Broken {
            since: now,
            event: Event::default(),
            traits: Traits::default(),
            told: BTreeSet::new(),
            causes: BTreeSet::from(["cause".to_owned()]),
        };
        let say = |outbox: &mut Outbox| {
            outbox.broke("object", broken.clone())?;
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

    #[test]
    fn the_first_failure_counts_until_it_is_mended() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("outbox");
        let broken = |second| Broken {
            since: Timestamp::from_second(second).unwrap_or_default(),
            event: Event::default(),
            traits: Traits::default(),
            told: BTreeSet::new(),
            causes: BTreeSet::from([format!("cause {second}")]),
        };
        let mut outbox = Outbox::open(&path)?;
        outbox.broke("Kustomization/apps/x", broken(1))?;
        outbox.broke("Kustomization/apps/x", broken(2))?;
        let alert = message("slack", "").alert;
        outbox.told("Kustomization/apps/x", [alert.clone()])?;
        outbox.told("Kustomization/apps/y", [alert.clone()])?;
        drop(outbox);
        let mut outbox = Outbox::open(&path)?;
        let causes = BTreeSet::from(["cause 1".to_owned(), "cause 2".to_owned()]);
        let wanted = Broken { told: BTreeSet::from([alert]), causes, ..broken(1) };
        assert_eq!(outbox.mend("Kustomization/apps/x")?, Some(wanted));
        assert_eq!(outbox.mend("Kustomization/apps/x")?, None);
        Ok(())
    }

    #[test]
    fn a_cause_is_over_when_nothing_is_broken_by_it() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("outbox");
        let now = Timestamp::now();
        let alert = message("slack", "").alert;
        let broken = || Broken {
            since: now,
            event: Event::default(),
            traits: Traits::default(),
            told: BTreeSet::new(),
            causes: BTreeSet::from(["cause".to_owned()]),
        };
        let mut outbox = Outbox::open(&path)?;
        outbox.broke("a", broken())?;
        outbox.broke("b", broken())?;
        outbox.tell(&alert, "cause", now)?;
        outbox.mend("a")?;
        let mut outbox = Outbox::open(&path)?;
        assert!(outbox.is_told(&alert, "cause"));
        outbox.mend("b")?;
        assert!(!outbox.is_told(&alert, "cause"));
        assert!(!Outbox::open(&path)?.is_told(&alert, "cause"));
        Ok(())
    }
}
