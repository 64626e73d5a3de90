//! What builds ask of a host, and what they are told.

use std::hash::{BuildHasher, Hash};
use std::sync::Mutex;

use foldhash::fast::RandomState;

use super::{Generation, locked};
use crate::collections::IndexMap;
use crate::host::{EntryKind, Host, HostError, path};

/// A question to a host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Ask {
    /// The content of a file.
    Read(Box<str>),
    /// A path with its links resolved.
    Resolve(Box<str>),
    /// What stands at a path.
    Kind(Box<str>),
    /// What is in a directory.
    List(Box<str>),
    /// An environment variable.
    Environment(Box<str>),
}

/// What a host says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// What is in a file, as a digest.
    Content(Result<Digest, HostError>),
    /// A path.
    Path(Result<Box<str>, HostError>),
    /// What stands there.
    Kind(Result<EntryKind, HostError>),
    /// Names in a directory.
    Names(Result<Vec<String>, HostError>),
    /// The value of a variable.
    Value(Option<Box<str>>),
}

/// Stands for a content. Two contents with the same digest are the same: it has 128 bits, and its
/// keys are drawn anew by every store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u64; 2], usize);

impl Answer {
    fn is_error(&self) -> bool {
        match self {
            Answer::Content(outcome) => outcome.is_err(),
            Answer::Path(outcome) => outcome.is_err(),
            Answer::Kind(outcome) => outcome.is_err(),
            Answer::Names(outcome) => outcome.is_err(),
            Answer::Value(_) => false,
        }
    }
}

impl Ask {
    /// The path, unless it is about a variable.
    pub(crate) fn path(&self) -> Option<&str> {
        match self {
            Ask::Read(path) | Ask::Resolve(path) | Ask::Kind(path) | Ask::List(path) => Some(path),
            Ask::Environment(_) => None,
        }
    }

    /// Whether the answer may be another one when something at a path has changed.
    pub(crate) fn is_touched_by(&self, changed: &str, answer: &Answer) -> bool {
        let Some(own) = self.path() else { return false };
        if own.len() >= changed.len() {
            return path::is_within(changed, own);
        }
        matches!(self, Ask::List(_)) && path::parent(changed) == own
            // A directory that was not there may be by now.
            || answer.is_error() && path::is_within(own, changed)
    }
}

/// What a host answered. Within one generation it is asked everything once.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    generation: Generation,
    answers: Mutex<IndexMap<Ask, (u64, Answer)>>,
    hashers: [RandomState; 2],
}

impl Memo {
    /// The present generation.
    pub(crate) fn now(&self) -> u64 {
        self.generation.now()
    }

    /// From now on, everything may be another than it was.
    pub(crate) fn distrust(&self) {
        self.generation.pass();
    }

    /// From now on, what stands at these paths may be another than it was.
    pub(crate) fn forget(&self, changed: &[String]) {
        locked(&self.answers)
            .retain(|ask, (_, answer)| !changed.iter().any(|changed| ask.is_touched_by(changed, answer)));
    }

    /// An answer of this generation or a later one, if there is one.
    pub(crate) fn known(&self, ask: &Ask, since: u64) -> Option<Answer> {
        let answers = locked(&self.answers);
        answers.get(ask).filter(|(generation, _)| *generation >= since).map(|(_, answer)| answer.clone())
    }

    /// Notes an answer. Its generation is the one in which the question was asked.
    pub(crate) fn note(&self, ask: Ask, answer: Answer, generation: u64) {
        locked(&self.answers).insert(ask, (generation, answer));
    }

    /// An answer of this generation or a later one; asks the host if there is none yet.
    pub(crate) fn ask(&self, ask: &Ask, host: &dyn Host, since: u64) -> Answer {
        if let Some(known) = self.known(ask, since) {
            return known;
        }
        let answer = self.ask_anew(ask, host);
        self.note(ask.clone(), answer.clone(), since);
        answer
    }

    /// Asks the host, whatever it said before.
    pub(crate) fn ask_anew(&self, ask: &Ask, host: &dyn Host) -> Answer {
        match ask {
            Ask::Read(path) => Answer::Content(host.read(path).map(|content| self.digest(&content))),
            Ask::Resolve(path) => Answer::Path(host.resolve(path).map(Into::into)),
            Ask::Kind(path) => Answer::Kind(host.kind(path)),
            Ask::List(path) => Answer::Names(host.list(path)),
            Ask::Environment(name) => Answer::Value(host.environment(name).map(Into::into)),
        }
    }

    /// The digest of a content.
    pub(crate) fn digest(&self, content: &[u8]) -> Digest {
        let [first, second] = &self.hashers;
        Digest([hash(first, content), hash(second, content)], content.len())
    }
}

fn hash(hasher: &impl BuildHasher, content: &[u8]) -> u64 {
    hasher.hash_one(content)
}
