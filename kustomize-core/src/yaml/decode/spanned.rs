//! Values that know where they stand.

use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

use super::Mismatch;
use super::decoder::Decoder;
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

/// Name of the tuple struct that asks a [`Decoder`] for the position and then the value.
pub(super) const SPANNED: &str = "$kustomize::Spanned";

impl<'de, T: de::Deserialize<'de>> de::Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SpannedVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: de::Deserialize<'de>> Visitor<'de> for SpannedVisitor<T> {
            type Value = Spanned<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value with its position")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Spanned<T>, A::Error> {
                let missing = || de::Error::custom("positions come from nodes only");
                let packed: u64 = seq.next_element()?.ok_or_else(missing)?;
                let value = seq.next_element()?.ok_or_else(missing)?;
                Ok(Spanned { value, pos: Pos::unpack(packed) })
            }
        }

        deserializer.deserialize_tuple_struct(SPANNED, 2, SpannedVisitor(std::marker::PhantomData))
    }
}

/// Hands a [`Spanned`] its position, then its value.
pub(super) struct SpannedParts<'de> {
    decoder: Decoder<'de>,
    pos: Pos,
    step: u8,
}

impl<'de> SpannedParts<'de> {
    pub(super) fn new(decoder: Decoder<'de>, pos: Pos) -> Self {
        SpannedParts { decoder, pos, step: 0 }
    }
}

impl<'de> de::SeqAccess<'de> for SpannedParts<'de> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        self.step += 1;
        match self.step {
            1 => seed.deserialize(self.pos.pack().into_deserializer()).map(Some),
            2 => seed.deserialize(self.decoder).map(Some),
            _ => Ok(None),
        }
    }
}
