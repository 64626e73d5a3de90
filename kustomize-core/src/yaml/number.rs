//! Numbers as go-yaml reads them and as Go prints them.

use std::fmt::Write;

/// A number, in the narrowest of the types that go-yaml tries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// Fits 64 bits with a sign.
    Int(i64),
    /// Fits 64 bits without one.
    Uint(u64),
    /// Anything else, never infinite.
    Float(f64),
}

/// Which octal notations count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Octal {
    /// `0777` and `0o777`, as go-yaml v2 has it.
    Go,
    /// Also `0o-777`, as go-yaml v3 has it.
    Yaml12,
}

/// Reads a plain scalar that starts with a digit, a sign or a dot.
///
/// Integers may be decimal, `0x`, `0o`, `0b`, or octal by a leading zero; underscores count for
/// nothing. What overflows 64 bits is a float; a float that overflows is no number at all.
pub(crate) fn parse(text: &str, octal: Octal) -> Option<Number> {
    let bytes = text.as_bytes();
    if bytes.first() == Some(&b'.') {
        return parse_fraction(text);
    }
    let stripped;
    let plain = if memchr::memchr(b'_', bytes).is_some() {
        stripped = text.replace('_', "");
        stripped.as_str()
    } else {
        text
    };
    if let Some(number) = parse_integer(plain) {
        return Some(number);
    }
    if is_decimal_float(plain) {
        let value: f64 = plain.parse().ok()?;
        return value.is_finite().then_some(Number::Float(value));
    }
    signed_digits(plain, "0b", 2).or_else(|| match octal {
        Octal::Yaml12 => signed_digits(plain, "0o", 8),
        Octal::Go => None,
    })
}

/// `.5`: underscores may stand between digits only.
fn parse_fraction(text: &str) -> Option<Number> {
    if !text.as_bytes().get(1)?.is_ascii_digit() {
        return None;
    }
    let between_digits = |at: usize| {
        let digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
        at > 0 && digit(at - 1) && digit(at + 1)
    };
    let plain = if text.contains('_') {
        if !memchr::memchr_iter(b'_', text.as_bytes()).all(between_digits) {
            return None;
        }
        text.replace('_', "")
    } else {
        text.to_owned()
    };
    if !is_decimal_float(&plain) {
        return None;
    }
    let value: f64 = plain.parse().ok()?;
    value.is_finite().then_some(Number::Float(value))
}

/// Go's `ParseInt` with base 0, then `ParseUint`.
fn parse_integer(plain: &str) -> Option<Number> {
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, &plain[1..]),
        b'+' => (false, &plain[1..]),
        _ => (false, plain),
    };
    let magnitude = parse_prefixed(digits)?;
    if negative {
        // The magnitude of the smallest i64 is one more than that of the largest.
        return 0_i64.checked_sub_unsigned(magnitude).map(Number::Int);
    }
    match i64::try_from(magnitude) {
        Ok(value) => Some(Number::Int(value)),
        Err(_) if digits.len() == plain.len() => Some(Number::Uint(magnitude)),
        Err(_) => None,
    }
}

/// Digits with the prefix that says their base; a lone leading zero says octal.
fn parse_prefixed(digits: &str) -> Option<u64> {
    let bytes = digits.as_bytes();
    let (base, rest) = match bytes {
        [b'0'] => return Some(0),
        [b'0', b'x' | b'X', _, ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &digits[2..]),
        [b'0', ..] => (8, &digits[1..]),
        [_, ..] => (10, digits),
        [] => return None,
    };
    unsigned(rest, base)
}

/// Digits alone: Rust's own parser would allow a sign.
fn unsigned(digits: &str, base: u32) -> Option<u64> {
    if !digits.as_bytes().first()?.is_ascii_alphanumeric() {
        return None;
    }
    u64::from_str_radix(digits, base).ok()
}

/// `0b` and `0o` followed by digits that bring their own sign (`0b-1`), which only go-yaml reads.
fn signed_digits(plain: &str, prefix: &str, base: u32) -> Option<Number> {
    let rest = plain.strip_prefix(prefix)?;
    i64::from_str_radix(rest, base).ok().map(Number::Int)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_decimal_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits_from = |at: usize| bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let whole = digits_from(at);
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits_from(at + 1);
        if whole == 0 && fraction == 0 {
            return false;
        }
        at += 1 + fraction;
    } else if whole == 0 {
        return false;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'-' | b'+')));
        let exponent = digits_from(at);
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    at == bytes.len()
}

/// Shortest digits of a float, and the power of ten of the first: `1.5e3` is `("15", 3)`.
fn shortest(value: f64) -> (String, i32) {
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

fn push_exponent_form(out: &mut String, digits: &str, exponent: i32, width: usize) {
    let (first, rest) = digits.split_at(1.min(digits.len()));
    out.push_str(first);
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(out, "e{sign}{:0width$}", exponent.unsigned_abs());
}

fn push_decimal_form(out: &mut String, digits: &str, exponent: i32) {
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    if exponent < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', (-exponent - 1).unsigned_abs() as usize));
        out.push_str(digits);
    } else if exponent + 1 >= count {
        out.push_str(digits);
        out.extend(std::iter::repeat_n('0', (exponent + 1 - count).unsigned_abs() as usize));
    } else {
        let (whole, fraction) = digits.split_at(exponent.unsigned_abs() as usize + 1);
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    }
}

/// Appends a float as Go's JSON encoder prints it: no exponent from 1e-6 up to 1e21.
pub(crate) fn push_json_float(out: &mut String, value: f64) {
    if value.is_sign_negative() {
        out.push('-');
    }
    let (digits, exponent) = shortest(value);
    if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) {
        push_exponent_form(out, &digits, exponent, 1);
    } else {
        push_decimal_form(out, &digits, exponent);
    }
}

/// Appends a float as the reference's output has it: through JSON, read again by go-yaml v2, which
/// takes whole numbers that fit 64 bits for integers, and printed as Go's `%g`.
pub(crate) fn push_yaml_float(out: &mut String, value: f64) {
    if value == 0.0 {
        out.push('0');
        return;
    }
    let (digits, exponent) = shortest(value);
    if (0..21).contains(&exponent) && exponent.unsigned_abs() as usize + 1 >= digits.len() {
        let start = out.len();
        push_json_float(out, value);
        if matches!(parse_integer(&out[start..]), Some(Number::Int(_) | Number::Uint(_))) {
            return;
        }
        out.truncate(start);
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    // %g with the shortest precision decides as if it had six digits.
    if !(-4..6).contains(&exponent) {
        push_exponent_form(out, &digits, exponent, 2);
    } else {
        push_decimal_form(out, &digits, exponent);
    }
}
