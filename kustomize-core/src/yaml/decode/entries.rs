//! Items of sequences and entries of maps, as serde wants them.

use std::borrow::Cow;

use hashbrown::HashSet;
use serde::de::{self, DeserializeSeed};

use super::decoder::Decoder;
use super::scalar::{resolved, shortest_f32};
use super::{Mismatch, Rules};
use crate::yaml::resolve::Resolved;
use crate::yaml::{Entry, Key, Node, Tag};

/// Items of a sequence.
pub(super) struct Items<'de> {
    items: std::slice::Iter<'de, Node>,
    rules: Rules,
    index: usize,
}

impl<'de> Items<'de> {
    pub(super) fn new(items: std::slice::Iter<'de, Node>, rules: Rules) -> Self {
        Items { items, rules, index: 0 }
    }
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        let Some(node) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Decoder::new(node, self.rules)).map(Some).map_err(|error| error.in_item(node, index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// Entries of a map or struct, each with the name that it goes by.
pub(super) struct Entries<'de> {
    entries: std::vec::IntoIter<(Cow<'de, str>, &'de Entry)>,
    rules: Rules,
    current: Option<&'de Entry>,
}

impl<'de> Entries<'de> {
    /// Entries of a map with keys of any name; of duplicates, the last counts.
    pub(super) fn of_map(entries: &'de [Entry], rules: Rules) -> Result<Self, Mismatch> {
        let mut seen = HashSet::with_capacity(entries.len());
        let mut named = Vec::with_capacity(entries.len());
        for entry in entries.iter().rev() {
            let name = key_text(&entry.key)?;
            if seen.insert(name.clone()) {
                named.push((name, entry));
            }
        }
        named.reverse();
        Ok(Entries { entries: named.into_iter(), rules, current: None })
    }

    /// Entries of a struct.
    pub(super) fn of_struct(
        entries: &'de [Entry],
        fields: &'static [&'static str],
        rules: Rules,
    ) -> Result<Self, Mismatch> {
        let Effective { known, unknown } = effective(entries, fields, rules)?;
        let known = known.into_iter().map(|(field, entry)| (Cow::Borrowed(field), entry));
        let all: Vec<_> = known.chain(unknown).collect();
        Ok(Entries { entries: all.into_iter(), rules, current: None })
    }
}

/// The entries of a map that count when it is decoded as a struct.
pub(super) struct Effective<'de> {
    /// The fields that are given, in the order of the type.
    pub(super) known: Vec<(&'static str, &'de Entry)>,
    /// Entries that are no fields of the type.
    unknown: Vec<(Cow<'de, str>, &'de Entry)>,
}

/// Finds the field that each entry means. Nulls count as not given. Of several entries that mean
/// the same field, the last counts; of different spellings, the last in byte order, since the
/// reference sorts the keys first.
pub(super) fn effective<'de>(
    entries: &'de [Entry],
    fields: &'static [&'static str],
    rules: Rules,
) -> Result<Effective<'de>, Mismatch> {
    let mut slots: Vec<Option<&Entry>> = vec![None; fields.len()];
    let mut unknown = Vec::new();
    for entry in entries {
        let text = key_text(&entry.key)?;
        match field_index(fields, &text).and_then(|index| slots.get_mut(index)) {
            Some(slot) => {
                if slot.is_none_or(|before| before.key.as_str() <= entry.key.as_str()) {
                    *slot = Some(entry);
                }
            }
            None if rules.known_fields_only => {
                return Err(<Mismatch as de::Error>::unknown_field(&text, fields).at(entry.key.pos));
            }
            None => unknown.push((text, entry)),
        }
    }
    let known = fields.iter().zip(slots).filter_map(|(field, slot)| slot.map(|entry| (*field, entry)));
    Ok(Effective { known: known.filter(|(_, entry)| !entry.value.is_null()).collect(), unknown })
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mismatch> {
        let Some((name, entry)) = self.entries.next() else { return Ok(None) };
        self.current = Some(entry);
        let name = de::value::StrDeserializer::<Mismatch>::new(&name);
        seed.deserialize(name).map(Some).map_err(|error| error.at(entry.key.pos))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mismatch> {
        let Some(entry) = self.current.take() else {
            return Err(<Mismatch as de::Error>::custom("a value was asked for before its key"));
        };
        seed.deserialize(Decoder::new(&entry.value, self.rules)).map_err(|error| error.in_entry(entry))
    }
}

/// The text that a key has in JSON: keys that are numbers and booleans become strings.
fn key_text(key: &Key) -> Result<Cow<'_, str>, Mismatch> {
    if matches!(key.scalar.tag, Tag::None | Tag::Str) {
        return Ok(Cow::Borrowed(key.as_str()));
    }
    Ok(match resolved(&key.scalar) {
        Some(Resolved::Null) => {
            return Err(<Mismatch as de::Error>::custom("null cannot be a key").at(key.pos));
        }
        Some(Resolved::Bool(value)) => Cow::Borrowed(if value { "true" } else { "false" }),
        Some(Resolved::Int(value)) => Cow::Owned(value.to_string()),
        Some(Resolved::Uint(value)) => {
            let message = format!("{value} is too large for a key");
            return Err(<Mismatch as de::Error>::custom(message).at(key.pos));
        }
        Some(Resolved::Float(value)) => match shortest_f32(value).as_str() {
            "+Inf" => Cow::Borrowed(".inf"),
            "-Inf" => Cow::Borrowed("-.inf"),
            "NaN" => Cow::Borrowed(".nan"),
            text => Cow::Owned(text.to_owned()),
        },
        _ => Cow::Borrowed(key.as_str()),
    })
}

/// The field that a key means: by its exact name, else whatever its case.
fn field_index(fields: &[&str], text: &str) -> Option<usize> {
    fields
        .iter()
        .position(|field| *field == text)
        .or_else(|| fields.iter().position(|field| same_folded(field, text)))
}

/// Whether two names are equal as Go's `encoding/json` folds them: ASCII letters, and the two
/// characters beyond that fold to such.
fn same_folded(field: &str, text: &str) -> bool {
    if text.is_ascii() {
        return field.eq_ignore_ascii_case(text);
    }
    let fold = |letter: char| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => letter.to_ascii_lowercase(),
    };
    field.chars().map(fold).eq(text.chars().map(fold))
}

/// A list without nulls, for lists whose nulls the reference trips over. For `deserialize_with`.
///
/// # Errors
/// At the first null, or what did not fit.
pub fn without_nulls<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: de::Deserializer<'de>,
    T: de::Deserialize<'de>,
{
    struct NotNull<T>(T);

    impl<'de, T: de::Deserialize<'de>> de::Deserialize<'de> for NotNull<T> {
        fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let value: Option<T> = de::Deserialize::deserialize(deserializer)?;
            value.map(NotNull).ok_or_else(|| de::Error::custom("expected an entry, found null"))
        }
    }

    let items: Vec<NotNull<T>> = de::Deserialize::deserialize(deserializer)?;
    Ok(items.into_iter().map(|NotNull(item)| item).collect())
}
