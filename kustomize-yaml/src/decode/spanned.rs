//! Values that know where they stand.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Decode, Decoder, Mismatch};
use crate::Pos;

/// A value and where it stands, for typed configuration that is pointed at later.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it starts.
    pub pos: Pos,
}

impl<T: Default> Default for Spanned<T> {
    fn default() -> Self {
        Spanned { value: T::default(), pos: Pos::NONE }
    }
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> From<T> for Spanned<T> {
    /// A value that stands in no file.
    fn from(value: T) -> Self {
        Spanned { value, pos: Pos::NONE }
    }
}

impl<T: Decode> Decode for Spanned<T> {
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch> {
        self.pos = decoder.node.pos;
        self.value.decode(decoder)
    }
}

impl Spanned<String> {
    /// Whether the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.value.is_empty()
    }
}

impl From<&str> for Spanned<String> {
    /// A text that stands in no file.
    fn from(text: &str) -> Self {
        Spanned::from(text.to_owned())
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    /// Compares the values; positions do not count.
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Serialize> Serialize for Spanned<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Spanned::from)
    }
}
