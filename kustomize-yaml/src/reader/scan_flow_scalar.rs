//! Plain and quoted scalars.

use std::borrow::Cow;

use super::ReadError;
use super::scan::Scanner;
use crate::Style;

/// A plain scalar.
pub(super) struct Plain<'t> {
    pub(super) text: Cow<'t, str>,
    /// Where its last character ends; the scanner may be lines further.
    pub(super) end: usize,
    /// Whether line breaks were stepped over behind it.
    pub(super) lines_follow: bool,
}

/// Line breaks between two lines of a scalar.
#[derive(Default)]
struct Breaks {
    first: Option<&'static str>,
    further: String,
}

impl Breaks {
    fn add(&mut self, text: &'static str) {
        match self.first {
            None => self.first = Some(text),
            Some(_) => self.further.push_str(text),
        }
    }

    /// What they mean: a single break becomes a space, the first of several goes.
    fn fold_into(&mut self, text: &mut String) {
        match self.first {
            Some("\n") if self.further.is_empty() => text.push(' '),
            Some("\n") | None => {}
            Some(other) => text.push_str(other),
        }
        text.push_str(&self.further);
        self.first = None;
        self.further.clear();
    }
}

impl<'t> Scanner<'t> {
    pub(super) fn scan_plain(&mut self) -> Result<Plain<'t>, ReadError> {
        let start = self.at.pos;
        let flow = self.in_flow();
        let indent = self.indent + 1;
        let mut end = start;
        // Set from the second line on; the first is a slice of the text.
        let mut folded: Option<String> = None;
        let mut breaks = Breaks::default();
        loop {
            if self.at.is_document_indicator() || self.at.byte() == b'#' {
                break;
            }
            let from = self.at.pos;
            self.skip_plain_run(flow);
            if self.at.pos > from {
                if breaks.first.is_some() {
                    let text = folded.get_or_insert_with(|| self.at.text[start..end].to_owned());
                    breaks.fold_into(text);
                    text.push_str(self.at.slice(from));
                } else if let Some(text) = &mut folded {
                    text.push_str(&self.at.text[end..self.at.pos]);
                }
                end = self.at.pos;
            }
            if !self.at.is_blank() && self.at.break_length(0) == 0 {
                break;
            }
            while self.at.is_blank() || self.at.break_length(0) > 0 {
                if !self.at.is_blank() {
                    breaks.add(self.at.take_break());
                    continue;
                }
                if breaks.first.is_some() && self.at.column() < indent && self.at.byte() == b'\t' {
                    return Err(self
                        .error("a tab cannot be used for indentation", self.at.pos)
                        .with_help("use spaces instead"));
                }
                self.at.pos += 1;
            }
            if !flow && self.at.column() < indent {
                break;
            }
        }
        let lines_follow = breaks.first.is_some();
        let text = match folded {
            None => Cow::Borrowed(&self.at.text[start..end]),
            Some(text) => {
                self.note_folded(start);
                Cow::Owned(text)
            }
        };
        Ok(Plain { text, end, lines_follow })
    }

    /// Steps over what belongs to a plain scalar, up to a blank, a line break or an indicator.
    fn skip_plain_run(&mut self, flow: bool) {
        loop {
            self.at.skip_run(flow);
            match self.at.byte() {
                b':' if !self.at.is_blank_or_end(1) => {}
                0xc2 | 0xe2 if self.at.break_length(0) == 0 => {}
                _ => return,
            }
            self.at.pos += 1;
        }
    }

    pub(super) fn scan_quoted(&mut self) -> Result<(Cow<'t, str>, Style), ReadError> {
        let quote = self.at.byte();
        let style = if quote == b'\'' { Style::SingleQuoted } else { Style::DoubleQuoted };
        let start = self.at.pos;
        self.at.pos += 1;
        // Text is copied from the first escape or line break on.
        let mut copied: Option<String> = None;
        let mut from = self.at.pos;
        loop {
            self.at.skip_quoted_run();
            let byte = self.at.byte();
            match byte {
                0 => return Err(self.unclosed(start, self.at.pos)),
                b'\'' if quote == b'\'' && self.at.ahead(1) == b'\'' => {
                    copied.get_or_insert_default().push_str(&self.at.text[from..=self.at.pos]);
                    self.at.pos += 2;
                    from = self.at.pos;
                }
                _ if byte == quote => {
                    let rest = self.at.slice(from);
                    self.at.pos += 1;
                    let text = match copied {
                        None => Cow::Borrowed(rest),
                        Some(mut text) => {
                            text.push_str(rest);
                            Cow::Owned(text)
                        }
                    };
                    return Ok((text, style));
                }
                b'\\' if quote == b'"' => {
                    let text = copied.get_or_insert_default();
                    text.push_str(self.at.slice(from));
                    if self.at.break_length(1) > 0 {
                        self.at.pos += 1;
                        self.at.skip_break();
                        self.fold_quoted(text, start, true)?;
                    } else {
                        self.scan_escape(text)?;
                    }
                    from = self.at.pos;
                }
                b' ' | b'\t' => {
                    let blanks = self.at.pos;
                    self.at.skip_blanks();
                    if self.at.break_length(0) > 0 {
                        let text = copied.get_or_insert_default();
                        text.push_str(&self.at.text[from..blanks]);
                        self.fold_quoted(text, start, false)?;
                        from = self.at.pos;
                    }
                }
                _ if self.at.break_length(0) > 0 => {
                    let text = copied.get_or_insert_default();
                    text.push_str(self.at.slice(from));
                    self.fold_quoted(text, start, false)?;
                    from = self.at.pos;
                }
                _ => self.at.pos += 1,
            }
        }
    }

    /// Steps over line breaks, and blanks around them, inside quotes. `escaped` is said when a
    /// break before them was escaped, which leaves nothing of it.
    fn fold_quoted(&mut self, text: &mut String, start: usize, escaped: bool) -> Result<(), ReadError> {
        let mut breaks = Breaks::default();
        while self.at.is_blank() || self.at.break_length(0) > 0 {
            if self.at.is_blank() {
                self.at.pos += 1;
            } else if escaped {
                breaks.further.push_str(self.at.take_break());
            } else {
                breaks.add(self.at.take_break());
            }
        }
        breaks.fold_into(text);
        if self.at.is_document_indicator() {
            return Err(self.unclosed(start, self.at.pos));
        }
        Ok(())
    }

    fn unclosed(&self, start: usize, end: usize) -> ReadError {
        let what = if self.at.byte() == 0 { "the text ends" } else { "a document ends" };
        self.error(format!("{what} inside quotes"), end)
            .with_note("the quotes open here", self.origin.pos(start))
            .with_help("close the quotes")
    }

    fn scan_escape(&mut self, text: &mut String) -> Result<(), ReadError> {
        let start = self.at.pos;
        let digits = match self.at.ahead(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            other => {
                let plain = match other {
                    b'0' => "\0",
                    b'a' => "\x07",
                    b'b' => "\x08",
                    b't' | b'\t' => "\t",
                    b'n' => "\n",
                    b'v' => "\x0b",
                    b'f' => "\x0c",
                    b'r' => "\r",
                    b'e' => "\x1b",
                    b' ' => " ",
                    b'"' => "\"",
                    b'\'' => "'",
                    b'\\' => "\\",
                    b'N' => "\u{85}",
                    b'_' => "\u{a0}",
                    b'L' => "\u{2028}",
                    b'P' => "\u{2029}",
                    _ => return Err(self.unknown_escape(start)),
                };
                text.push_str(plain);
                self.at.pos += 2;
                return Ok(());
            }
        };
        let code = self.at.text.get(start + 2..start + 2 + digits);
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(code) = code.and_then(|code| u32::from_str_radix(code, 16).ok()) else {
            return Err(self.error(format!("this escape needs {digits} hexadecimal digits"), start));
        };
        let Some(character) = char::from_u32(code) else {
            return Err(self
                .error(format!("U+{code:04X} is no character"), start)
                .with_help("write characters beyond U+FFFF as \\U and eight digits"));
        };
        text.push(character);
        self.at.pos += 2 + digits;
        Ok(())
    }

    fn unknown_escape(&self, start: usize) -> ReadError {
        let escape = self.at.text[start + 1..].chars().next().unwrap_or(' ');
        let error = self.error(format!("'\\{escape}' is no escape that is known in double quotes"), start);
        match escape {
            '/' => error.with_help("write '/' without the backslash"),
            _ => error.with_help("write '\\\\' for a backslash, or use single quotes"),
        }
    }
}
