//! Values as people read them: on one line, of bearable length, fit for a terminal.

use kustomize_core::yaml::Tag;
use kustomize_core::yaml::resolve::resolve;
use kustomize_core::yaml::yaml11::is_non_string;

use crate::Value;

/// Characters of a value that are shown.
const LONGEST: usize = 100;
/// Characters of a long value that are shown before the first one that differs.
const BEFORE: usize = 20;
/// Bytes after which a value is not written any further.
const ENOUGH: usize = 16 * LONGEST;

/// A value on one line.
pub(crate) fn shown(value: &Value) -> String {
    shorten(&written(value), 0)
}

/// Two values on one line each. Of long ones the part is shown where they differ.
pub(crate) fn shown_both(old: &Value, new: &Value) -> (String, String) {
    let (old, new) = (written(old), written(new));
    let is_long = |text: &str| text.chars().nth(LONGEST).is_some();
    let same = old.chars().zip(new.chars()).take_while(|(old, new)| old == new).count();
    let skipped = if is_long(&old) || is_long(&new) { same.saturating_sub(BEFORE) } else { 0 };
    (shorten(&old, skipped), shorten(&new, skipped))
}

/// Text with what would move a terminal's cursor, change its colours or reorder what stands around
/// it written as escapes.
pub(crate) fn fit(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\t' => out.push_str("    "),
            letter if is_unfit(letter) => out.extend(letter.escape_default()),
            letter => out.push(letter),
        }
    }
    out
}

fn is_unfit(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{feff}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A line of a text, shortened.
pub(crate) fn line(text: &str) -> String {
    shorten(text, 0)
}

fn shorten(text: &str, skipped: usize) -> String {
    let mut out = String::from(if skipped > 0 { "…" } else { "" });
    let mut letters = text.chars().skip(skipped);
    out.extend(letters.by_ref().take(LONGEST));
    if letters.next().is_some() {
        out.push('…');
    }
    out
}

fn written(value: &Value) -> String {
    // A string by itself is cut where it differs, however long it is.
    if let Value::String(text) = value {
        return if needs_quotes(text, false) { format!("{text:?}") } else { text.clone() };
    }
    let mut out = String::new();
    push(&mut out, value);
    out
}

/// Appends a value in YAML's flow style.
fn push(out: &mut String, value: &Value) {
    if out.len() > ENOUGH {
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Uint(value) => out.push_str(&value.to_string()),
        Value::Float(value) => kustomize_core::yaml::float::push_yaml(out, *value),
        Value::String(text) => push_string(out, text),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                push(out, item);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (at, (key, value)) in map.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                push_string(out, key);
                out.push_str(": ");
                push(out, value);
            }
            out.push('}');
        }
    }
}

fn push_string(out: &mut String, text: &str) {
    if needs_quotes(text, true) { out.push_str(&format!("{text:?}")) } else { out.push_str(text) }
}

/// Whether a string without quotes would be taken for something else.
fn needs_quotes(text: &str, within_flow: bool) -> bool {
    text.trim() != text
        || text.chars().any(char::is_control)
        || text.starts_with(['"', '\'', '[', '{', '&', '*', '!', '|', '>', '%', '@', '`'])
        || text.contains(" → ")
        || within_flow && (text.contains([',', '[', ']', '{', '}']) || text.contains(": "))
        || resolve(text) != Tag::Str
        || is_non_string(text)
}
