//! What happened to objects.

use std::fmt;

use reconciler_core::ssa::ObjectId;

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
    /// The objects that were changed before the error.
    pub done: Vec<Change>,
}

fn changes(done: &[Change]) -> String {
    let lines = done
        .iter()
        .filter(|change| !matches!(change.action, Action::Unchanged | Action::Skipped))
        .map(|change| format!("{} {}\n", change.id.subject(), change.action));
    lines.collect()
}

fn line(hint: Option<&str>) -> String {
    hint.map(|hint| format!("{hint}\n")).unwrap_or_default()
}

/// A message and a hint.
pub(super) struct Failure(pub(super) String, pub(super) Option<String>);

impl Failure {
    pub(super) fn new(message: String) -> Self {
        Failure(message, None)
    }
}
