//! The parts of a document in which `#` does not start a comment that could be kept.

use super::super::layout::DOCUMENT;
use super::super::properties::Properties;
use crate::yaml::{Node, Style, Value};

/// Ranges of the text in which `#` means nothing: quotes, block scalars, flow style.
pub(super) fn opaque_ranges(node: &Node, text: &str, ranges: &mut Vec<(usize, usize)>) {
    let start = Properties::at(text, node.pos.offset() as usize).content;
    let is_here = node.pos.file() == Some(DOCUMENT);
    let first = text.as_bytes().get(start).copied();
    match &node.value {
        Value::Scalar(scalar) if is_here => {
            let end = match scalar.style() {
                Style::Plain => return,
                Style::SingleQuoted | Style::DoubleQuoted => quoted_end(text, start),
                Style::Literal | Style::Folded => {
                    let header = line_end(text, start);
                    ranges.push((header, block_end(text, header, given_indent(text, start))));
                    return;
                }
            };
            ranges.push((start, end));
        }
        Value::Map(_) if is_here && first == Some(b'{') => ranges.push((start, flow_end(text, start))),
        Value::Seq(_) if is_here && first == Some(b'[') => ranges.push((start, flow_end(text, start))),
        Value::Map(map) => {
            for entry in map {
                if matches!(entry.key.scalar.style(), Style::SingleQuoted | Style::DoubleQuoted)
                    && entry.key.pos.file() == Some(DOCUMENT)
                {
                    let start = Properties::at(text, entry.key.pos.offset() as usize).content;
                    ranges.push((start, quoted_end(text, start)));
                }
                opaque_ranges(&entry.value, text, ranges);
            }
        }
        Value::Seq(seq) => seq.iter().for_each(|item| opaque_ranges(item, text, ranges)),
        Value::Scalar(_) => {}
    }
}

fn line_end(text: &str, from: usize) -> usize {
    text.get(from..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| from + at + 1)
}

/// Where a quoted scalar ends.
fn quoted_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let quote = bytes.get(start).copied();
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        if quote == Some(b'"') && *byte == b'\\' {
            at += 2;
        } else if Some(*byte) == quote {
            if quote == Some(b'\'') && bytes.get(at + 1) == Some(&b'\'') {
                at += 2;
            } else {
                return at + 1;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The indentation of a block scalar that says how deep it is, such as `|2`.
fn given_indent(text: &str, start: usize) -> Option<usize> {
    let (before, header) = text.split_at_checked(start)?;
    let digit = header.chars().skip(1).take(2).find_map(|c| c.to_digit(10))?;
    let line = before.rsplit('\n').next().unwrap_or_default().trim_end();
    let parent = match line.strip_suffix('-') {
        Some(item) => item.len(),
        None => line.len() - line.trim_start_matches([' ', '-', '?']).len(),
    };
    Some(parent + digit as usize)
}

/// Where a block scalar ends whose text starts on the line at `from`.
fn block_end(text: &str, from: usize, mut indent: Option<usize>) -> usize {
    let mut at = from;
    let mut end = from;
    for line in text.get(from..).unwrap_or_default().split_inclusive('\n') {
        let content = line.trim_start_matches(' ');
        at += line.len();
        if content.trim_end_matches(['\r', '\n']).is_empty() {
            continue;
        }
        let column = line.len() - content.len();
        if column == 0 || column < *indent.get_or_insert(column) {
            break;
        }
        end = at;
    }
    end
}

/// Where a collection in flow style ends.
fn flow_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut depth = 0usize;
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        let starts_word =
            at == 0 || matches!(bytes.get(at - 1), Some(b' ' | b'\t' | b'\n' | b'[' | b'{' | b',' | b':'));
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            b'"' | b'\'' if starts_word => {
                at = quoted_end(text, at);
                continue;
            }
            b'#' if starts_word => {
                at = line_end(text, at);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}
