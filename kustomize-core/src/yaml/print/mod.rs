//! Prints a tree exactly as the reference prints a resource.
//!
//! The reference takes a long way: it writes the tree with go-yaml v3, reads it again, writes JSON,
//! reads that with go-yaml v2 and writes YAML with it. Here it is one pass; what the way does to
//! single scalars is in [`super::read_back`] and [`text`], its order of keys in [`sort`].

mod error;
mod quotes;
mod sort;
mod text;

use std::borrow::Cow;

pub use error::{PrintError, PrintProblem};

use super::float;
use super::read_back::{ReadBack, Role, read_back};
use super::resolve::resolve;
use super::{Entry, Key, Map, Node, Pos, Scalar, Seq, Style, Tag, Value};

/// How deep maps and lists may be nested.
pub(crate) const MAX_DEPTH: usize = 1000;

/// Longer keys are written on a line of their own, after `? `.
const LONGEST_SIMPLE_KEY: usize = 128;

/// Appends a resource as YAML, ending with a line break.
///
/// # Errors
/// What the reference refuses, too: a value that does not fit its tag, duplicate keys, keys that
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
        self.entries(string_entries(map, false)?.as_slice(), indent, start)
    }

    /// Entries whose keys are strings.
    fn entries(&mut self, entries: &[Entry], indent: usize, start: Start) -> Result<(), PrintError> {
        let first = self.order.len();
        self.order.extend((0..).take(entries.len()));
        let key = |at: u32| entries.get(at as usize).map_or("", |entry| entry.key.as_str());
        if let Some(order) = self.order.get_mut(first..) {
            sort::sort(order, key);
            if let Some(twice) = sort::duplicate(order, key) {
                return Err(duplicate(&entries[twice as usize].key));
            }
        }
        for slot in first..first + entries.len() {
            if slot > first || start == Start::Line {
                text::push_indent(self.out, indent);
            }
            self.entry(&entries[self.order[slot] as usize], indent)?;
        }
        self.order.truncate(first);
        Ok(())
    }

    fn entry(&mut self, entry: &Entry, indent: usize) -> Result<(), PrintError> {
        let name = key_text(&entry.key)?;
        if name.len() > LONGEST_SIMPLE_KEY || text::has_lines(&name) {
            self.out.push_str("? ");
            if text::push(self.out, &name, indent + 2, false) {
                self.out.push('\n');
            }
            text::push_indent(self.out, indent);
            self.out.push(':');
            return self.after_indicator(&entry.value, indent + 2);
        }
        text::push(self.out, &name, indent + 2, true);
        self.out.push(':');
        match &entry.value.value {
            Value::Map(map) if !map.is_empty() => {
                self.out.push('\n');
                self.deeper(entry.value.pos, |printer| printer.map(map, indent + 2, Start::Line))
            }
            Value::Seq(seq) if !seq.is_empty() => {
                self.out.push('\n');
                self.deeper(entry.value.pos, |printer| printer.seq(seq, indent, Start::Line))
            }
            _ => self.after_indicator(&entry.value, indent + 2),
        }
    }

    fn seq(&mut self, seq: &Seq, indent: usize, start: Start) -> Result<(), PrintError> {
        for (at, item) in seq.iter().enumerate() {
            if at > 0 || start == Start::Line {
                text::push_indent(self.out, indent);
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
        if scalar.tag == Tag::Int && scalar.style == Style::Plain && is_canonical_integer(&scalar.text) {
            self.out.push_str(&scalar.text);
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
            ReadBack::Text(value) => open = text::push(self.out, &text::through_json(&value)?, indent, false),
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

/// Whether a key is a string as it stands, which nearly all are.
fn is_common_key(scalar: &Scalar) -> bool {
    match (scalar.tag, scalar.style) {
        (Tag::Str | Tag::None, Style::SingleQuoted | Style::DoubleQuoted) => true,
        (Tag::Str, Style::Plain) => scalar.text != "<<" && !scalar.text.starts_with('\t'),
        (Tag::None, Style::Plain) => {
            resolve(&scalar.text) == Tag::Str && scalar.text != "<<" && !scalar.text.starts_with('\t')
        }
        _ => false,
    }
}

/// The text of a key after its way through JSON.
fn key_text(key: &Key) -> Result<Cow<'_, str>, PrintError> {
    let text = text::through_json(key.as_str()).map_err(|problem| problem.at(key.pos))?;
    // A line break in a key of JSON keeps it from being one.
    if matches!(text, Cow::Owned(_)) {
        return Err(PrintProblem::Character('\u{85}').at(key.pos));
    }
    if text.len() > 1024 / 6 && super::json::quoted_length(&text) > 1024 {
        return Err(PrintProblem::KeyTooLong.at(key.pos));
    }
    Ok(text)
}

fn duplicate(key: &Key) -> PrintError {
    PrintProblem::DuplicateKey(key.as_str().to_owned()).at(key.pos)
}

/// A map with keys that are strings, whatever they look like; the map itself, nearly always.
pub(super) fn string_entries(map: &Map, root: bool) -> Result<Cow<'_, Map>, PrintError> {
    if map.iter().all(|entry| is_common_key(&entry.key.scalar)) {
        Ok(Cow::Borrowed(map))
    } else {
        flatten(map, root).map(Cow::Owned)
    }
}

/// A map as go-yaml v3 decodes it where keys are not all plain strings: merge keys (`<<`) are
/// resolved, and at the root, which it decodes into a map of strings, keys of other types become
/// strings and a null key is dropped.
fn flatten(map: &Map, root: bool) -> Result<Map, PrintError> {
    let mut flat = Map::new();
    let mut merged: Option<&Node> = None;
    for Entry { key, value } in map {
        if is_merge(&key.scalar) {
            if merged.replace(value).is_some() {
                return Err(duplicate(key));
            }
            continue;
        }
        let Some(text) = flat_key(&key.scalar, root).map_err(|problem| problem.at(key.pos))? else {
            continue;
        };
        let scalar = Scalar { text: text.into(), tag: Tag::Str, style: Style::DoubleQuoted };
        flat.push(Key { pos: key.pos, scalar }, value.clone());
    }
    match merged.map(|node| (&node.value, node.pos)) {
        None => {}
        Some((Value::Map(other), _)) => merge_into(&mut flat, other)?,
        Some((Value::Seq(others), pos)) => {
            for other in others {
                let other = other.as_map().ok_or_else(|| PrintProblem::Merge.at(pos))?;
                merge_into(&mut flat, other)?;
            }
        }
        Some((Value::Scalar(_), pos)) => return Err(PrintProblem::Merge.at(pos)),
    }
    Ok(flat)
}

/// The text of a key; nothing for a null at the root.
fn flat_key(key: &Scalar, root: bool) -> Result<Option<Cow<'_, str>>, PrintProblem> {
    let is_string = match key.tag {
        Tag::Str | Tag::Merge => true,
        Tag::Binary | Tag::Other => false,
        Tag::None | Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp => {
            resolve(&key.text) == Tag::Str || key.style != Style::Plain || key.text.is_empty()
        }
    };
    match read_back(key, Role::Key) {
        Err(PrintProblem::NotFinite(_) | PrintProblem::TimestampOffset(_)) if root => {
            Ok(Some(Cow::Borrowed(&key.text)))
        }
        Err(problem) => Err(problem),
        Ok(ReadBack::Text(text)) if is_string || root && key.tag == Tag::Binary => Ok(Some(text)),
        Ok(ReadBack::Null) if root => Ok(None),
        Ok(_) if root => Ok(Some(Cow::Borrowed(&key.text))),
        Ok(_) => Err(PrintProblem::KeyNotString(key.text.to_string())),
    }
}

fn merge_into(flat: &mut Map, other: &Map) -> Result<(), PrintError> {
    for Entry { key, value } in std::mem::take(flatten(other, false)?.entries_mut()) {
        if !flat.contains(key.as_str()) {
            flat.push(key, value);
        }
    }
    Ok(())
}

fn is_merge(key: &Scalar) -> bool {
    key.text == "<<"
        && (key.tag == Tag::Merge || matches!(key.tag, Tag::None | Tag::Str) && key.style == Style::Plain)
}

#[cfg(test)]
mod tests;
