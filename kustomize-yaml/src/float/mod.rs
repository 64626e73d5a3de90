//! Floats as Go reads and prints them.

use std::fmt::Write;

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
pub fn push_json(out: &mut String, value: f64) {
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

/// Appends a float as kustomize's output has it: through JSON, read again by go-yaml v2, which
/// takes whole numbers that fit 64 bits for integers, and printed as Go's `%g`.
pub fn push_yaml(out: &mut String, value: f64) {
    if value == 0.0 {
        out.push('0');
        return;
    }
    let (digits, exponent) = shortest(value);
    if (0..21).contains(&exponent) && exponent.unsigned_abs() as usize + 1 >= digits.len() {
        let start = out.len();
        push_json(out, value);
        if fits_64_bits(&out[start..]) {
            return;
        }
        out.truncate(start);
    }
    push_go(out, value);
}

/// Appends a float as Go's `%g`, and with it go-yaml, prints it.
pub(crate) fn push_go(out: &mut String, value: f64) {
    if value.is_sign_negative() {
        out.push('-');
    }
    let (digits, exponent) = shortest(value);
    // %g with the shortest precision decides as if it had six digits.
    if !(-4..6).contains(&exponent) {
        push_exponent_form(out, &digits, exponent, 2);
    } else {
        push_decimal_form(out, &digits, exponent);
    }
}

/// Whether an integer fits `i64` or `u64`.
fn fits_64_bits(digits: &str) -> bool {
    digits.parse::<i64>().is_ok() || digits.parse::<u64>().is_ok()
}
