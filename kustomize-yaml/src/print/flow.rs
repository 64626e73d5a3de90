//! Plain and quoted strings, folded at [`WIDTH`].

use crate::chars::{is_break, is_printable, push_escape};

/// Beyond this column a line is folded at the next space.
const WIDTH: usize = 80;

/// The column that the next character goes to.
fn column(out: &str) -> usize {
    let line = memchr::memrchr(b'\n', out.as_bytes()).map_or(0, |at| at + 1);
    out[line..].chars().rev().take_while(|c| !is_break(*c)).count()
}

fn push_line(out: &mut String, indent: usize) {
    out.push('\n');
    push_indent(out, indent);
}

/// Appends spaces.
pub(super) fn push_indent(out: &mut String, indent: usize) {
    const SPACES: &str = "                                                                ";
    let mut left = indent;
    while left > 0 {
        let some = left.min(SPACES.len());
        out.push_str(&SPACES[..some]);
        left -= some;
    }
}

pub(super) fn push_plain(out: &mut String, text: &str, indent: usize) {
    push_folded(out, text, indent, |out, part| out.push_str(part));
}

pub(super) fn push_single_quoted(out: &mut String, text: &str, indent: usize, key: bool) {
    let push_part = |out: &mut String, part: &str| {
        let mut parts = part.split('\'');
        out.extend(parts.next());
        for part in parts {
            out.extend(["''", part]);
        }
    };
    out.push('\'');
    if key {
        push_part(out, text);
    } else {
        push_folded(out, text, indent, push_part);
    }
    out.push('\'');
}

/// Appends a text of one line, folded at single spaces that stand beyond the width.
fn push_folded(out: &mut String, text: &str, indent: usize, push_part: impl Fn(&mut String, &str)) {
    // Bytes are at least as many as columns.
    let line = memchr::memrchr(b'\n', out.as_bytes()).map_or(0, |at| at + 1);
    if out.len() - line + text.len() <= WIDTH {
        push_part(out, text);
        return;
    }
    let bytes = text.as_bytes();
    let mut at_column = column(out);
    let mut start = 0;
    for space in memchr::memchr_iter(b' ', bytes) {
        if space == 0 || space == bytes.len() - 1 || bytes[space - 1] == b' ' || bytes[space + 1] == b' ' {
            continue;
        }
        let part = &text[start..space];
        let before = out.len();
        push_part(out, part);
        at_column += out[before..].chars().count();
        if at_column > WIDTH {
            push_line(out, indent);
            at_column = indent;
            start = space + 1;
        } else {
            start = space;
        }
    }
    push_part(out, &text[start..]);
}

/// Single quotes around U+2028 and U+2029, which go-yaml takes for line breaks: it writes them as
/// they are and indents what follows.
pub(super) fn push_single_quoted_lines(out: &mut String, text: &str, indent: usize) {
    out.push('\'');
    let mut at_column = column(out);
    let mut after_break = false;
    let mut rest = text.char_indices().peekable();
    let mut previous = None;
    while let Some((at, c)) = rest.next() {
        let next = rest.peek().map(|(_, c)| *c);
        if is_break(c) {
            out.push(c);
            at_column = 0;
        } else if c == ' '
            && at > 0
            && next.is_some_and(|next| next != ' ')
            && previous != Some(' ')
            && at_column > WIDTH
        {
            push_line(out, indent);
            at_column = indent;
        } else {
            if after_break {
                push_indent(out, indent);
                at_column = indent;
            }
            if c == '\'' {
                out.push(c);
                at_column += 1;
            }
            out.push(c);
            at_column += 1;
        }
        after_break = is_break(c);
        previous = Some(c);
    }
    out.push('\'');
}

pub(super) fn push_double_quoted(out: &mut String, text: &str, indent: usize, key: bool) {
    // go-yaml takes a byte order mark at the start for a mark on every character.
    let escape_all = text.starts_with('\u{feff}');
    out.push('"');
    let mut at_column = column(out);
    let mut previous_space = false;
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let next = rest.peek().map(|(_, c)| *c);
        if escape_all || !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
            let before = out.len();
            push_escape(out, c);
            at_column += out.len() - before;
            previous_space = false;
            continue;
        }
        if c == ' ' && !key && !previous_space && at_column > WIDTH && at > 0 && next.is_some() {
            push_line(out, indent);
            at_column = indent;
            if next == Some(' ') {
                out.push('\\');
                at_column += 1;
            }
        } else {
            out.push(c);
            at_column += 1;
        }
        previous_space = c == ' ';
    }
    out.push('"');
}
