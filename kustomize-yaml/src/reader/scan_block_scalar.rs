//! Literal and folded block scalars.

use std::borrow::Cow;

use super::ReadError;
use super::scan::Scanner;
use crate::Style;

/// What becomes of the line breaks at the end.
#[derive(Clone, Copy, PartialEq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

impl<'t> Scanner<'t> {
    pub(super) fn scan_block_scalar(&mut self) -> Result<(Cow<'t, str>, Style), ReadError> {
        let start = self.at.pos;
        let literal = self.at.byte() == b'|';
        let style = if literal { Style::Literal } else { Style::Folded };
        self.at.pos += 1;
        let (chomp, increment) = self.scan_block_header(start)?;

        let mut indent = match increment {
            Some(increment) => self.indent.max(0) + increment,
            None => 0,
        };
        let mut text = String::new();
        let mut trailing = String::new();
        self.scan_block_breaks(&mut indent, &mut trailing)?;

        let mut leading: Option<&'static str> = None;
        let mut after_blank = false;
        while self.at.column() == indent && self.at.byte() != 0 {
            let on_blank = self.at.is_blank();
            match leading.take() {
                Some("\n") if !literal && !after_blank && !on_blank && trailing.is_empty() => text.push(' '),
                Some("\n") if !literal && !after_blank && !on_blank => {}
                Some(line_break) => text.push_str(line_break),
                None => {}
            }
            text.push_str(&trailing);
            trailing.clear();
            after_blank = on_blank;
            let from = self.at.pos;
            self.skip_block_line();
            text.push_str(self.at.slice(from));
            if self.at.break_length(0) > 0 {
                leading = Some(self.at.take_break());
            }
            self.scan_block_breaks(&mut indent, &mut trailing)?;
        }

        if chomp != Chomp::Strip {
            text.push_str(leading.unwrap_or_default());
        }
        if chomp == Chomp::Keep {
            text.push_str(&trailing);
        }
        Ok((Cow::Owned(text), style))
    }

    fn skip_block_line(&mut self) {
        let rest = &self.at.bytes[self.at.pos..];
        match memchr::memchr2(b'\n', b'\r', rest) {
            // NEL, LS and PS are breaks as well, but rare.
            Some(length) if rest[..length].is_ascii() => self.at.pos += length,
            _ => self.at.skip_line_rest(),
        }
    }

    /// Chomping and indentation indicators, in either order, and the rest of the line.
    fn scan_block_header(&mut self, start: usize) -> Result<(Chomp, Option<i32>), ReadError> {
        let mut chomp = Chomp::Clip;
        let mut increment = None;
        let mut chomp_given = false;
        for _ in 0..2 {
            match self.at.byte() {
                sign @ (b'+' | b'-') if !chomp_given => {
                    chomp = if sign == b'+' { Chomp::Keep } else { Chomp::Strip };
                    chomp_given = true;
                }
                b'0' if increment.is_none() => {
                    return Err(self.error("a block scalar cannot be indented by 0", self.at.pos));
                }
                digit @ b'1'..=b'9' if increment.is_none() => increment = Some(i32::from(digit - b'0')),
                _ => break,
            }
            self.at.pos += 1;
        }
        self.at.skip_blanks();
        if self.at.byte() == b'#' {
            self.at.skip_line_rest();
        }
        if !self.at.is_line_end() {
            let indicator = self.at.bytes[start] as char;
            return Err(self
                .error(
                    format!("the text of a block scalar starts on the line after '{indicator}'"),
                    self.at.pos,
                )
                .with_help(format!("put the value in quotes if it is to start with '{indicator}'")));
        }
        self.at.skip_break();
        Ok((chomp, increment))
    }

    /// Steps over indentation and empty lines. An indentation of 0 is not known yet, and is found.
    fn scan_block_breaks(&mut self, indent: &mut i32, breaks: &mut String) -> Result<(), ReadError> {
        let mut deepest = 0;
        loop {
            while (*indent == 0 || self.at.column() < *indent) && self.at.byte() == b' ' {
                self.at.pos += 1;
            }
            let column = self.at.column();
            deepest = deepest.max(column);
            if (*indent == 0 || column < *indent) && self.at.byte() == b'\t' {
                return Err(self
                    .error("a tab cannot be used for indentation", self.at.pos)
                    .with_help("use spaces instead"));
            }
            if self.at.break_length(0) == 0 {
                break;
            }
            breaks.push_str(self.at.take_break());
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}
