//! What is wrong with a text that cannot be read.

use crate::Pos;

/// A text that is no YAML, or YAML that kustomize does not take.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub struct ReadError(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    message: String,
    pos: Pos,
    note: Option<(String, Pos)>,
    help: Option<String>,
}

impl ReadError {
    pub(super) fn new(message: impl Into<String>, pos: Pos) -> Self {
        ReadError(Box::new(Parts { message: message.into(), pos, note: None, help: None }))
    }

    pub(super) fn with_note(mut self, message: impl Into<String>, pos: Pos) -> Self {
        self.0.note = Some((message.into(), pos));
        self
    }

    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it is wrong.
    #[must_use]
    pub fn pos(&self) -> Pos {
        self.0.pos
    }

    /// A further place it is about, such as the first of two equal keys.
    #[must_use]
    pub fn note(&self) -> Option<(&str, Pos)> {
        self.0.note.as_ref().map(|(message, pos)| (message.as_str(), *pos))
    }

    /// What to do about it, where a cure is known.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }
}
