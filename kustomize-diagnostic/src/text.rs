//! Text of unknown origin, made fit for a terminal.

use unicode_width::UnicodeWidthChar;

/// Whether a character would move the cursor, change colours, or reorder what stands around it.
fn is_unfit(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether this is how hosts write a byte of a path that is not UTF-8.
fn stands_for_byte(letter: char) -> bool {
    matches!(letter, '\u{10fe80}'..='\u{10feff}')
}

/// A character as it is shown: unfit ones as their escape, tabs as blanks.
pub(super) fn push_fit(out: &mut String, letter: char) {
    match letter {
        '\t' => out.push_str("    "),
        '\u{feff}' => {}
        letter if stands_for_byte(letter) => out.push_str(&format!("\\x{:02x}", u32::from(letter) & 0xFF)),
        letter if is_unfit(letter) => out.extend(letter.escape_default()),
        letter => out.push(letter),
    }
}

/// A line of text with what would move a terminal's cursor, change its colours or reorder what
/// stands around it written as escapes.
#[must_use]
pub fn fit(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|letter| push_fit(&mut out, letter));
    out
}

/// A text of lines with what continuous integration would take for a command to itself written
/// otherwise: whoever prints text of unknown origin would give that origin a say in its variables.
///
/// Such are lines that begin with `::` (GitHub), and `##` before a word and a bracket anywhere in a line
/// (GitHub: `##[group]`, Azure: `##vso[…]`, TeamCity). `escape` writes the first character of these.
#[must_use]
pub fn inert(text: &str, escape: impl Fn(char) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let rest = line.trim_start();
        out.push_str(&line[..line.len() - rest.len()]);
        let mut rest = rest;
        if rest.starts_with("::") {
            out.push_str(&escape(':'));
            rest = &rest[1..];
        }
        while let Some(at) = rest.find("##") {
            let (before, marked) = rest.split_at(at);
            out.push_str(before);
            let behind =
                marked.trim_start_matches('#').trim_start_matches(|c: char| c.is_ascii_alphanumeric());
            if behind.starts_with('[') {
                out.push_str(&escape('#'));
            } else {
                out.push('#');
            }
            rest = &marked[1..];
        }
        out.push_str(rest);
    }
    out
}

/// As [`inert`], for people: with the characters written as in Rust.
#[must_use]
pub fn inert_for_people(text: &str) -> String {
    inert(text, |letter| letter.escape_unicode().to_string())
}

/// A text as it stands in XML; what may not stand there at all becomes a replacement character. Reports are printed to logs
/// as well, and so the text is made [`inert`].
#[must_use]
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in inert_for_people(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}')
            }
            letter => out.push(letter),
        }
    }
    out
}

/// The same for an attribute, in which line breaks would become blanks.
#[must_use]
pub fn xml_attribute(text: &str) -> String {
    xml(text).replace('\n', "&#10;")
}

/// Columns that a character takes on a terminal.
pub(super) fn width(letter: char) -> usize {
    match letter {
        '\t' => 4,
        '\u{feff}' => 0,
        letter if stands_for_byte(letter) => 4,
        letter if is_unfit(letter) => letter.escape_default().len(),
        letter => letter.width().unwrap_or(0),
    }
}

/// Characters of one line of a message: what it quotes may be as long as the input.
const LONGEST: usize = 1000;

/// Appends a message; its further lines are indented by `indent`, very long ones lose their middle.
pub(super) fn push_message(out: &mut String, message: &str, indent: usize) {
    for (number, line) in message.trim_end().lines().enumerate() {
        if number > 0 {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
        }
        let length = line.chars().count();
        if length <= LONGEST {
            line.chars().for_each(|letter| push_fit(out, letter));
            continue;
        }
        line.chars().take(LONGEST / 2).for_each(|letter| push_fit(out, letter));
        out.push('…');
        line.chars().skip(length - LONGEST / 2).for_each(|letter| push_fit(out, letter));
    }
}
