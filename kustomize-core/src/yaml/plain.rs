//! What an unquoted scalar means, to go-yaml v3, which reads, and to v2, which prints.

use super::Tag;
use super::number::{self, Number, Octal};
use super::timestamp::Timestamp;

/// The meaning of an unquoted scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Plain {
    /// A string.
    Str,
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// `.inf` or `.nan`: a float that JSON has no word for.
    NotFinite,
    /// A date, or a date and a time.
    Timestamp(Timestamp),
}

impl Plain {
    /// The tag that goes with it.
    pub(crate) fn tag(self) -> Tag {
        match self {
            Plain::Str => Tag::Str,
            Plain::Null => Tag::Null,
            Plain::Bool(_) => Tag::Bool,
            Plain::Number(Number::Int(_) | Number::Uint(_)) => Tag::Int,
            Plain::Number(Number::Float(_)) | Plain::NotFinite => Tag::Float,
            Plain::Timestamp(_) => Tag::Timestamp,
        }
    }
}

/// Reads an unquoted scalar as go-yaml v3 does: YAML 1.2's words, YAML 1.1's numbers.
pub(crate) fn resolve(text: &str) -> Plain {
    let Some(first) = text.as_bytes().first() else { return Plain::Null };
    match first {
        b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' => match text {
            "~" | "null" | "Null" | "NULL" => Plain::Null,
            "true" | "True" | "TRUE" => Plain::Bool(true),
            "false" | "False" | "FALSE" => Plain::Bool(false),
            _ => Plain::Str,
        },
        b'0'..=b'9' | b'+' | b'-' | b'.' => number_or_timestamp(text, Octal::Yaml12),
        _ => Plain::Str,
    }
}

fn number_or_timestamp(text: &str, octal: Octal) -> Plain {
    if is_not_finite(text) {
        return Plain::NotFinite;
    }
    if let Some(timestamp) = Timestamp::parse(text) {
        return Plain::Timestamp(timestamp);
    }
    number::parse(text, octal).map_or(Plain::Str, Plain::Number)
}

fn is_not_finite(text: &str) -> bool {
    match text.strip_prefix(['+', '-']).unwrap_or(text) {
        ".inf" | ".Inf" | ".INF" => true,
        ".nan" | ".NaN" | ".NAN" => text.starts_with('.'),
        _ => false,
    }
}

/// Whether a text, written without quotes, would be read back as a string: the rule by which
/// go-yaml v2 decides on quotes. Texts with line breaks are not asked.
pub(crate) fn is_string_unquoted(text: &str) -> bool {
    let Some(first) = text.as_bytes().first() else { return false };
    match first {
        b'~' | b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => {
            text.len() > 5 || !is_word(text)
        }
        b'0'..=b'9' | b'+' | b'-' | b'.' => {
            number_or_timestamp(text, Octal::Go) == Plain::Str && !is_base_60(text)
        }
        _ => true,
    }
}

/// The words that YAML 1.1 reads as booleans or null.
fn is_word(text: &str) -> bool {
    matches!(
        text,
        "~" | "null"
            | "Null"
            | "NULL"
            | "y"
            | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "true"
            | "True"
            | "TRUE"
            | "false"
            | "False"
            | "FALSE"
            | "on"
            | "On"
            | "ON"
            | "off"
            | "Off"
            | "OFF"
    )
}

/// `190:20:30`: `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`
fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = text.split(':');
    let whole = parts.next().unwrap_or_default().as_bytes();
    let digits = |part: &[u8]| part.iter().all(|byte| byte.is_ascii_digit() || *byte == b'_');
    if !whole.first().is_some_and(u8::is_ascii_digit) || !digits(whole) {
        return false;
    }
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return false;
    }
    while let Some(part) = parts.next() {
        let part = match part.split_once('.') {
            Some((part, fraction)) if parts.peek().is_none() && digits(fraction.as_bytes()) => part,
            _ => part,
        };
        let fits = match part.as_bytes() {
            [ones] => ones.is_ascii_digit(),
            [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
            _ => false,
        };
        if !fits {
            return false;
        }
    }
    true
}
