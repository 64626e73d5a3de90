//! Why a tree cannot be printed.

use crate::{Pos, Tag};

/// How deep maps and lists may be nested.
pub const MAX_DEPTH: usize = 1000;

/// A tree that kustomize refuses to print.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct PrintError {
    /// What is wrong.
    pub problem: PrintProblem,
    /// Where it came from.
    pub pos: Pos,
}

/// What cannot be printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrintProblem {
    /// The root is a scalar or a sequence.
    #[error("a resource must be a map")]
    NotMap,
    /// A tag that the text does not fit, say an integer that was replaced by a word.
    #[error("`{text}` is not {}", .tag.described())]
    TagMismatch {
        /// The tag.
        tag: Tag,
        /// The text.
        text: String,
    },
    /// `.inf`, `.nan`.
    #[error("`{0}` has no place in JSON, which resources are made of")]
    NotFinite(String),
    /// A timestamp with an offset of a day or more.
    #[error("the offset of the timestamp `{0}` is a day or more")]
    TimestampOffset(String),
    /// A text that go-yaml neither writes nor reads.
    #[error("the character U+{:04X} may not be used in a resource", *.0 as u32)]
    Character(char),
    /// A block scalar that starts with a tab cannot be told from its indentation.
    #[error("a text of several lines may not start with a tab")]
    LeadingTab,
    /// A line after U+0085 that looks like the end of a document.
    #[error("a line of a text may not be a document marker")]
    DocumentMarker,
    /// A key that is a number, a boolean, null or a timestamp.
    #[error("the key `{0}` is not a string")]
    KeyNotString(String),
    /// A key that stands in its map twice.
    #[error("the key `{0}` is given twice")]
    DuplicateKey(String),
    /// A key of more than about a thousand characters.
    #[error("a key is longer than 1024 characters")]
    KeyTooLong,
    /// `<<` with anything but a map or a list of maps.
    #[error("`<<` needs a map or a list of maps")]
    Merge,
    /// `!!binary` that is not base64.
    #[error("a value tagged !!binary is not base64")]
    Binary,
    /// Deeper than any resource has reason to be.
    #[error("maps and lists are nested more than {} deep", MAX_DEPTH)]
    TooDeep,
}

impl Tag {
    fn described(self) -> &'static str {
        match self {
            Tag::Null => "null",
            Tag::Bool => "true or false",
            Tag::Int => "an integer",
            Tag::Float => "a number",
            Tag::Timestamp => "a timestamp",
            _ => "what its tag says",
        }
    }
}

impl PrintProblem {
    pub(crate) fn at(self, pos: Pos) -> PrintError {
        PrintError { problem: self, pos }
    }

    /// What to do about it, where a cure is known.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            PrintProblem::TagMismatch { .. } => Some(
                "the field held another type before its value was replaced: give it a value of that type",
            ),
            PrintProblem::KeyNotString(_) => Some("put the key in quotes"),
            PrintProblem::LeadingTab => Some("start the text with something else, or indent it with spaces"),
            _ => None,
        }
    }
}
