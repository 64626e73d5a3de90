//! What scalars are worth to a decoder: their values, and the texts that Go makes of them.

use std::fmt::Write;

use crate::float::push_json;
use crate::resolve::{Dialect, Resolved, tagged_value, value};
use crate::{Scalar, Style, Tag};

/// The value of a scalar as go-yaml v2 decodes it into a value of any type. `None` means that the
/// text does not fit its tag, which a reader has refused before.
pub(super) fn resolved(scalar: &Scalar) -> Option<Resolved> {
    match scalar.tag() {
        Tag::None if scalar.style() == Style::Plain => Some(value(scalar.text(), Dialect::V3)),
        Tag::Null => Some(Resolved::Null),
        Tag::Bool | Tag::Int | Tag::Float => tagged_value(scalar.text(), scalar.tag(), Dialect::V2)
            .or_else(|| tagged_value(scalar.text(), scalar.tag(), Dialect::V3)),
        Tag::Timestamp => tagged_value(scalar.text(), scalar.tag(), Dialect::V3),
        _ => Some(Resolved::Str),
    }
}

/// The text that Go's `encoding/json` writes for a finite number; `None` for the others.
pub(crate) fn json_number(number: f64) -> Option<String> {
    if !number.is_finite() {
        return None;
    }
    let mut text = String::new();
    push_json(&mut text, number);
    Some(text)
}

/// The text that a float has after a way through JSON and a reader that prefers integers.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in range when it is cast
pub(super) fn through_json(number: f64) -> String {
    if number.trunc() == number {
        if number.abs() < 9.2e18 {
            return (number as i64).to_string();
        } else if (0.0..1.8e19).contains(&number) {
            return (number as u64).to_string();
        }
    }
    shortest_f32(number)
}

/// The text that Go's `FormatFloat(x, 'g', -1, 32)` writes. kustomize uses it where a number
/// stands for a string: the shortest digits that tell apart `f32` values, with an
/// exponent when the number reaches a million or falls below 0.0001.
#[allow(clippy::cast_possible_truncation)] // what kustomize does
pub(crate) fn shortest_f32(number: f64) -> String {
    let number = number as f32;
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let text = format!("{number:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-4..6).contains(&exponent) {
        let mut out = digits.to_owned();
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "e{sign}{:02}", exponent.abs());
        return out;
    }
    number.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_does() {
        for (number, text) in [
            (1.10, "1.1"),
            (1_234_567.0, "1.234567e+06"),
            (123_456.0, "123456"),
            (16_777_217.0, "1.6777216e+07"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-2.5, "-2.5"),
            (0.0, "0"),
            (1e40, "+Inf"),
        ] {
            assert_eq!(shortest_f32(number), text);
        }
        for (number, text) in [
            (1.0, "1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-7"),
            (0.000_001, "0.000001"),
        ] {
            assert_eq!(json_number(number).as_deref(), Some(text));
        }
        assert_eq!(json_number(f64::NAN), None);
    }
}
