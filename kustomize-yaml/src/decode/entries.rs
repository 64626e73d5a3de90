//! The entries of maps that count, and the names that they go by.

use std::borrow::Cow;

use super::scalar::{resolved, shortest_f32};
use super::{Mismatch, Rules};
use crate::collections::IndexSet;
use crate::resolve::Resolved;
use crate::{Entry, Key, Tag};

/// The entries of a map with keys of any name; of duplicates, the last counts.
pub(super) fn named(entries: &[Entry]) -> Result<Vec<(Cow<'_, str>, &Entry)>, Mismatch> {
    let mut seen = IndexSet::with_capacity_and_hasher(entries.len(), Default::default());
    let mut named = Vec::with_capacity(entries.len());
    for entry in entries.iter().rev() {
        let name = key_text(&entry.key)?;
        if seen.insert(name.clone()) {
            named.push((name, entry));
        }
    }
    named.reverse();
    Ok(named)
}

/// For each of these fields the entry that gives it, if one does. Nulls count as not given. Of several entries that mean
/// the same field, the last counts; of different spellings, the last in byte order, since
/// kustomize sorts the keys first.
pub(super) fn effective<'de>(
    entries: &'de [Entry],
    fields: &'static [&'static str],
    rules: Rules,
) -> Result<Vec<Option<&'de Entry>>, Mismatch> {
    let mut slots: Vec<Option<&Entry>> = vec![None; fields.len()];
    for entry in entries {
        let text = key_text(&entry.key)?;
        match field_index(fields, &text).and_then(|index| slots.get_mut(index)) {
            Some(slot) => {
                let counts = slot.is_none_or(|before| before.key.as_str() <= entry.key.as_str());
                *slot = if counts { Some(entry) } else { *slot };
            }
            None if rules.known_fields_only => {
                return Err(Mismatch::unknown_field(&text, fields).at(entry.key.pos));
            }
            None => {}
        }
    }
    slots.iter_mut().for_each(|slot| *slot = slot.filter(|entry| !entry.value.is_null()));
    Ok(slots)
}

/// The text that a key has in JSON: keys that are numbers and booleans become strings.
fn key_text(key: &Key) -> Result<Cow<'_, str>, Mismatch> {
    if matches!(key.scalar.tag(), Tag::None | Tag::Str) {
        return Ok(Cow::Borrowed(key.as_str()));
    }
    Ok(match resolved(&key.scalar) {
        Some(Resolved::Null) => {
            return Err(Mismatch::new("null cannot be a key".to_owned()).at(key.pos));
        }
        Some(Resolved::Bool(value)) => Cow::Borrowed(if value { "true" } else { "false" }),
        Some(Resolved::Int(value)) => Cow::Owned(value.to_string()),
        Some(Resolved::Uint(value)) => {
            let message = format!("{value} is too large for a key");
            return Err(Mismatch::new(message).at(key.pos));
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
