//! What the operators do with a value.

use super::pattern;
use crate::go::char_width;

/// Applies an operator to a value; nothing for a substring of negative length.
pub(super) fn apply(operator: &str, value: &str, arguments: &[Vec<u8>]) -> Option<Vec<u8>> {
    let bytes = value.as_bytes();
    let first = arguments.first().map(Vec::as_slice);
    let second = arguments.get(1).map(Vec::as_slice);
    Some(match (operator, first) {
        ("," | "^", _) => change_first(value, operator == "^"),
        (",,", _) => lower(value).into_bytes(),
        ("^^", _) => upper(value).into_bytes(),
        ("#", None) => bytes.len().to_string().into_bytes(),
        ("#", Some(pattern)) => pattern::without_shortest_prefix(bytes, pattern).to_vec(),
        ("##", Some(pattern)) => pattern::without_longest_prefix(bytes, pattern).to_vec(),
        ("%", Some(pattern)) => pattern::without_suffix(bytes, pattern, pattern::without_shortest_prefix),
        ("%%", Some(pattern)) => pattern::without_suffix(bytes, pattern, pattern::without_longest_prefix),
        (":", Some(position)) => substring(bytes, position, second)?.to_vec(),
        ("//", Some(pattern)) => replace(bytes, pattern, second.unwrap_or_default(), usize::MAX),
        ("/", Some(pattern)) => replace(bytes, pattern, second.unwrap_or_default(), 1),
        ("/#", Some(prefix)) => match (bytes.strip_prefix(prefix), second) {
            (Some(rest), Some(new)) => [new, rest].concat(),
            _ => bytes.to_vec(),
        },
        ("/%", Some(suffix)) => match (bytes.strip_suffix(suffix), second) {
            (Some(rest), Some(new)) => [rest, new].concat(),
            _ => bytes.to_vec(),
        },
        ("##" | "%" | "%%" | ":" | "//" | "/" | "/#" | "/%", None) => bytes.to_vec(),
        _ if bytes.is_empty() => arguments.concat(),
        _ => bytes.to_vec(),
    })
}

/// Upper case, a character for a character as Go does it: those that would become several stay.
fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

fn lower(text: &str) -> String {
    text.chars().map(lower_char).collect()
}

fn upper_char(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn lower_char(c: char) -> char {
    // A dotted capital I becomes a plain i.
    c.to_lowercase().next().unwrap_or(c)
}

fn change_first(text: &str, is_upper: bool) -> Vec<u8> {
    let mut chars = text.chars();
    let first = chars.next().map(|c| if is_upper { upper_char(c) } else { lower_char(c) });
    first.into_iter().chain(chars).collect::<String>().into_bytes()
}

/// A whole number, read as Go's `Atoi` does.
fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Bytes from a position, counted from the end if it is negative. What is not a number changes nothing.
fn substring<'a>(value: &'a [u8], position: &[u8], length: Option<&[u8]>) -> Option<&'a [u8]> {
    let size = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let Some(position) = number(position) else { return Some(value) };
    let start = if position < 0 { size.saturating_add(position).max(0) } else { position };
    let end = match length {
        None => size,
        Some(length) => match number(length) {
            None => return Some(value),
            Some(length) => start.saturating_add(length).min(size),
        },
    };
    if start >= size && end >= size {
        return Some(&[]);
    }
    value.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}

/// Replaces the first occurrences. An empty pattern is found before every character and at the end.
fn replace(value: &[u8], pattern: &[u8], new: &[u8], most: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    let mut done = 0;
    while done < most {
        if pattern.is_empty() {
            out.extend_from_slice(new);
            done += 1;
            if rest.is_empty() {
                break;
            }
            let width = char_width(rest);
            let (head, tail) = rest.split_at(width);
            out.extend_from_slice(head);
            rest = tail;
            continue;
        }
        let Some(at) = rest.windows(pattern.len()).position(|window| window == pattern) else { break };
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new);
        rest = &rest[at + pattern.len()..];
        done += 1;
    }
    out.extend_from_slice(rest);
    out
}
