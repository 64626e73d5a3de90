//! Strings in the styles of go-yaml v2: plain, quoted, or as a literal block.

use std::borrow::Cow;

use super::PrintProblem;
use super::quotes::is_string_unquoted;
use crate::yaml::Style;
use crate::yaml::chars::{is_break, is_printable};

/// Beyond this column a line is folded at the next space.
const WIDTH: usize = 80;

/// What a byte of a text asks to look closer at.
mod class {
    pub(super) const COLON: u8 = 1;
    pub(super) const HASH: u8 = 2;
    pub(super) const SPACE: u8 = 4;
    pub(super) const BREAK: u8 = 8;
    pub(super) const ESCAPE: u8 = 16;
    /// Control characters and all that is not ASCII.
    pub(super) const CAREFUL: u8 = 32;

    pub(super) const OF: [u8; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = match byte as u8 {
                b':' => COLON,
                b'#' => HASH,
                b' ' => SPACE,
                b'\n' => BREAK,
                b'"' | b'\\' => ESCAPE,
                b'!'..=b'~' => 0,
                _ => CAREFUL,
            };
            byte += 1;
        }
        table
    };

    pub(super) fn of(text: &str) -> u8 {
        text.bytes().fold(0, |classes, byte| classes | OF[byte as usize])
    }
}

/// Which styles a text may take, apart from double quotes, which any may.
#[derive(Clone, Copy, Debug)]
struct Styles {
    plain: bool,
    single_quoted: bool,
    literal: bool,
    /// Whether there are line breaks, U+2028 and U+2029 among them.
    lines: bool,
}

