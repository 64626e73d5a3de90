//! Prints a tree exactly as kustomize prints a resource.
//!
//! kustomize takes a long way: it writes the tree with go-yaml v3, reads it again, writes JSON,
//! reads that with go-yaml v2 and writes YAML with it. Here it is one pass; what the way does to
//! single scalars is in [`mod@super::read_back`] and [`text`], its order of keys in [`sort`].

mod data;
mod flow;
mod keys;
mod letters;
mod literal;
mod quotes;
mod sort;
mod text;

pub use data::Data;
use keys::{duplicate, key_text};
pub(super) use keys::{is_common_key, string_entries};
pub use text::through_json;

use crate::float;
pub(crate) use crate::print_error::{MAX_DEPTH, PrintError, PrintProblem};
use crate::read_back::{ReadBack, Role, read_back};
use crate::{Entry, Map, Node, Pos, Scalar, Seq, Style, Tag, Value};

/// Longer keys are written on a line of their own, after `? `.
const LONGEST_SIMPLE_KEY: usize = 128;

/// Appends a resource as YAML, ending with a line break.
///
/// # Errors
/// What kustomize refuses, too: a value that does not fit its tag, duplicate keys, keys that
/// are no strings, infinite numbers, some characters. Nothing is appended then.
pub fn print(node: &Node, out: &mut String) -> Result<(), PrintError> {
    let start = out.len();
    let mut printer = Printer { out, order: Vec::new(), depth: 0 };
    let printed = printer.root(node);
    if printed.is_err() {
        out.truncate(start);
    }
    printed
}

/// The style in which a string is written.
pub(super) fn style_of(text: &str) -> Style {
    text::style_of(text)
}

struct Printer<'a> {
    out: &'a mut String,
    /// Stack of the sorted maps that are being printed: indexes of their entries.
    order: Vec<u32>,
    depth: usize,
}

/// Where a map or sequence starts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// On the line that is open, after an indicator and a space.
    Inline,
    /// On lines of its own.
    Line,
}

