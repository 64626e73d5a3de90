//! JSON as Go's encoder writes it: compact, keys sorted by bytes, `<`, `>` and `&` escaped.

use std::fmt::Write;

use crate::float;
use crate::print::{MAX_DEPTH, PrintError, PrintProblem, string_entries};
use crate::read_back::{ReadBack, Role, read_back};
use crate::{Node, Value};

/// How whole numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integers {
    /// As they are.
    Exact,
    /// As Go has them after reading JSON without a type: floats.
    Floats,
}

/// Appends a tree as kustomize's `RNode.MarshalJSON` does.
///
/// # Errors
/// Those of [`print`](super::print::print) that do not come from printing proper.
pub fn push(out: &mut impl Write, node: &Node, integers: Integers) -> Result<(), PrintError> {
    Writer { out, integers, depth: 0 }.node(node, true)
}

/// Writes to what cannot fail: a text, or a digest.
struct Writer<'a, W> {
    out: &'a mut W,
    integers: Integers,
    depth: usize,
}

impl<W: Write> Writer<'_, W> {
    fn put(&mut self, text: &str) {
        let _ = self.out.write_str(text);
    }

    #[allow(clippy::cast_precision_loss)] // as in kustomize
    fn node(&mut self, node: &Node, root: bool) -> Result<(), PrintError> {
        if self.depth > MAX_DEPTH {
            return Err(PrintProblem::TooDeep.at(node.pos));
        }
        self.depth += 1;
        match &node.value {
            Value::Scalar(scalar) => {
                match read_back(scalar, Role::Value).map_err(|problem| problem.at(node.pos))? {
                    ReadBack::Null => self.put("null"),
                    ReadBack::Bool(value) => self.put(if value { "true" } else { "false" }),
                    ReadBack::Int(value) => self.integer(value, value as f64),
                    ReadBack::Uint(value) => self.integer(value, value as f64),
                    ReadBack::Float(value) => self.float(value),
                    ReadBack::Text(text) => push_string(self.out, &text),
                }
            }
            Value::Seq(seq) => {
                let mut opening = "[";
                for item in seq {
                    self.put(opening);
                    opening = ",";
                    self.node(item, false)?;
                }
                self.put(if seq.is_empty() { "[]" } else { "]" });
            }
            Value::Map(map) => {
                let entries = string_entries(map, root)?;
                let mut sorted: Vec<_> = entries.as_slice().iter().collect();
                sorted.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
                let mut opening = "{";
                for (at, entry) in sorted.iter().enumerate() {
                    if at > 0 && sorted[at - 1].key.as_str() == entry.key.as_str() {
                        return Err(
                            PrintProblem::DuplicateKey(entry.key.as_str().to_owned()).at(entry.key.pos)
                        );
                    }
                    self.put(opening);
                    opening = ",";
                    push_string(self.out, entry.key.as_str());
                    self.put(":");
                    self.node(&entry.value, false)?;
                }
                self.put(if entries.is_empty() { "{}" } else { "}" });
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn integer(&mut self, exact: impl std::fmt::Display, float: f64) {
        match self.integers {
            Integers::Exact => {
                let _ = write!(self.out, "{exact}");
            }
            Integers::Floats => self.float(float),
        }
    }

    fn float(&mut self, value: f64) {
        let mut text = String::new();
        float::push_json(&mut text, value);
        self.put(&text);
    }
}

/// The escape sequence of a character that Go does not write as it is.
fn escape(c: char) -> Option<Escape> {
    Some(match c {
        '"' | '\\' => Escape::Short(c),
        '\u{8}' => Escape::Short('b'),
        '\u{c}' => Escape::Short('f'),
        '\n' => Escape::Short('n'),
        '\r' => Escape::Short('r'),
        '\t' => Escape::Short('t'),
        '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => Escape::Code(u32::from(c)),
        _ => return None,
    })
}

enum Escape {
    Short(char),
    Code(u32),
}

/// Appends a string in quotes.
pub fn push_string(out: &mut impl Write, text: &str) {
    // Writing to a text or a digest does not fail.
    let _ = try_push_string(out, text);
}

fn try_push_string(out: &mut impl Write, text: &str) -> std::fmt::Result {
    out.write_str("\"")?;
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if !MAY_ESCAPE[usize::from(byte)] {
            continue;
        }
        let Some(c) = text[at..].chars().next() else { break };
        let Some(escape) = escape(c) else { continue };
        if start < at {
            out.write_str(&text[start..at])?;
        }
        start = at + c.len_utf8();
        let mut escaped = *b"\\u0000";
        let length = match escape {
            Escape::Short(short) => {
                escaped[1] = short as u8;
                2
            }
            Escape::Code(code) => {
                for (digit, shift) in escaped[2..].iter_mut().zip([12, 8, 4, 0]) {
                    *digit = b"0123456789abcdef"[(code >> shift) as usize & 15];
                }
                6
            }
        };
        out.write_str(std::str::from_utf8(&escaped[..length]).unwrap_or_default())?;
    }
    out.write_str(&text[start..])?;
    out.write_str("\"")
}

/// Bytes with which a character starts that may have to be escaped.
const MAY_ESCAPE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        // U+2028 and U+2029 start with 0xe2.
        table[byte] = byte < 0x20 || matches!(byte as u8, b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2);
        byte += 1;
    }
    table
};

/// How many characters a string has as JSON, quotes included.
pub(crate) fn quoted_length(text: &str) -> usize {
    let length = |c| match escape(c) {
        None => 1,
        Some(Escape::Short(_)) => 2,
        Some(Escape::Code(_)) => 6,
    };
    text.chars().map(length).sum::<usize>() + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_go_does() {
        let mut out = String::new();
        push_string(&mut out, "a\"\\\u{8}\u{c}\n\r\t\0\u{1f}<é€\u{2028}\u{2029}😀>&");
        assert_eq!(out, r#""a\"\\\b\f\n\r\t\u0000\u001f\u003cé€\u2028\u2029😀\u003e\u0026""#);
        assert_eq!(quoted_length("a\"\0😀"), 12);
    }
}
