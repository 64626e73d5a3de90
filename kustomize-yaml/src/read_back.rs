//! What a scalar is after kustomize has written it with go-yaml v3 and read it again, as it
//! does with every resource before it prints or hashes it.

use std::borrow::Cow;

use crate::chars::{is_break, is_printable};
use crate::print_error::PrintProblem;
use crate::resolve::{Dialect, Resolved, value};
use crate::{Scalar, Style, Tag};

/// A scalar as JSON knows it.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadBack<'a> {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer that only fits without a sign.
    Uint(u64),
    /// A float that is finite.
    Float(f64),
    /// A string.
    Text(Cow<'a, str>),
}

/// Where a scalar stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The key of a map.
    Key,
    /// A value of a map or an item of a sequence.
    Value,
}

/// Reads a scalar back.
///
/// A tag that fits the text goes without saying, so that quotes make a string of it; a tag that
/// does not fit is written, and must be obeyed.
pub fn read_back(scalar: &Scalar, role: Role) -> Result<ReadBack<'_>, PrintProblem> {
    let text = scalar.text();
    match scalar.tag() {
        Tag::Str | Tag::Merge | Tag::Other => read_text(scalar, role),
        Tag::None if scalar.style() != Style::Plain => read_text(scalar, role),
        Tag::None => match value(text, Dialect::V3) {
            Resolved::Str => read_text(scalar, role),
            // Nothing at all is written as quotes where a key is due.
            Resolved::Null if text.is_empty() && role == Role::Key => Ok(ReadBack::Text(Cow::Borrowed(""))),
            resolved => plain(resolved, text),
        },
        Tag::Binary => read_binary(text),
        Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp => {
            let resolved = value(text, Dialect::V3);
            match (resolved, scalar.tag()) {
                _ if resolved.tag() == scalar.tag() => {
                    if scalar.style() == Style::Plain && !(text.is_empty() && role == Role::Key) {
                        plain(resolved, text)
                    } else {
                        read_text(scalar, role)
                    }
                }
                #[allow(clippy::cast_precision_loss)] // as in kustomize
                (Resolved::Int(value), Tag::Float) => Ok(ReadBack::Float(value as f64)),
                (_, tag) => Err(PrintProblem::TagMismatch { tag, text: shortened(text) }),
            }
        }
    }
}

/// A scalar without quotes.
fn plain(resolved: Resolved, text: &str) -> Result<ReadBack<'_>, PrintProblem> {
    Ok(match resolved {
        Resolved::Str => ReadBack::Text(Cow::Borrowed(text)),
        Resolved::Null => ReadBack::Null,
        Resolved::Bool(value) => ReadBack::Bool(value),
        Resolved::Int(value) => ReadBack::Int(value),
        Resolved::Uint(value) => ReadBack::Uint(value),
        Resolved::Float(value) if value.is_finite() => ReadBack::Float(value),
        Resolved::Float(_) => return Err(PrintProblem::NotFinite(text.to_owned())),
        // Go refuses to print offsets of a day or more as JSON.
        Resolved::Timestamp(timestamp) if timestamp.offset.unsigned_abs() < 24 * 60 => {
            ReadBack::Text(Cow::Owned(timestamp.to_string()))
        }
        Resolved::Timestamp(_) => return Err(PrintProblem::TimestampOffset(text.to_owned())),
    })
}

/// Texts come back as they were, with two exceptions: block scalars that start with a tab are not
/// understood, and folded ones do not always fold back.
fn read_text(scalar: &Scalar, role: Role) -> Result<ReadBack<'_>, PrintProblem> {
    let text = scalar.text();
    let block = match scalar.style() {
        Style::Literal | Style::Folded => true,
        Style::Plain => text.starts_with('\t') && text.contains('\n'),
        Style::SingleQuoted | Style::DoubleQuoted => false,
    };
    if block && (scalar.style() == Style::Folded || text.starts_with('\t')) && is_written_as_block(text, role)
    {
        if text.starts_with('\t') {
            return Err(PrintProblem::LeadingTab);
        }
        return Ok(ReadBack::Text(refold(text)));
    }
    Ok(ReadBack::Text(Cow::Borrowed(text)))
}

