//! Scalars: text, plus what the reader (or whoever set it) knows of its type and style.

use super::Str;

/// What a scalar's type is known to be.
///
/// The rules are those of the reference's `yaml.Node.Tag`: the reader resolves plain scalars;
/// a scalar that a transformer writes may carry no tag and is resolved from its text on printing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tag {
    /// Not said: the text (and style) decide when the scalar is printed.
    #[default]
    None,
    /// `!!null`
    Null,
    /// `!!bool`
    Bool,
    /// `!!int`
    Int,
    /// `!!float`
    Float,
    /// `!!str`
    Str,
    /// `!!timestamp`
    Timestamp,
    /// `!!binary`
    Binary,
    /// `!!merge`, the key `<<`
    Merge,
    /// Any other tag; printed as a string.
    Other,
}

/// How a scalar was written. Printing depends on it only where the type does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Style {
    /// Unquoted.
    #[default]
    Plain,
    /// `'…'`. On a null: one left out inside a flow collection (`{a, b: }`), which the reference
    /// prints as `''`. On a timestamp: one with a time inside a flow collection, which it quotes.
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// A scalar value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scalar {
    /// The text, with quotes, escapes and folding undone.
    pub text: Str,
    /// The type, as far as it is known.
    pub tag: Tag,
    /// The style it was written in.
    pub style: Style,
}

impl Scalar {
    /// A plain scalar whose type its text decides (the reference's `NewScalarRNode`).
    #[must_use]
    pub fn untyped(text: impl Into<Str>) -> Self {
        Scalar { text: text.into(), tag: Tag::None, style: Style::Plain }
    }

    /// A string, whatever its text looks like (the reference's `NewStringRNode`).
    #[must_use]
    pub fn string(text: impl Into<Str>) -> Self {
        Scalar { text: text.into(), tag: Tag::Str, style: Style::Plain }
    }

    /// Null.
    #[must_use]
    pub fn null() -> Self {
        Scalar { text: Str::new_static("null"), tag: Tag::Null, style: Style::Plain }
    }

    /// The style that a new value takes over from this one. That of a null is never more than a
    /// remark ([`Style::SingleQuoted`]).
    pub(crate) fn style_to_keep(&self) -> Style {
        if self.tag == Tag::Null { Style::Plain } else { self.style }
    }
}
