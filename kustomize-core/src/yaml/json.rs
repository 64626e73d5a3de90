//! JSON as Go's encoder writes it: compact, keys sorted by bytes, `<`, `>` and `&` escaped.

use super::float;
use super::print::{MAX_DEPTH, PrintError, PrintProblem, string_entries};
use super::read_back::{ReadBack, Role, read_back};
use super::{Node, Value};

/// How whole numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Integers {
    /// As they are.
    Exact,
    /// As Go has them after reading JSON without a type: floats.
    Floats,
}

/// Appends a tree as the reference's `RNode.MarshalJSON` does.
///
/// # Errors
/// Those of [`print`](super::print::print) that do not come from printing proper.
pub(crate) fn push(out: &mut String, node: &Node, integers: Integers) -> Result<(), PrintError> {
    Writer { out, integers, depth: 0 }.node(node, true)
}

struct Writer<'a> {
    out: &'a mut String,
    integers: Integers,
    depth: usize,
}

impl Writer<'_> {
    #[allow(clippy::cast_precision_loss)] // as in the reference
    fn node(&mut self, node: &Node, root: bool) -> Result<(), PrintError> {
        if self.depth > MAX_DEPTH {
            return Err(PrintProblem::TooDeep.at(node.pos));
        }
        self.depth += 1;
        match &node.value {
            Value::Scalar(scalar) => {
                match read_back(scalar, Role::Value).map_err(|problem| problem.at(node.pos))? {
                    ReadBack::Null => self.out.push_str("null"),
                    ReadBack::Bool(value) => self.out.push_str(if value { "true" } else { "false" }),
                    ReadBack::Int(value) => self.integer(value, value as f64),
                    ReadBack::Uint(value) => self.integer(value, value as f64),
                    ReadBack::Float(value) => float::push_json(self.out, value),
                    ReadBack::Text(text) => push_string(self.out, &text),
                }
            }
            Value::Seq(seq) => {
                let mut opening = '[';
                for item in seq {
                    self.out.push(opening);
                    opening = ',';
                    self.node(item, false)?;
                }
                self.out.push_str(if seq.is_empty() { "[]" } else { "]" });
            }
            Value::Map(map) => {
                let entries = string_entries(map, root)?;
                let mut sorted: Vec<_> = entries.as_slice().iter().collect();
                sorted.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
                let mut opening = '{';
                for (at, entry) in sorted.iter().enumerate() {
                    if at > 0 && sorted[at - 1].key.as_str() == entry.key.as_str() {
                        return Err(
                            PrintProblem::DuplicateKey(entry.key.as_str().to_owned()).at(entry.key.pos)
                        );
                    }
                    self.out.push(opening);
                    opening = ',';
                    push_string(self.out, entry.key.as_str());
                    self.out.push(':');
                    self.node(&entry.value, false)?;
                }
                self.out.push_str(if entries.is_empty() { "{}" } else { "}" });
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn integer(&mut self, exact: impl std::fmt::Display, float: f64) {
        use std::fmt::Write;
        match self.integers {
            Integers::Exact => {
                let _ = write!(self.out, "{exact}");
            }
            Integers::Floats => float::push_json(self.out, float),
        }
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
pub(crate) fn push_string(out: &mut String, text: &str) {
    use std::fmt::Write;
    out.push('"');
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let Some(escape) = escape(c) else { continue };
        out.push_str(&text[start..at]);
        start = at + c.len_utf8();
        match escape {
            Escape::Short(short) => out.extend(['\\', short]),
            Escape::Code(code) => {
                let _ = write!(out, "\\u{code:04x}");
            }
        }
    }
    out.push_str(&text[start..]);
    out.push('"');
}

/// How many characters a string has as JSON, quotes included.
pub(crate) fn quoted_length(text: &str) -> usize {
    let length = |c| match escape(c) {
        None => 1,
        Some(Escape::Short(_)) => 2,
        Some(Escape::Code(_)) => 6,
    };
    text.chars().map(length).sum::<usize>() + 2
}
