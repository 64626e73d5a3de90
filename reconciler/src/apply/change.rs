//! What happened to objects.

use std::fmt;

use reconciler_core::ssa::{ObjectId, refused_fields};

use super::order::Wanted;
use super::request::RequestError;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Created,
    /// It was changed.
    Configured,
    /// It was already up to date.
    Unchanged,
    /// It was left unchanged, as its annotation asks.
    Skipped,
    /// It was deleted.
    Deleted,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Action::Created => "created",
            Action::Configured => "configured",
            Action::Unchanged => "unchanged",
            Action::Skipped => "skipped",
            Action::Deleted => "deleted",
        })
    }
}

/// An object and what happened to it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The object.
    pub id: ObjectId,
    /// What happened.
    pub action: Action,
}

/// Objects could not be applied.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}\n{}{}", changes(.done), line(.hint.as_deref()))]
pub struct ApplyError {
    pub(super) message: String,
    /// A hint for the user.
    pub(super) hint: Option<String>,
    /// The object that the server refuses, and the fields that it names.
    pub refused: Option<Refused>,
    /// The objects that were changed before the error.
    pub done: Vec<Change>,
}

/// An object that a server refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The object.
    pub id: ObjectId,
    /// The paths of the fields that the server names, as it writes them.
    pub fields: Vec<String>,
}

impl ApplyError {
    /// An error that no object is to blame for.
    pub(crate) fn new(message: String, done: Vec<Change>) -> Self {
        ApplyError { message, hint: None, refused: None, done }
    }

    /// The same error with another hint.
    #[must_use]
    pub fn with_hint(self, hint: String) -> Self {
        ApplyError { hint: Some(hint), ..self }
    }
}

fn changes(done: &[Change]) -> String {
    let lines = done
        .iter()
        .filter(|change| !matches!(change.action, Action::Unchanged | Action::Skipped))
        .map(|change| format!("{} {}\n", change.id.subject(), change.action));
    lines.collect()
}

/// The message of a failure without the objects that were changed before it.
pub fn cause(message: &str) -> String {
    let is_change = |line: &str| {
        let words = line.split_once(' ').filter(|(subject, _)| subject.contains('/'));
        words.is_some_and(|(_, action)| matches!(action, "created" | "configured" | "deleted"))
    };
    message.lines().filter(|line| !is_change(line)).collect::<Vec<_>>().join("\n")
}

fn line(hint: Option<&str>) -> String {
    hint.map(|hint| format!("{hint}\n")).unwrap_or_default()
}

/// Why an object cannot be applied.
pub(super) struct Failure {
    pub(super) message: String,
    /// A hint for the user.
    pub(super) hint: Option<String>,
    pub(super) refused: Option<Refused>,
}

impl Failure {
    pub(super) fn new(message: String) -> Self {
        Failure { message, hint: None, refused: None }
    }

    /// The server refuses an object.
    pub(super) fn refused(message: String, wanted: &Wanted, error: &RequestError) -> Self {
        let id = wanted.id.clone();
        let hint = wanted.place.as_ref().map(|place| format!("{} is written at {place}", id.subject()));
        let refused = Refused { id, fields: refused_fields(&error.to_string()) };
        Failure { message, hint, refused: Some(refused) }
    }

    /// The failure after some objects were changed.
    pub(super) fn after(self, done: Vec<Change>) -> ApplyError {
        let Failure { message, hint, refused } = self;
        ApplyError { message, hint, refused, done }
    }
}
