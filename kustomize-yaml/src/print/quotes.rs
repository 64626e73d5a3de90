//! Which strings need quotes not to be taken for something else.

use crate::Tag;
use crate::resolve::resolve_yaml11;

/// Whether a text, written without quotes, would be read back as a string: the rule by which
/// go-yaml v2 decides on quotes. Texts with line breaks are not asked.
pub(super) fn is_string_unquoted(text: &str) -> bool {
    let Some(first) = text.as_bytes().first() else { return false };
    match first {
        b'~' | b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => {
            text.len() > 5 || resolve_yaml11(text) == Tag::Str
        }
        b'0'..=b'9' | b'+' | b'-' | b'.' => resolve_yaml11(text) == Tag::Str && !is_base_60(text),
        _ => true,
    }
}

/// Whether a text stands for itself wherever it is put: a string that needs no quotes, holds no
/// blanks, and starts with a letter or a slash. Most texts are such words; others need a closer look.
pub(super) fn is_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    (first.is_ascii_alphabetic() || *first == b'/')
        && *last != b':'
        && bytes.iter().all(u8::is_ascii_graphic)
        && (text.len() > 5 || is_string_unquoted(text))
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