/// What comes of a text on its way through JSON, which go-yaml v2 reads: U+0085 is taken for a
/// line break and folded, and some characters are refused.
pub(super) fn through_json(text: &str) -> Result<Cow<'_, str>, PrintProblem> {
    if class::of(text) & class::CAREFUL == 0 {
        return Ok(Cow::Borrowed(text));
    }
    let refused = |c: &char| matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    if let Some(c) = text.chars().find(refused) {
        return Err(PrintProblem::Character(c));
    }
    if !text.contains('\u{85}') {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{85}') {
        // Unlike other blanks, tabs are escaped in JSON, and do not count as such.
        out.push_str(rest[..at].trim_end_matches(' '));
        let after = rest[at..].trim_start_matches([' ', '\u{85}']);
        let run = &rest[at..rest.len() - after.len()];
        match run.matches('\u{85}').count() {
            1 => out.push(' '),
            lines => out.extend(std::iter::repeat_n('\n', lines - 1)),
        }
        let marker = after.starts_with("---") || after.starts_with("...");
        if marker
            && run.ends_with('\u{85}')
            && after[3..].chars().next().is_some_and(|c| matches!(c, ' ' | '\u{85}'))
        {
            return Err(PrintProblem::DocumentMarker);
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// Whether a text holds line breaks.
pub(super) fn has_lines(text: &str) -> bool {
    text.contains(is_break)
}

/// Appends a text. `indent` is where its further lines start. `key` keeps it on one line.
///
/// Returns whether the line is left open: a literal block ends with a line break of its own.
pub(super) fn push(out: &mut String, text: &str, indent: usize, key: bool) -> bool {
    let classes = class::of(text);
    if classes & class::CAREFUL != 0 {
        return push_careful(out, text, indent, key);
    }
    if classes & class::BREAK != 0 {
        if !text.ends_with(' ') && !text.contains(" \n") {
            return push_literal(out, text, indent);
        }
        push_double_quoted(out, text, indent, key);
    } else if !is_string_unquoted(text) {
        if classes & (class::ESCAPE | class::SPACE) == 0 {
            out.extend(["\"", text, "\""]);
        } else {
            push_double_quoted(out, text, indent, key);
        }
    } else if is_plain_ascii(text, classes) {
        if classes & class::SPACE == 0 || key {
            out.push_str(text);
        } else {
            push_plain(out, text, indent);
        }
    } else {
        push_single_quoted(out, text, indent, key);
    }
    true
}

/// The style in which [`push`] writes a text.
pub(super) fn style_of(text: &str) -> Style {
    let classes = class::of(text);
    let (plain, literal) = if classes & class::CAREFUL != 0 {
        let styles = analyze(text);
        if !styles.single_quoted && !text.contains('\n') {
            return Style::DoubleQuoted;
        }
        (styles.plain, styles.literal)
    } else {
        (!text.is_empty() && is_plain_ascii(text, classes), !text.ends_with(' ') && !text.contains(" \n"))
    };
    match text.contains('\n') {
        true if literal => Style::Literal,
        true => Style::DoubleQuoted,
        false if !is_string_unquoted(text) => Style::DoubleQuoted,
        false if plain => Style::Plain,
        false => Style::SingleQuoted,
    }
}

/// Whether an ASCII text of one line, not empty, may stand without quotes.
fn is_plain_ascii(text: &str, classes: u8) -> bool {
    let bytes = text.as_bytes();
    let blank_at = |at: usize| bytes.get(at).is_none_or(|byte| *byte == b' ');
    let starts_plain = match bytes[0] {
        b'#' | b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%'
        | b'@' | b'`' | b' ' => false,
        b'?' | b':' => !blank_at(1),
        b'-' => !blank_at(1) && !text.starts_with("---"),
        b'.' => !text.starts_with("..."),
        _ => true,
    };
    starts_plain
        && (classes & class::SPACE == 0 || !text.ends_with(' '))
        && (classes & class::COLON == 0 || memchr::memchr_iter(b':', bytes).all(|at| !blank_at(at + 1)))
        && (classes & class::HASH == 0
            || memchr::memchr_iter(b'#', bytes).all(|at| at > 0 && bytes[at - 1] != b' '))
}

/// Like [`push`], for texts with control characters or beyond ASCII.
fn push_careful(out: &mut String, text: &str, indent: usize, key: bool) -> bool {
    let styles = analyze(text);
    if text.contains('\n') {
        if styles.literal && !key {
            return push_literal(out, text, indent);
        }
        push_double_quoted(out, text, indent, key);
    } else if !is_string_unquoted(text) || !styles.single_quoted {
        push_double_quoted(out, text, indent, key);
    } else if styles.plain {
        if key {
            out.push_str(text);
        } else {
            push_plain(out, text, indent);
        }
    } else if styles.lines {
        push_single_quoted_lines(out, text, indent);
    } else {
        push_single_quoted(out, text, indent, key);
    }
    true
}

/// go-yaml's `analyze_scalar`, for texts that are not empty.
fn analyze(text: &str) -> Styles {
    let (mut special, mut lines, mut space_break, mut break_space, mut indicators) =
        (false, false, false, false, text.starts_with("---") || text.starts_with("..."));
    let (mut previous, mut rest) = (None, text.chars());
    while let Some(c) = rest.next() {
        let blank_follows = || rest.clone().next().is_none_or(|c| matches!(c, ' ' | '\t'));
        indicators |= match (previous, c) {
            (
                None,
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
                | '`',
            ) => true,
            (None, '?' | '-') | (_, ':') => blank_follows(),
            (Some(before), '#') => matches!(before, ' ' | '\t' | '\0') || is_break(before),
            _ => false,
        };
        special |= !is_printable(c);
        lines |= is_break(c);
        space_break |= is_break(c) && previous == Some(' ');
        break_space |= c == ' ' && previous.is_some_and(is_break);
        previous = Some(c);
    }
    let edge = |c: Option<char>| c.is_some_and(|c| c == ' ' || is_break(c));
    let edges = edge(text.chars().next()) || edge(previous);
    Styles {
        plain: !(edges || lines || special || indicators),
        single_quoted: !(break_space || space_break || special),
        literal: !(space_break || special || previous == Some(' ')),
        lines,
    }
}

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

fn push_plain(out: &mut String, text: &str, indent: usize) {
    push_folded(out, text, indent, |out, part| out.push_str(part));
}

fn push_single_quoted(out: &mut String, text: &str, indent: usize, key: bool) {
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
fn push_single_quoted_lines(out: &mut String, text: &str, indent: usize) {
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

fn push_double_quoted(out: &mut String, text: &str, indent: usize, key: bool) {
    // go-yaml takes a byte order mark at the start for a mark on every character.
    let escape_all = text.starts_with('\u{feff}');
    out.push('"');
    let mut at_column = column(out);
    let mut previous_space = false;
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let next = rest.peek().map(|(_, c)| *c);
        if escape_all || !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
            at_column += push_escape(out, c);
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

/// Appends an escape sequence; returns how long it is.
fn push_escape(out: &mut String, c: char) -> usize {
    use std::fmt::Write;
    let before = out.len();
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' | '\\' => c,
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(c);
            let _ = match code {
                0..=0xff => write!(out, "\\x{code:02X}"),
                0x100..=0xffff => write!(out, "\\u{code:04X}"),
                _ => write!(out, "\\U{code:08X}"),
            };
            return out.len() - before;
        }
    };
    out.push('\\');
    out.push(short);
    2
}

/// A literal block. Returns whether its last line is left open.
fn push_literal(out: &mut String, text: &str, indent: usize) -> bool {
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
