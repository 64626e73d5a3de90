//! Numbers as Go's `strconv` and go-yaml read them.

use super::{Dialect, Resolved};

/// A text that starts with a digit or a sign, if it is a number.
pub(super) fn number(text: &str, dialect: Dialect) -> Option<Resolved> {
    let stripped;
    let text = if text.contains('_') {
        stripped = text.replace('_', "");
        stripped.as_str()
    } else {
        text
    };
    if let Some(int) = integer(text, detect_radix) {
        return Some(int);
    }
    if is_decimal_float(text.as_bytes()) {
        // Beyond the range of f64 it is no number at all, as for Go.
        if let Some(float) = text.parse::<f64>().ok().filter(|float| float.is_finite()) {
            return Some(Resolved::Float(float));
        }
    }
    prefixed(text, "0b", 2).or_else(|| if dialect == Dialect::V3 { prefixed(text, "0o", 8) } else { None })
}

/// A text that starts with a dot, if it is a number. Underscores may stand between digits.
pub(super) fn leading_dot(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let single = |at: usize| {
        let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        at > 0 && digit(at - 1) && digit(at + 1)
    };
    if memchr::memchr_iter(b'_', bytes).any(|at| !single(at)) {
        return None;
    }
    let plain = text.replace('_', "");
    if !is_decimal_float(plain.as_bytes()) {
        return None;
    }
    plain.parse::<f64>().ok().filter(|float| float.is_finite())
}

/// go-yaml's own look at `0b…` and `0o…`, which lets a sign stand after the prefix.
fn prefixed(text: &str, prefix: &str, radix: u32) -> Option<Resolved> {
    let fixed = |digits| Some((radix, digits));
    if let Some(digits) = text.strip_prefix(prefix) {
        return integer(digits, fixed);
    }
    let digits = text.strip_prefix('-')?.strip_prefix(prefix)?;
    let magnitude = magnitude(radix, digits)?;
    negative(magnitude)
}

/// An integer with an optional sign: Go's `ParseInt`, then `ParseUint`.
fn integer<'t>(text: &'t str, radix: impl FnOnce(&'t str) -> Option<(u32, &'t str)>) -> Option<Resolved> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (Some(b'-'), &text[1..]),
        b'+' => (Some(b'+'), &text[1..]),
        _ => (None, text),
    };
    let (radix, digits) = radix(digits)?;
    let magnitude = magnitude(radix, digits)?;
    match (sign, i64::try_from(magnitude)) {
        (Some(b'-'), _) => negative(magnitude),
        (_, Ok(int)) => Some(Resolved::Int(int)),
        (None, Err(_)) => Some(Resolved::Uint(magnitude)),
        (Some(_), Err(_)) => None,
    }
}

fn negative(magnitude: u64) -> Option<Resolved> {
    0i64.checked_sub_unsigned(magnitude).map(Resolved::Int)
}

/// The radix that Go's prefixes tell, and the digits after the prefix.
fn detect_radix(text: &str) -> Option<(u32, &str)> {
    let bytes = text.as_bytes();
    Some(match bytes {
        [b'0', b'b' | b'B', _, ..] => (2, &text[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &text[2..]),
        [b'0', b'x' | b'X', _, ..] => (16, &text[2..]),
        [b'0'] => (10, text),
        [b'0', ..] => (8, &text[1..]),
        [] => return None,
        _ => (10, text),
    })
}

fn magnitude(radix: u32, digits: &str) -> Option<u64> {
    if digits.starts_with(['+', '-']) {
        return None; // Rust would take the sign
    }
    u64::from_str_radix(digits, radix).ok()
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_decimal_float(text: &[u8]) -> bool {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let whole = digits(at);
    at += whole;
    let mut fraction = 0;
    if text.get(at) == Some(&b'.') {
        fraction = digits(at + 1);
        at += 1 + fraction;
    }
    if whole == 0 && fraction == 0 {
        return false;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(text.get(at), Some(b'+' | b'-')));
        let exponent = digits(at);
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    at == text.len()
}
