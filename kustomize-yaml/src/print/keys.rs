//! Keys as strings, and maps as go-yaml v3 decodes them.

use std::borrow::Cow;

use super::{PrintError, PrintProblem, text};
use crate::read_back::{ReadBack, Role, read_back};
use crate::resolve::resolve;
use crate::{Entry, Key, Map, Node, Scalar, Style, Tag, Value};

/// Whether a key is a string as it stands, which nearly all are.
pub(crate) fn is_common_key(scalar: &Scalar) -> bool {
    let text = scalar.text();
    let string = match (scalar.tag(), scalar.style()) {
        (Tag::Str | Tag::None, Style::SingleQuoted | Style::DoubleQuoted) => return true,
        (Tag::Str, Style::Plain) => true,
        // Longer words mean nothing but themselves.
        (Tag::None, Style::Plain) => {
            text.len() > 5 && text.as_bytes()[0].is_ascii_alphabetic() || resolve(text) == Tag::Str
        }
        _ => false,
    };
    string && text != "<<" && !text.starts_with('\t')
}

/// The text of a key after its way through JSON.
pub(super) fn key_text(key: &Key) -> Result<Cow<'_, str>, PrintError> {
    let text = text::through_json(key.as_str()).map_err(|problem| problem.at(key.pos))?;
    // A line break in a key of JSON keeps it from being one.
    if matches!(text, Cow::Owned(_)) {
        return Err(PrintProblem::Character('\u{85}').at(key.pos));
    }
    if text.len() > 1024 / 6 && crate::json_string::quoted_length(&text) > 1024 {
        return Err(PrintProblem::KeyTooLong.at(key.pos));
    }
    Ok(text)
}

pub(super) fn duplicate(key: &Key) -> PrintError {
    PrintProblem::DuplicateKey(key.as_str().to_owned()).at(key.pos)
}

/// A map with keys that are strings, whatever they look like; the map itself, nearly always.
pub(crate) fn string_entries(map: &Map, root: bool) -> Result<Cow<'_, Map>, PrintError> {
    if map.iter().all(|entry| is_common_key(&entry.key.scalar)) {
        Ok(Cow::Borrowed(map))
    } else {
        flatten(map, root).map(Cow::Owned)
    }
}

/// A map as go-yaml v3 decodes it where keys are not all plain strings: merge keys (`<<`) are
/// resolved, and at the root, which it decodes into a map of strings, keys of other types become
/// strings and a null key is dropped.
fn flatten(map: &Map, root: bool) -> Result<Map, PrintError> {
    let mut flat = Vec::with_capacity(map.len());
    let mut merged: Option<&Node> = None;
    for Entry { key, value } in map {
        if is_merge(&key.scalar) {
            if merged.replace(value).is_some() {
                return Err(duplicate(key));
            }
            continue;
        }
        let Some(text) = flat_key(&key.scalar, root).map_err(|problem| problem.at(key.pos))? else {
            continue;
        };
        let scalar = Scalar::new(text, Tag::Str, Style::DoubleQuoted);
        flat.push(Entry { key: Key { pos: key.pos, scalar }, value: value.clone() });
    }
    let mut flat = Map::from_entries(flat);
    match merged.map(|node| (&node.value, node.pos)) {
        None => {}
        Some((Value::Map(other), _)) => merge_into(&mut flat, other)?,
        Some((Value::Seq(others), pos)) => {
            for other in others {
                let other = other.as_map().ok_or_else(|| PrintProblem::Merge.at(pos))?;
                merge_into(&mut flat, other)?;
            }
        }
        Some((Value::Scalar(_), pos)) => return Err(PrintProblem::Merge.at(pos)),
    }
    Ok(flat)
}

/// The text of a key; nothing for a null at the root.
fn flat_key(key: &Scalar, root: bool) -> Result<Option<Cow<'_, str>>, PrintProblem> {
    let is_string = match key.tag() {
        Tag::Str | Tag::Merge => true,
        Tag::Binary | Tag::Other => false,
        Tag::None | Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp => {
            resolve(key.text()) == Tag::Str || key.style() != Style::Plain || key.text().is_empty()
        }
    };
    match read_back(key, Role::Key) {
        Err(PrintProblem::NotFinite(_) | PrintProblem::TimestampOffset(_)) if root => {
            Ok(Some(Cow::Borrowed(key.text())))
        }
        Err(problem) => Err(problem),
        Ok(ReadBack::Text(text)) if is_string || root && key.tag() == Tag::Binary => Ok(Some(text)),
        Ok(ReadBack::Null) if root => Ok(None),
        Ok(_) if root => Ok(Some(Cow::Borrowed(key.text()))),
        Ok(_) => Err(PrintProblem::KeyNotString(key.text().to_string())),
    }
}

fn merge_into(flat: &mut Map, other: &Map) -> Result<(), PrintError> {
    for Entry { key, value } in flatten(other, false)?.into_entries() {
        if !flat.contains(key.as_str()) {
            flat.push(key, value);
        }
    }
    Ok(())
}

fn is_merge(key: &Scalar) -> bool {
    key.text() == "<<"
        && (key.tag() == Tag::Merge
            || matches!(key.tag(), Tag::None | Tag::Str) && key.style() == Style::Plain)
}
