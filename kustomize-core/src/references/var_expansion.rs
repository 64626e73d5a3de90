//! `$(NAME)` in text.

use std::borrow::Cow;

use crate::yaml::{Scalar, Style, Tag};

/// The value of a var.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum VarValue {
    /// Text, also of nulls, dates and fields without a type.
    Text(String),
    /// An integer.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A map or list, which cannot be written into text.
    Structure,
}

impl VarValue {
    /// The value of a whole field.
    fn to_scalar(&self) -> Option<Scalar> {
        let (text, tag) = match self {
            VarValue::Text(text) => (text.clone(), Tag::Str),
            VarValue::Int(int) => (int.to_string(), Tag::Int),
            VarValue::Float(float) => (float.to_string(), Tag::Float),
            VarValue::Bool(bool) => (bool.to_string(), Tag::Bool),
            VarValue::Structure => return None,
        };
        Some(Scalar::new(text, tag, Style::Plain))
    }

    /// Writes the value into the middle of a text.
    fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            VarValue::Text(text) => out.extend_from_slice(text.as_bytes()),
            VarValue::Int(int) => out.extend_from_slice(int.to_string().as_bytes()),
            VarValue::Float(float) => out.extend_from_slice(general_format(*float).as_bytes()),
            VarValue::Bool(bool) => out.extend_from_slice(bool.to_string().as_bytes()),
            VarValue::Structure => {}
        }
    }
}

/// Go's `%v` of a number: with an exponent below a ten-thousandth and from a million on.
fn general_format(float: f64) -> String {
    let scientific = format!("{float:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return float.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// A text with its vars replaced.
#[derive(Debug, PartialEq)]
pub(super) enum Expanded<'a> {
    /// The text was one var and nothing else, and takes the var's type.
    Whole(Scalar),
    /// Text. Bytes that are no UTF-8 are possible: see [`expand`].
    Text(Cow<'a, [u8]>),
}

/// Replaces each `$(NAME)` by the value that `value` gives for it; names that it does not know
/// stay. `$$` is a dollar, which keeps `$$(NAME)` from being replaced.
///
/// A dollar before a letter beyond ASCII splits that letter's bytes, as in kustomize.
pub(super) fn expand<'v>(text: &str, mut value: impl FnMut(&str) -> Option<&'v VarValue>) -> Expanded<'_> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut copied = 0;
    let mut from = 0;
    while let Some(dollar) = bytes.get(from..).and_then(|rest| memchr::memchr(b'$', rest)) {
        let at = from + dollar;
        let Some(next) = bytes.get(at + 1) else { break };
        out.extend_from_slice(&bytes[copied..at]);
        let mut length = 2;
        match next {
            b'$' => out.push(b'$'),
            b'(' => match memchr::memchr(b')', &bytes[at + 2..]) {
                Some(close) => {
                    length = close + 3;
                    let reference = &text[at..at + length];
                    match value(&text[at + 2..at + 2 + close]) {
                        Some(known) if length == text.len() => {
                            if let Some(scalar) = known.to_scalar() {
                                return Expanded::Whole(scalar);
                            }
                            out.extend_from_slice(reference.as_bytes());
                        }
                        Some(known) if *known != VarValue::Structure => known.write_to(&mut out),
                        _ => out.extend_from_slice(reference.as_bytes()),
                    }
                }
                None => out.extend_from_slice(b"$("),
            },
            byte => {
                out.push(b'$');
                out.extend_from_slice(char::from(*byte).encode_utf8(&mut [0; 2]).as_bytes());
            }
        }
        from = at + length;
        copied = from;
    }
    if copied == 0 {
        return Expanded::Text(Cow::Borrowed(bytes));
    }
    out.extend_from_slice(&bytes[copied..]);
    Expanded::Text(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> String {
        let vars = [
            ("A", VarValue::Text("a".to_owned())),
            ("REF", VarValue::Text("$(A)".to_owned())),
            ("I", VarValue::Int(123)),
            ("B", VarValue::Bool(true)),
            ("M", VarValue::Structure),
            ("F", VarValue::Float(123_456.5)),
            ("G", VarValue::Float(1_234_567.5)),
            ("H", VarValue::Float(1e23)),
            ("J", VarValue::Float(0.000_012_34)),
            ("K", VarValue::Float(0.000_123_4)),
            ("L", VarValue::Float(20.0)),
        ];
        let value = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
        match expand(text, value) {
            Expanded::Whole(scalar) => format!("{:?} {}", scalar.tag(), scalar.text()),
            Expanded::Text(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    #[test]
    fn replaces_names_and_leaves_the_rest() {
        for (text, result) in [
            ("x$(A)-$(A)", "xa-a"),
            ("x$(REF)", "x$(A)"),
            ("$(ZZ)x", "$(ZZ)x"),
            ("$()", "$()"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$a"),
            ("$", "$"),
            ("$x", "$x"),
            ("$(", "$("),
            ("x$(A", "x$(A"),
            ("$($(A))", "$($(A))"),
            ("a$b$(A)$", "a$ba$"),
            ("x$(M)", "x$(M)"),
            ("plain", "plain"),
        ] {
            assert_eq!(expanded(text), result, "{text}");
        }
    }

    #[test]
    fn a_whole_value_keeps_its_type() {
        for (text, result) in [
            ("$(A)", "Str a"),
            ("$(I)", "Int 123"),
            ("$(B)", "Bool true"),
            ("$(G)", "Float 1234567.5"),
            ("$(H)", "Float 100000000000000000000000"),
            ("$(M)", "$(M)"),
        ] {
            assert_eq!(expanded(text), result, "{text}");
        }
    }

    #[test]
    fn numbers_within_text_are_written_as_go_does() {
        for (text, result) in [
            ("x$(I)", "x123"),
            ("x$(B)", "xtrue"),
            ("x$(F)", "x123456.5"),
            ("x$(G)", "x1.2345675e+06"),
            ("x$(H)", "x1e+23"),
            ("x$(J)", "x1.234e-05"),
            ("x$(K)", "x0.0001234"),
            ("x$(L)", "x20"),
        ] {
            assert_eq!(expanded(text), result, "{text}");
        }
    }

    #[test]
    fn a_dollar_splits_a_letter_beyond_ascii() {
        match expand("$é", |_| None) {
            Expanded::Text(bytes) => assert_eq!(*bytes, b"$\xc3\x83\xa9"[..]),
            Expanded::Whole(_) => panic!("no var"),
        }
    }
}
