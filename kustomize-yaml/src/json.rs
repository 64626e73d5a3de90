//! JSON as Go's encoder writes it: compact, keys sorted by bytes, `<`, `>` and `&` escaped.

use std::fmt::Write;

use crate::float;
pub use crate::json_string::push_string;
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
