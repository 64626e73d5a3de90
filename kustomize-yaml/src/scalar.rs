//! Scalars: text, plus what the reader (or whoever set it) knows of its type and style.

use crate::Str;
use crate::well_known::well_known;
use std::fmt;
use std::sync::Arc;

/// What a scalar's type is known to be.
///
/// The rules are those of kustomize's `yaml.Node.Tag`: the reader resolves plain scalars;
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
    /// `'…'`. On a null: one left out inside a flow collection (`{a, b: }`), which kustomize
    /// prints as `''`. On a timestamp: one with a time inside a flow collection, which it quotes.
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// A scalar value: a text of any length, its type and its style, in three words.
///
/// Short texts stand in the scalar itself, and clones share the long ones.
#[derive(Clone)]
pub struct Scalar(Repr);

/// As many bytes as a pointer, a length and what comes before them leave.
type InlineText = heapless::String<21, u8>;

#[derive(Clone)]
enum Repr {
    Inline { look: Look, text: InlineText },
    Static { look: Look, text: &'static str },
    Shared { look: Look, text: Arc<str> },
}

/// A tag and a style in one byte.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look(u8);

impl Look {
    const TAG_BITS: u8 = 4;

    const fn new(tag: Tag, style: Style) -> Self {
        Look(tag as u8 | (style as u8) << Look::TAG_BITS)
    }

    const fn tag(self) -> Tag {
        match self.0 & ((1 << Look::TAG_BITS) - 1) {
            0 => Tag::None,
            1 => Tag::Null,
            2 => Tag::Bool,
            3 => Tag::Int,
            4 => Tag::Float,
            5 => Tag::Str,
            6 => Tag::Timestamp,
            7 => Tag::Binary,
            8 => Tag::Merge,
            _ => Tag::Other,
        }
    }

    const fn style(self) -> Style {
        match self.0 >> Look::TAG_BITS {
            0 => Style::Plain,
            1 => Style::SingleQuoted,
            2 => Style::DoubleQuoted,
            3 => Style::Literal,
            _ => Style::Folded,
        }
    }
}

impl Scalar {
    /// A scalar of this text, type and style.
    #[must_use]
    #[inline]
    pub fn new(text: impl AsRef<str>, tag: Tag, style: Style) -> Self {
        Scalar(Repr::new(text.as_ref(), Look::new(tag, style)))
    }

    /// A plain scalar whose type its text decides (kustomize's `NewScalarRNode`).
    #[must_use]
    pub fn untyped(text: impl AsRef<str>) -> Self {
        Scalar::new(text, Tag::None, Style::Plain)
    }

    /// A string, whatever its text looks like (kustomize's `NewStringRNode`).
    #[must_use]
    pub fn string(text: impl AsRef<str>) -> Self {
        Scalar::new(text, Tag::Str, Style::Plain)
    }

    /// Null.
    #[must_use]
    pub fn null() -> Self {
        Scalar::new("null", Tag::Null, Style::Plain)
    }

    /// The text, with quotes, escapes and folding undone.
    #[must_use]
    #[inline]
    pub fn text(&self) -> &str {
        match &self.0 {
            Repr::Inline { text, .. } => text,
            Repr::Static { text, .. } => text,
            Repr::Shared { text, .. } => text,
        }
    }

    /// The text to keep: long ones are shared, not copied.
    #[must_use]
    pub fn to_str(&self) -> Str {
        match &self.0 {
            Repr::Inline { text, .. } => Str::new_inline(text),
            Repr::Static { text, .. } => Str::new_static(text),
            Repr::Shared { text, .. } => Str::from(Arc::clone(text)),
        }
    }

    /// The type, as far as it is known.
    #[must_use]
    #[inline]
    pub fn tag(&self) -> Tag {
        self.0.look().tag()
    }

    /// The style it was written in.
    #[must_use]
    #[inline]
    pub fn style(&self) -> Style {
        self.0.look().style()
    }

    /// Changes the text alone.
    pub fn set_text(&mut self, text: impl AsRef<str>) {
        self.0 = Repr::new(text.as_ref(), self.0.look());
    }

    /// Changes the type alone.
    pub fn set_tag(&mut self, tag: Tag) {
        *self.0.look_mut() = Look::new(tag, self.style());
    }

