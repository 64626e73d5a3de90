//! The part of a repository's URL after `?`: ref, version, timeout, submodules.

use std::borrow::Cow;
use std::time::Duration;

use crate::host::Repository;

/// What a query asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// Branch, tag or commit; empty for the default branch.
    pub(super) reference: String,
    /// How long one step of the cloning may take.
    pub(super) timeout: Duration,
    /// Whether to check out submodules.
    pub(super) submodules: bool,
}

impl Default for Query {
    fn default() -> Self {
        let Repository { reference, submodules, timeout, .. } = Repository::new("");
        Query { reference, timeout, submodules }
    }
}

impl Query {
    /// Reads a query. What makes no sense counts as absent; a query that cannot be decoded counts
    /// as absent altogether.
    pub(super) fn parse(text: &str) -> Self {
        let mut query = Query::default();
        let Some(values) = decode(text) else { return query };
        let value = |name: &str| {
            let first = values.iter().find(|(key, _)| key == name);
            first.map(|(_, value)| value.as_ref()).filter(|value| !value.is_empty())
        };
        if let Some(reference) = value("ref").or_else(|| value("version")) {
            reference.clone_into(&mut query.reference);
        }
        if let Some(timeout) = value("timeout").and_then(parse_timeout) {
            query.timeout = timeout;
        }
        if let Some(submodules) = value("submodules").and_then(parse_bool) {
            query.submodules = submodules;
        }
        query
    }
}

/// Keys and values as Go's `url.ParseQuery` reads them; none when it refuses.
fn decode(text: &str) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    let mut values = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        if pair.contains(';') {
            return None;
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        values.push((unescape(key)?, unescape(value)?));
    }
    Some(values)
}

fn unescape(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            byte => byte,
        });
    }
    Some(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Go's `strconv.ParseBool`.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Seconds (`61`), or a duration of Go (`1m1s`); none unless it is positive.
fn parse_timeout(text: &str) -> Option<Duration> {
    let limit = Duration::from_nanos(i64::MAX.unsigned_abs());
    let timeout = match text.parse::<i64>() {
        Ok(seconds) if seconds > 0 => Duration::from_secs(seconds.unsigned_abs()),
        _ => parse_duration(text.strip_prefix('+').unwrap_or(text))?,
    };
    (Duration::ZERO < timeout && timeout <= limit).then_some(timeout)
}

/// Numbers with units, one after another.
fn parse_duration(mut text: &str) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    while !text.is_empty() {
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number = text[..end].parse::<f64>().ok()?;
        let unit_end = text[end..].find(|c: char| c.is_ascii_digit() || c == '.');
        let unit_end = unit_end.map_or(text.len(), |length| end + length);
        let seconds = match &text[end..unit_end] {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        sum = sum.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        text = &text[unit_end..];
    }
    Some(sum)
}