/// Whether go-yaml v3 writes a text that asks for a block style in one; else it writes quotes.
fn is_written_as_block(text: &str, role: Role) -> bool {
    let mut after_space = false;
    let mut lines = false;
    for c in text.chars() {
        if !(c == '\t' || is_printable(c)) || (after_space && is_break(c)) {
            return false;
        }
        after_space = c == ' ';
        lines |= is_break(c);
    }
    // A key of one line and 128 bytes is a simple one, which takes no block.
    !(text.is_empty() || after_space || role == Role::Key && !lines && text.len() <= 128)
}

/// Folds a text as go-yaml v3 writes it and unfolds it as go-yaml v3 reads it.
///
/// Writing doubles each line break after a line that is not indented, unless the *first* line of
/// the text is blank at its start; reading takes lines that start with a blank as they are.
fn refold(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') {
        return Cow::Borrowed(text);
    }
    let folded = fold(text);
    let unfolded = unfold(&folded, chomping(text));
    if unfolded == text { Cow::Borrowed(text) } else { Cow::Owned(unfolded) }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// The lines of the block, without their indentation.
fn fold(text: &str) -> String {
    let doubles = text.chars().find(|c| !is_break(*c)).is_some_and(|c| !is_blank(c));
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let (mut at_line_start, mut indented) = (true, true);
    for c in text.chars() {
        if is_break(c) {
            if doubles && !at_line_start && !indented && c == '\n' {
                out.push('\n');
            }
            at_line_start = true;
        } else {
            if at_line_start {
                indented = is_blank(c);
            }
            at_line_start = false;
        }
        out.push(c);
    }
    out
}

/// What to do with the line breaks at the end of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

fn chomping(text: &str) -> Chomping {
    let mut from_end = text.chars().rev();
    match (from_end.next(), from_end.next()) {
        (Some(last), _) if !is_break(last) => Chomping::Strip,
        (Some(_), Some(before)) if !is_break(before) => Chomping::Clip,
        (None, _) => Chomping::Strip,
        _ => Chomping::Keep,
    }
}

fn unfold(block: &str, chomping: Chomping) -> String {
    let mut out = String::with_capacity(block.len());
    let mut rest = block;
    let mut leading_break: Option<char> = None;
    let mut after_blank_line = false;
    let trailing_breaks = loop {
        let (breaks, lines) = rest.split_at(rest.find(|c| !is_break(c)).unwrap_or(rest.len()));
        rest = lines;
        let Some(first) = rest.chars().next() else { break breaks };
        match leading_break {
            Some('\n') if !after_blank_line && !is_blank(first) => {
                out.push_str(if breaks.is_empty() { " " } else { "" });
            }
            Some(c) => out.push(c),
            None => {}
        }
        out.push_str(breaks);
        after_blank_line = is_blank(first);
        let end = rest.find(is_break).unwrap_or(rest.len());
        out.push_str(&rest[..end]);
        rest = &rest[end..];
        leading_break = rest.chars().next();
        rest = &rest[leading_break.map_or(0, char::len_utf8)..];
    };
    if chomping != Chomping::Strip {
        out.extend(leading_break);
    }
    if chomping == Chomping::Keep {
        out.push_str(trailing_breaks);
    }
    out
}

fn read_binary(text: &str) -> Result<ReadBack<'_>, PrintProblem> {
    binary_text(text).map(|text| ReadBack::Text(Cow::Owned(text))).ok_or(PrintProblem::Binary)
}

/// The text that a `!!binary` scalar stands for, in which bytes that are not UTF-8 become U+FFFD
/// each; `None` when it is not base64.
pub fn binary_text(base64: &str) -> Option<String> {
    let bytes = super::base64::decode(base64)?;
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Some(out)
}

fn shortened(text: &str) -> String {
    const LIMIT: usize = 60;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
