//! Literal blocks.

use super::flow::push_indent;
use crate::chars::is_break;

/// A literal block. Returns whether its last line is left open.
pub(super) fn push_literal(out: &mut String, text: &str, indent: usize) -> bool {
    out.push('|');
    if text.starts_with(|c| c == ' ' || is_break(c)) {
        out.push('2');
    }
    let mut from_end = text.chars().rev();
    let ends = (from_end.next().is_some_and(is_break), from_end.next().is_none_or(is_break));
    match ends {
        (false, _) => out.push('-'),
        (true, true) => out.push('+'),
        (true, false) => {}
    }
    out.push('\n');
    let bytes = text.as_bytes();
    if memchr::memmem::find(bytes, "\u{2028}".as_bytes()).is_some()
        || memchr::memmem::find(bytes, "\u{2029}".as_bytes()).is_some()
    {
        push_lines(out, text, indent);
    } else {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            if end > start {
                push_indent(out, indent);
            }
            out.push_str(&text[start..=end]);
            start = end + 1;
        }
        if start < text.len() {
            push_indent(out, indent);
            out.push_str(&text[start..]);
        }
    }
    !ends.0
}

/// The lines of a literal block, with the rarer line breaks among them.
fn push_lines(out: &mut String, text: &str, indent: usize) {
    for line in text.split_inclusive(is_break) {
        if !line.starts_with(is_break) {
            push_indent(out, indent);
        }
        out.push_str(line);
    }
}