impl Printer<'_> {
    fn root(&mut self, node: &Node) -> Result<(), PrintError> {
        match &node.value {
            Value::Map(map) => {
                let entries = string_entries(map, true)?;
                if entries.is_empty() {
                    self.out.push_str("{}\n");
                }
                self.entries(entries.as_slice(), 0, Start::Line)?;
            }
            Value::Seq(_) | Value::Scalar(_) => return Err(PrintProblem::NotMap.at(node.pos)),
        }
        Ok(())
    }

    fn map(&mut self, map: &Map, indent: usize, start: Start) -> Result<(), PrintError> {
        let entries = string_entries(map, false)?;
        if entries.is_empty() {
            // Nothing but empty merge keys.
            if start == Start::Line {
                self.out.pop();
                self.out.push(' ');
            }
            self.out.push_str("{}\n");
            return Ok(());
        }
        self.entries(entries.as_slice(), indent, start)
    }

    /// Entries whose keys are strings.
    fn entries(&mut self, entries: &[Entry], indent: usize, start: Start) -> Result<(), PrintError> {
        if sort::is_in_order(entries.iter().map(|entry| entry.key.as_str())) {
            for (at, entry) in entries.iter().enumerate() {
                if at > 0 || start == Start::Line {
                    flow::push_indent(self.out, indent);
                }
                self.entry(entry, indent)?;
            }
            return Ok(());
        }
        let first = self.order.len();
        self.order.extend((0..).take(entries.len()));
        let key = |at: u32| entries.get(at as usize).map_or("", |entry| entry.key.as_str());
        if let Some(order) = self.order.get_mut(first..) {
            sort::sort(order, key).map_err(|twice| duplicate(&entries[twice as usize].key))?;
        }
        for slot in first..first + entries.len() {
            if slot > first || start == Start::Line {
                flow::push_indent(self.out, indent);
            }
            self.entry(&entries[self.order[slot] as usize], indent)?;
        }
        self.order.truncate(first);
        Ok(())
    }

    fn entry(&mut self, entry: &Entry, indent: usize) -> Result<(), PrintError> {
        let name = entry.key.as_str();
        if name.len() <= LONGEST_SIMPLE_KEY && quotes::is_word(name) {
            self.out.push_str(name);
        } else {
            let refused = |problem: PrintProblem| problem.at(entry.key.pos);
            let name = key_text(&entry.key)?;
            if name.len() > LONGEST_SIMPLE_KEY || text::has_lines(&name) {
                self.out.push_str("? ");
                if text::push(self.out, &name, indent + 2, false).map_err(refused)? {
                    self.out.push('\n');
                }
                flow::push_indent(self.out, indent);
                self.out.push(':');
                return self.after_indicator(&entry.value, indent + 2);
            }
            text::push(self.out, &name, indent + 2, true).map_err(refused)?;
        }
        match &entry.value.value {
            Value::Map(map) if !map.is_empty() => {
                self.out.push_str(":\n");
                self.deeper(entry.value.pos, |printer| printer.map(map, indent + 2, Start::Line))
            }
            Value::Seq(seq) if !seq.is_empty() => {
                self.out.push_str(":\n");
                self.deeper(entry.value.pos, |printer| printer.seq(seq, indent, Start::Line))
            }
            _ => {
                self.out.push(':');
                self.after_indicator(&entry.value, indent + 2)
            }
        }
    }

    fn seq(&mut self, seq: &Seq, indent: usize, start: Start) -> Result<(), PrintError> {
        for (at, item) in seq.iter().enumerate() {
            if at > 0 || start == Start::Line {
                flow::push_indent(self.out, indent);
            }
            self.out.push('-');
            self.after_indicator(item, indent + 2)?;
        }
        Ok(())
    }

    /// A node on the line of its indicator.
    fn after_indicator(&mut self, node: &Node, indent: usize) -> Result<(), PrintError> {
        self.out.push(' ');
        match &node.value {
            Value::Scalar(scalar) => {
                return self.scalar(scalar, indent).map_err(|problem| problem.at(node.pos));
            }
            Value::Map(map) if map.is_empty() => self.out.push_str("{}\n"),
            Value::Seq(seq) if seq.is_empty() => self.out.push_str("[]\n"),
            Value::Map(map) => {
                return self.deeper(node.pos, |printer| printer.map(map, indent, Start::Inline));
            }
            Value::Seq(seq) => {
                return self.deeper(node.pos, |printer| printer.seq(seq, indent, Start::Inline));
            }
        }
        Ok(())
    }

    fn deeper(
        &mut self,
        pos: Pos,
        print: impl FnOnce(&mut Self) -> Result<(), PrintError>,
    ) -> Result<(), PrintError> {
        if self.depth == MAX_DEPTH {
            return Err(PrintProblem::TooDeep.at(pos));
        }
        self.depth += 1;
        let printed = print(self);
        self.depth -= 1;
        printed
    }

    /// A scalar and the end of its line.
    fn scalar(&mut self, scalar: &Scalar, indent: usize) -> Result<(), PrintProblem> {
        // Most scalars are printed as they stand.
        let unchanged = match scalar.tag() {
            Tag::Str | Tag::None => quotes::is_word(scalar.text()),
            Tag::Int => scalar.style() == Style::Plain && is_canonical_integer(scalar.text()),
            _ => false,
        };
        if unchanged {
            self.out.push_str(scalar.text());
            self.out.push('\n');
            return Ok(());
        }
        let mut open = true;
        match read_back(scalar, Role::Value)? {
            ReadBack::Null => self.out.push_str("null"),
            ReadBack::Bool(value) => self.out.push_str(if value { "true" } else { "false" }),
            ReadBack::Int(value) => push_integer(self.out, value),
            ReadBack::Uint(value) => push_integer(self.out, value),
            ReadBack::Float(value) => float::push_yaml(self.out, value),
            ReadBack::Text(value) => open = text::push(self.out, &value, indent, false)?,
        }
        if open {
            self.out.push('\n');
        }
        Ok(())
    }
}

fn push_integer(out: &mut String, value: impl std::fmt::Display) {
    use std::fmt::Write;
    // Writing to a string does not fail.
    let _ = write!(out, "{value}");
}

/// Whether an integer is written as it will be printed.
fn is_canonical_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    match digits.as_bytes() {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.len() < 18 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