    /// Changes the style alone.
    pub fn set_style(&mut self, style: Style) {
        *self.0.look_mut() = Look::new(self.tag(), style);
    }

    /// The same text, whose type and style are these.
    #[must_use]
    pub fn with(mut self, tag: Tag, style: Style) -> Self {
        *self.0.look_mut() = Look::new(tag, style);
        self
    }

    /// The style that a new value takes over from this one. That of a null is never more than a
    /// remark ([`Style::SingleQuoted`]).
    pub(crate) fn style_to_keep(&self) -> Style {
        if self.tag() == Tag::Null { Style::Plain } else { self.style() }
    }
}

impl Repr {
    #[inline]
    fn new(text: &str, look: Look) -> Self {
        match InlineText::try_from(text) {
            Ok(text) => Repr::Inline { look, text },
            Err(_) => Repr::long(text, look),
        }
    }

    #[inline(never)]
    fn long(text: &str, look: Look) -> Self {
        match well_known(text) {
            Some(text) => Repr::Static { look, text },
            None => Repr::Shared { look, text: text.into() },
        }
    }

    fn look(&self) -> Look {
        match self {
            Repr::Inline { look, .. } | Repr::Static { look, .. } | Repr::Shared { look, .. } => *look,
        }
    }

    fn look_mut(&mut self) -> &mut Look {
        match self {
            Repr::Inline { look, .. } | Repr::Static { look, .. } | Repr::Shared { look, .. } => look,
        }
    }
}

impl Default for Scalar {
    fn default() -> Self {
        Scalar::untyped("")
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.0.look() == other.0.look() && self.text() == other.text()
    }
}

impl Eq for Scalar {}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, tag, style) = (self.text(), self.tag(), self.style());
        f.debug_struct("Scalar").field("text", &text).field("tag", &tag).field("style", &style).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAGS: [Tag; 10] = [
        Tag::None,
        Tag::Null,
        Tag::Bool,
        Tag::Int,
        Tag::Float,
        Tag::Str,
        Tag::Timestamp,
        Tag::Binary,
        Tag::Merge,
        Tag::Other,
    ];
    const STYLES: [Style; 5] =
        [Style::Plain, Style::SingleQuoted, Style::DoubleQuoted, Style::Literal, Style::Folded];
    /// Around the length that still stands in the scalar, a well known one, and long ones.
    const TEXTS: [&str; 7] = [
        "",
        "kind",
        "twenty-one bytes long",
        "twenty-two bytes, long",
        "twenty-two bytes: \u{fc}\u{fc}",
        "app.kubernetes.io/name",
        "a text that is longer than what stands in a scalar",
    ];

    #[test]
    fn text_tag_and_style_are_kept_apart() {
        for (text, tag, style) in
            TEXTS.iter().flat_map(|text| TAGS.map(|tag| STYLES.map(|style| (*text, tag, style)))).flatten()
        {
            let scalar = Scalar::new(text, tag, style);
            assert_eq!((scalar.text(), scalar.tag(), scalar.style()), (text, tag, style));
            assert_eq!(scalar.to_str(), text);
            for other in TAGS {
                let mut changed = scalar.clone();
                changed.set_tag(other);
                assert_eq!((changed.text(), changed.tag(), changed.style()), (text, other, style));
                assert_eq!(changed == scalar, other == tag);
            }
            for other in STYLES {
                let mut changed = scalar.clone();
                changed.set_style(other);
                assert_eq!((changed.text(), changed.tag(), changed.style()), (text, tag, other));
                assert_eq!(changed == scalar, other == style);
            }
            for other in TEXTS {
                let mut changed = scalar.clone();
                changed.set_text(other);
                assert_eq!((changed.text(), changed.tag(), changed.style()), (other, tag, style));
                assert_eq!(changed == scalar, other == text);
            }
        }
    }

    #[test]
    fn long_texts_are_shared() {
        let scalar = Scalar::string("-".repeat(1000));
        assert_eq!(scalar.clone().with(Tag::Int, Style::Plain).text().as_ptr(), scalar.text().as_ptr());
        assert_eq!(scalar.to_str().as_ptr(), scalar.text().as_ptr());
    }
}
