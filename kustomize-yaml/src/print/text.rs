//! Strings in the styles of go-yaml v2: plain, quoted, or as a literal block.

use std::borrow::Cow;

use super::PrintProblem;
use super::flow::{push_double_quoted, push_plain, push_single_quoted, push_single_quoted_lines};
use super::literal::push_literal;
use super::quotes::is_string_unquoted;
use crate::Style;
use crate::chars::{is_break, is_printable};

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
pub fn through_json(text: &str) -> Result<Cow<'_, str>, PrintProblem> {
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
///
/// # Errors
/// Those of [`through_json`].
pub(super) fn push(out: &mut String, text: &str, indent: usize, key: bool) -> Result<bool, PrintProblem> {
    let classes = class::of(text);
    if classes & class::CAREFUL == 0 {
        return Ok(push_ascii(out, text, classes, indent, key));
    }
    let text = through_json(text)?;
    Ok(match class::of(&text) {
        classes if classes & class::CAREFUL == 0 => push_ascii(out, &text, classes, indent, key),
        _ => push_careful(out, &text, indent, key),
    })
}

/// Appends a text of printable ASCII and line breaks.
fn push_ascii(out: &mut String, text: &str, classes: u8, indent: usize, key: bool) -> bool {
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

/// Like [`push_ascii`], for texts with control characters or beyond ASCII.
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
