//! Messages that are still to be sent, what is broken, and what was said a short while ago.
//!
//! All of it is kept in a file to which a line is added for every change, and which is written anew when most
//! of its lines are out of date. What a crash of the machine cuts off is the last line at most.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use reconciler_core::notify::Event;
use serde::{Deserialize, Serialize};

/// How long the same event is not sent again.
const QUIET: SignedDuration = SignedDuration::from_mins(5);
/// How many lines may be out of date.
const SPARE_LINES: usize = 2_000;

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
    /// The event.
    pub event: Event,
}

/// Something that is broken, and has been said to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Broken {
    /// Since when.
    pub since: Timestamp,
    /// The first event that said so.
    pub event: Event,
    /// The labels of the object.
    pub labels: BTreeMap<String, String>,
    /// The alerts that have said so.
    #[serde(default)]
    pub told: BTreeSet<Name>,
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
}

/// Messages that are still to be sent, what is broken, and what was said a short while ago.
pub struct Outbox {
    path: PathBuf,
    file: File,
    lines: usize,
    next: u64,
    messages: BTreeMap<u64, Message>,
    broken: HashMap<String, Broken>,
    said: HashMap<String, Timestamp>,
}

impl Outbox {
    /// Opens the queue that a file keeps. Lines that cannot be read are left out.
    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut options = OpenOptions::new();
        options.create(true).append(true).read(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // Events can say what is nobody else's business.
            options.mode(0o600);
        }
        let file = options.open(path)?;
        let mut outbox = Outbox {
            path: path.to_owned(),
            file,
            lines: 0,
            next: 0,
            messages: BTreeMap::new(),
            broken: HashMap::new(),
            said: HashMap::new(),
        };
        let lines = BufReader::new(File::open(path)?);
        for line in lines.split(b'\n') {
            if let Ok(line) = serde_json::from_slice::<Line>(&line?) {
                outbox.take(line);
            }
        }
        outbox.rewrite()?;
        Ok(outbox)
    }

    /// Takes a change into memory.
    fn take(&mut self, line: Line) {
        match line {
            Line::Add(id, message) => {
                self.next = self.next.max(id + 1);
                self.messages.insert(id, *message);
            }
            Line::Done(id) => {
                self.messages.remove(&id);
            }
            Line::Said(key, at) => {
                self.said.insert(key, at);
            }
            Line::Broken(object, broken) => {
                self.broken.insert(object, *broken);
            }
            Line::Mended(object) => {
                self.broken.remove(&object);
            }
        }
    }

    /// Makes a change, on disk first.
    fn change(&mut self, line: Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        self.file.write_all(&text)?;
        self.lines += 1;
        self.take(line);
        let live = self.messages.len() + self.broken.len() + self.said.len();
        if self.lines > 2 * live + SPARE_LINES {
            self.rewrite()?;
        }
        Ok(())
    }

    /// Writes the file anew, without what is out of date.
    fn rewrite(&mut self) -> io::Result<()> {
        let now = Timestamp::now();
        self.said.retain(|_, at| now.duration_since(*at) < QUIET);
        let parent = self.path.parent().unwrap_or(Path::new("."));
        let mut new = tempfile::NamedTempFile::new_in(parent)?;
        let mut said: Vec<_> = self.said.iter().collect();
        said.sort();
        let mut broken: Vec<_> = self.broken.iter().collect();
        broken.sort_by_key(|(object, _)| *object);
        let said = said.into_iter().map(|(key, at)| Line::Said(key.clone(), *at));
        let broken =
            broken.into_iter().map(|(object, broken)| Line::Broken(object.clone(), Box::new(broken.clone())));
        let messages = self.messages.iter().map(|(id, message)| Line::Add(*id, Box::new(message.clone())));
        self.lines = 0;
        for line in said.chain(broken).chain(messages) {
            let mut text = serde_json::to_vec(&line)?;
            text.push(b'\n');
            new.write_all(&text)?;
            self.lines += 1;
        }
        new.as_file().sync_all()?;
        new.persist(&self.path).map_err(|error| error.error)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        Ok(())
    }

    /// Adds a message.
    pub fn add(&mut self, message: Message) -> io::Result<()> {
        self.change(Line::Add(self.next, Box::new(message)))
    }

    /// A message has been sent, or never will be.
    pub fn done(&mut self, id: u64) -> io::Result<()> {
        self.change(Line::Done(id))
    }

    /// The oldest message for a provider.
    pub fn first(&self, provider: &Name) -> Option<(u64, &Message)> {
        let mut messages = self.messages.iter().filter(|(_, message)| message.provider == *provider);
        messages.next().map(|(id, message)| (*id, message))
    }

    /// The providers that there are messages for.
    pub fn providers(&self) -> Vec<Name> {
        let mut providers: Vec<Name> =
            self.messages.values().map(|message| message.provider.clone()).collect();
        providers.sort();
        providers.dedup();
        providers
    }

    /// How many messages are still to be sent.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether nothing is left to send.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Notes that something with this key is said now. Nothing is noted if it was said a short while ago.
    pub fn say(&mut self, key: &str, now: Timestamp) -> io::Result<bool> {
        if self.said.get(key).is_some_and(|at| now.duration_since(*at) < QUIET) {
            return Ok(false);
        }
        self.change(Line::Said(key.to_owned(), now))?;
        Ok(true)
    }

    /// Notes that an object is broken, unless it was so already.
    pub fn broke(&mut self, object: &str, broken: Broken) -> io::Result<()> {
        if self.broken.contains_key(object) {
            return Ok(());
        }
        self.change(Line::Broken(object.to_owned(), Box::new(broken)))
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

    /// Takes what was noted of an object that is broken no more.
    pub fn mend(&mut self, object: &str) -> io::Result<Option<Broken>> {
        let Some(broken) = self.broken.get(object).cloned() else { return Ok(None) };
        self.change(Line::Mended(object.to_owned()))?;
        Ok(Some(broken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(provider: &str, text: &str) -> Message {
        let name = |name: &str| Name { namespace: "apps".to_owned(), name: name.to_owned() };
        let event = Event { message: text.to_owned(), ..Event::default() };
        Message { alert: name("alert"), provider: name(provider), event }
    }

    fn texts(outbox: &mut Outbox, provider: &str) -> io::Result<Vec<String>> {
        let provider = message(provider, "").provider;
        let mut texts = Vec::new();
        while let Some((id, message)) = outbox.first(&provider) {
            texts.push(message.event.message.clone());
            outbox.done(id)?;
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
            let (id, _) = outbox.first(&message("slack", "").provider).ok_or(io::ErrorKind::NotFound)?;
            outbox.done(id)?;
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
    fn the_same_is_said_once_in_a_while() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("outbox");
        let now = Timestamp::now();
        assert!(Outbox::open(&path)?.say("key", now)?);
        let mut outbox = Outbox::open(&path)?;
        assert!(!outbox.say("key", now + SignedDuration::from_mins(4))?);
        assert!(outbox.say("key", now + SignedDuration::from_mins(6))?);
        Ok(())
    }

    #[test]
    fn the_first_failure_counts_until_it_is_mended() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("outbox");
        let broken = |second| Broken {
            since: Timestamp::from_second(second).unwrap_or_default(),
            event: Event::default(),
            labels: BTreeMap::new(),
            told: BTreeSet::new(),
        };
        let mut outbox = Outbox::open(&path)?;
        outbox.broke("Kustomization/apps/x", broken(1))?;
        outbox.broke("Kustomization/apps/x", broken(2))?;
        let alert = message("slack", "").alert;
        outbox.told("Kustomization/apps/x", [alert.clone()])?;
        outbox.told("Kustomization/apps/y", [alert.clone()])?;
        drop(outbox);
        let mut outbox = Outbox::open(&path)?;
        let wanted = Broken { told: BTreeSet::from([alert]), ..broken(1) };
        assert_eq!(outbox.mend("Kustomization/apps/x")?, Some(wanted));
        assert_eq!(outbox.mend("Kustomization/apps/x")?, None);
        Ok(())
    }
}
