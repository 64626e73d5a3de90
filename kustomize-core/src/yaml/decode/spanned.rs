//! Values that know where they stand.

use super::{Decode, Decoder, Mismatch};
use crate::yaml::Pos;

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
