//! Which types can be decoded, and how structs say what their fields are called.
//!
//! Nothing here is made anew for each type but the list of its fields: a type is told apart from
//! another by a table of pointers, so that all of them together stay small.

use std::collections::BTreeMap;

use super::{Coercion, Decoder, Mismatch};
use crate::Str;

/// A value that configuration can give.
pub trait Decode {
    /// Takes the value of a node.
    ///
    /// # Errors
    /// It does not fit.
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch>;
}

/// A struct that is decoded from a map.
pub trait Fields: Decode {
    /// Names of its fields.
    const NAMES: &'static [&'static str];
}

/// Says that a struct is decoded from a map, and what its fields are called there: as in Rust,
/// unless a name is given. All of them have to be named. After a field, in parentheses, may stand
/// one of the ways of [`ways`].
#[macro_export]
macro_rules! fields {
    ($type:ident { $($field:ident $(($way:ident))? $(= $name:literal)?),* $(,)? }) => {
        impl $crate::decode::Fields for $type {
            const NAMES: &'static [&'static str] =
                &[$($crate::fields!(@name $field $($name)?)),*];
        }

        impl $crate::decode::Decode for $type {
            fn decode(
                &mut self,
                decoder: $crate::decode::Decoder<'_>,
            ) -> Result<(), $crate::decode::Mismatch> {
                let $type { $($field),* } = self;
                decoder.fields(
                    <$type as $crate::decode::Fields>::NAMES,
                    &mut [$($crate::fields!(@way $field $($way)?)),*],
                )
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
    (@way $field:ident) => { $field };
    (@way $field:ident $way:ident) => { &mut $crate::decode::ways::$way($field) };
}

/// Ways to decode a field other than the one of its type.
pub mod ways {
    pub use super::{NoNulls as no_nulls, Verbatim as verbatim};
    pub use crate::decode::free_form::FreeFormMap as free_form_map;
}

/// Takes no numbers for strings, whatever the [`Rules`](super::Rules). For the fields that
/// kustomize embeds from another struct: its coercion does not find those.
pub struct Verbatim<'a>(pub &'a mut dyn Decode);

impl Decode for Verbatim<'_> {
    fn decode(&mut self, mut decoder: Decoder<'_>) -> Result<(), Mismatch> {
        decoder.rules.coercion = Coercion::None;
        self.0.decode(decoder)
    }
}

/// A list whose nulls kustomize trips over.
pub struct NoNulls<'a, T>(pub &'a mut Vec<T>);

impl<T: Decode + Default> Decode for NoNulls<'_, T> {
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch> {
        decoder.items(&mut |item| match item.node.is_null() {
            true => Err(Mismatch::new("expected an entry, found null".to_owned())),
            false => push(self.0, item),
        })
    }
}

fn push<T: Decode + Default>(list: &mut Vec<T>, decoder: Decoder<'_>) -> Result<(), Mismatch> {
    let mut item = T::default();
    item.decode(decoder)?;
    list.push(item);
    Ok(())
}

impl<T: Decode + Default> Decode for Vec<T> {
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch> {
        decoder.items(&mut |item| push(self, item))
    }
}

impl<T: Decode + Default> Decode for Option<T> {
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch> {
        if decoder.node.is_null() { Ok(()) } else { self.get_or_insert_default().decode(decoder) }
    }
}

impl<K: Ord + for<'a> From<&'a str>, V: Decode + Default> Decode for BTreeMap<K, V> {
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch> {
        decoder.entries(&mut |name, decoder| {
            let mut value = V::default();
            value.decode(decoder)?;
            self.insert(K::from(name), value);
            Ok(())
        })
    }
}

impl Decode for String {
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch> {
        *self = decoder.string()?.into();
        Ok(())
    }
}

impl Decode for Str {
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch> {
        *self = decoder.string()?;
        Ok(())
    }
}

impl Decode for bool {
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch> {
        *self = decoder.boolean()?;
        Ok(())
    }
}

impl Decode for i64 {
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch> {
        *self = decoder.integer()?;
        Ok(())
    }
}

/// A value of any kind that is not looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anything;

impl Decode for Anything {
    fn decode(&mut self, _: Decoder<'_>) -> Result<(), Mismatch> {
        Ok(())
    }
}
