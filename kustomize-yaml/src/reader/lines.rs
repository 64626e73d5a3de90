//! The short way through block collections of simple lines, which is nearly all of any manifest:
//! `key: plain`, `key:`, `- item`, `- key: plain`, quoted and block scalars among them.
//!
//! It makes the same nodes as the general code (`scan`, `parse`) without making tokens. Whatever it
//! does not know for sure it leaves to the general code, at a place where no tokens are waiting and
//! the stacks of indentations and open collections agree.

use std::cmp::Ordering;

use super::ReadError;
use super::build::Phase;
use super::cursor::{EASY_KEY, ENDS_EASY_VALUE, is};
use super::parse::Parser;
use crate::Style;

/// Where the general code takes over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spot {
    /// In the indentation of a line, or at its start.
    LineStart,
    /// Behind the `:` of a key.
    AfterColon,
    /// Behind the `-` of a list item.
    AfterDash,
}

/// What comes next, blank lines and comments aside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ahead {
    /// A line with content: its start, and where its indentation ends.
    Content { line: usize, at: usize },
    /// Nothing.
    End,
    /// A tab in an indentation, which the general code understands.
    Tab,
}

/// A scalar that starts and ends on one line.
struct OneLine<'t> {
    text: &'t str,
    style: Style,
    /// Where the line break behind it is, or the end of the text.
    line_end: usize,
}

/// A key, and where its colon is.
struct EasyKey<'t> {
    text: &'t str,
    style: Style,
    colon: usize,
}

/// What is known of the lines behind one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// The next line with content: its start, and where its indentation ends.
    Content { line: usize, at: usize },
    /// Nothing.
    Unknown,
}

/// A plain scalar, as far as its first line tells.
enum Line<'t> {
    One(OneLine<'t>, Next),
    Several,
    /// Not for the short way.
    Unknown,
}

impl<'t> Parser<'t> {
    /// Whether the short way may be tried: no tokens wait, and only block collections are open.
    pub(super) fn may_take_short_way(&self) -> bool {
        self.only_line_feeds && self.scan.tokens.is_empty() && !self.scan.in_flow()
    }

    /// Opens the map that a document is, if it starts with a simple key.
    pub(super) fn simple_start(&mut self) -> Result<bool, ReadError> {
        let Ahead::Content { line, at } = self.ahead(self.scan.at.pos) else { return Ok(false) };
        if self.easy_key(at).is_none() || !self.build.open(Phase::BlockMapKey, at, None) {
            return Ok(false);
        }
        self.go_to_line(line);
        self.indent(Self::column(line, at));
        Ok(true)
    }

    /// Reads on as long as lines are simple.
    pub(super) fn simple_lines(&mut self, from: Spot) -> Result<Spot, ReadError> {
        let mut spot = from;
        if spot == Spot::LineStart && !self.scan.key_allowed && !self.finish_line() {
            return Ok(spot);
        }
        loop {
            let next = match spot {
                Spot::LineStart => self.line_start()?,
                Spot::AfterColon => self.after_colon()?,
                Spot::AfterDash => self.after_dash()?,
            };
            let Some(next) = next else {
                self.scan.key_allowed = spot != Spot::AfterColon;
                return Ok(spot);
            };
            spot = next;
        }
    }

    fn byte_at(&self, at: usize) -> u8 {
        self.scan.at.bytes.get(at).copied().unwrap_or(0)
    }

    /// Moves on to the next line when nothing but a comment is left on this one.
    fn finish_line(&mut self) -> bool {
        match self.line_end_behind(self.scan.at.pos) {
            Some(end) if self.byte_at(end) == b'\n' => {
                self.go_to_line(end + 1);
                self.scan.key_allowed = true;
                true
            }
            _ => false,
        }
    }

    fn go_to_line(&mut self, start: usize) {
        self.scan.at.pos = start.min(self.scan.at.bytes.len());
        self.scan.at.line_start = self.scan.at.pos;
    }

    /// Where the line ends, if nothing but blanks and a comment stand from `at` on.
    #[inline]
    fn line_end_behind(&self, mut at: usize) -> Option<usize> {
        let bytes = self.scan.at.bytes;
        while let Some(b' ' | b'\t') = bytes.get(at) {
            at += 1;
        }
        match bytes.get(at) {
            None | Some(b'\n') => Some(at),
            Some(b'#') => Some(self.line_end(at)),
            Some(_) => None,
        }
    }

    #[inline]
    fn line_end(&self, at: usize) -> usize {
        let bytes = self.scan.at.bytes;
        memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length)
    }

    /// What stands at a line and behind it.
    #[inline]
    pub(super) fn ahead(&self, mut line: usize) -> Ahead {
        let bytes = self.scan.at.bytes;
        loop {
            let at = skip_spaces(bytes, line);
            match bytes.get(at) {
                Some(b'\n') => line = at + 1,
                Some(b'#') => line = self.line_end(at) + 1,
                Some(b'\t') => return Ahead::Tab,
                Some(_) => return Ahead::Content { line, at },
                None => return Ahead::End,
            }
        }
    }

    fn column(start: usize, at: usize) -> i32 {
        i32::try_from(at - start).unwrap_or(i32::MAX)
    }

    /// Closes what the next line is not part of, and goes on with what it is part of.
    fn line_start(&mut self) -> Result<Option<Spot>, ReadError> {
        let pos = self.scan.at.pos;
        // The indentation may be behind us already, when a block scalar ended here.
        let ahead = match std::mem::replace(&mut self.next, Next::Unknown) {
            Next::Content { line, at } => Ahead::Content { line, at },
            Next::Unknown => self.ahead(pos),
        };
        let (line, at) = match ahead {
            Ahead::Content { line, at } if line == pos => (self.scan.at.line_start, at),
            Ahead::Content { line, at } => (line, at),
            Ahead::End => {
                self.go_to_line(self.scan.at.bytes.len());
                self.close_deeper_than(-1)?;
                return Ok(None);
            }
            Ahead::Tab => return Ok(None),
        };
        self.scan.at.pos = at;
        self.scan.at.line_start = line;
        let column = Self::column(line, at);
        self.close_deeper_than(column)?;
        if self.build.is_done() || self.scan.indent != column {
            return Ok(None);
        }
        let is_item = self.is_dash(at);
        match self.build.phase() {
            Phase::BlockSeq | Phase::IndentlessSeq if is_item => {
                self.scan.at.pos = at + 1;
                Ok(Some(Spot::AfterDash))
            }
            Phase::IndentlessSeq => {
                self.build.close()?;
                self.key(at)
            }
            Phase::BlockMapKey if !is_item => self.key(at),
            _ => Ok(None),
        }
    }

    /// Closes the collections that are indented deeper than a column.
    #[inline]
    fn close_deeper_than(&mut self, column: i32) -> Result<(), ReadError> {
        while self.scan.indent > column {
            if self.build.phase() == Phase::IndentlessSeq {
                self.build.close()?;
            }
            self.build.close()?;
            self.scan.indent = self.scan.indents.pop().unwrap_or(-1);
        }
        Ok(())
    }

    fn is_dash(&self, at: usize) -> bool {
        self.byte_at(at) == b'-' && matches!(self.byte_at(at + 1), 0 | b' ' | b'\t' | b'\n')
    }

    /// Takes a key and its colon.
    #[inline]
    fn key(&mut self, at: usize) -> Result<Option<Spot>, ReadError> {
        match self.easy_key(at) {
            Some(key) => self.take_key(&key, at).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn take_key(&mut self, key: &EasyKey<'t>, at: usize) -> Result<Spot, ReadError> {
        self.build.easy_key(key.text, key.style, at)?;
        self.scan.at.pos = key.colon + 1;
        Ok(Spot::AfterColon)
    }

    /// The key at a place, if there is an easy one.
    #[inline]
    fn easy_key(&self, at: usize) -> Option<EasyKey<'t>> {
        const MAX_KEY: usize = 1024;
        let bytes = self.scan.at.bytes;
        let (from, to, colon, style) = match bytes.get(at)? {
            b'"' => {
                let end = self.closing_quote(at)?;
                (at + 1, end, end + 1, Style::DoubleQuoted)
            }
            b'\'' => {
                let end = self.closing_quote(at)?;
                (at + 1, end, end + 1, Style::SingleQuoted)
            }
            _ => {
                let length = bytes[at..].iter().position(|byte| !is(*byte, EASY_KEY))?;
                (at, at + length, at + length, Style::Plain)
            }
        };
        let easy = colon > at
            && colon - at <= MAX_KEY
            && bytes.get(colon) == Some(&b':')
            && matches!(bytes.get(colon + 1), Some(b' ' | b'\n'));
        if easy { Some(EasyKey { text: self.scan.at.text.get(from..to)?, style, colon }) } else { None }
    }

    /// Where a quoted scalar ends, if it does on this line and without any escape.
    #[inline]
    fn closing_quote(&self, at: usize) -> Option<usize> {
        let bytes = self.scan.at.bytes;
        let rest = &bytes[at + 1..];
        let end = match bytes[at] {
            b'"' => memchr::memchr3(b'"', b'\\', b'\n', rest)?,
            _ => memchr::memchr2(b'\'', b'\n', rest)?,
        } + at
            + 1;
        (bytes[end] == bytes[at] && (bytes[at] == b'"' || self.byte_at(end + 1) != b'\'')).then_some(end)
    }

    /// The value of a key: on this line, on the next, or none.
    fn after_colon(&mut self) -> Result<Option<Spot>, ReadError> {
        let colon_end = self.scan.at.pos;
        let at = self.skip_spaces(colon_end);
        match self.byte_at(at) {
            0 | b'\n' | b'#' => {
                if at == colon_end && self.byte_at(at) == b'#' {
                    return Ok(None);
                }
            }
            _ => return self.value(at),
        }
        let Ahead::Content { line, at: content } = self.ahead(self.line_end(at) + 1) else { return Ok(None) };
        let column = Self::column(line, content);
        let is_item = self.is_dash(content);
        let key = if is_item { None } else { self.easy_key(content) };
        let phase = match column.cmp(&self.scan.indent) {
            Ordering::Greater if is_item => Phase::BlockSeq,
            Ordering::Greater if key.is_some() => Phase::BlockMapKey,
            Ordering::Equal if is_item => Phase::IndentlessSeq,
            // Some values need not be indented deeper than their key: those of block scalars.
            Ordering::Greater | Ordering::Equal if key.is_none() => return Ok(None),
            _ => {
                self.build.empty(colon_end)?;
                self.go_to_line(line);
                return Ok(Some(Spot::LineStart));
            }
        };
        if !self.build.open(phase, content, None) {
            return Ok(None);
        }
        self.go_to_line(line);
        if phase != Phase::IndentlessSeq {
            self.indent(column);
        }
        if let Some(key) = key {
            return self.take_key(&key, content).map(Some);
        }
        self.scan.at.pos = content + 1;
        Ok(Some(Spot::AfterDash))
    }

    fn indent(&mut self, column: i32) {
        self.scan.indents.push(self.scan.indent);
        self.scan.indent = column;
    }

    /// An item on the line of its dash: a value, or a collection that starts there.
    fn after_dash(&mut self) -> Result<Option<Spot>, ReadError> {
        let at = self.skip_spaces(self.scan.at.pos);
        let column = Self::column(self.scan.at.line_start, at);
        if self.is_dash(at) {
            if !self.build.open(Phase::BlockSeq, at, None) {
                return Ok(None);
            }
            self.indent(column);
            self.scan.at.pos = at + 1;
            return Ok(Some(Spot::AfterDash));
        }
        if let Some(key) = self.easy_key(at) {
            if !self.build.open(Phase::BlockMapKey, at, None) {
                return Ok(None);
            }
            self.indent(column);
            return self.take_key(&key, at).map(Some);
        }
        if matches!(self.byte_at(at), 0 | b'\n' | b'#') {
            return Ok(None);
        }
        self.value(at)
    }

    /// Between a key or dash and its value there is mostly one space.
    #[inline]
    fn skip_spaces(&self, mut at: usize) -> usize {
        while self.byte_at(at) == b' ' {
            at += 1;
        }
        at
    }

    /// A scalar or empty collection, and the rest of its line.
    #[inline]
    fn value(&mut self, at: usize) -> Result<Option<Spot>, ReadError> {
        let line_end = match self.byte_at(at) {
            b'|' | b'>' => {
                self.scan.at.pos = at;
                let (text, style) = self.scan.scan_block_scalar()?;
                self.build.easy_scalar(&text, style, at)?;
                self.scan.key_allowed = true;
                return Ok(Some(Spot::LineStart));
            }
            b'"' | b'\'' => match self.one_line_quoted(at) {
                Some(scalar) => {
                    self.build.easy_scalar(scalar.text, scalar.style, at)?;
                    scalar.line_end
                }
                None => return self.any_quoted(at),
            },
            open @ (b'[' | b'{') => {
                if self.byte_at(at + 1) != open + 2 {
                    return Ok(None);
                }
                let Some(line_end) = self.line_end_behind(at + 2) else { return Ok(None) };
                self.build.empty_collection(open == b'[', at)?;
                line_end
            }
            _ => match self.plain(at) {
                Line::One(scalar, next) => {
                    self.build.easy_scalar(scalar.text, scalar.style, at)?;
                    self.next = next;
                    scalar.line_end
                }
                Line::Several => return self.folded_plain(at),
                Line::Unknown => return Ok(None),
            },
        };
        self.go_to_line(line_end + 1);
        Ok(Some(Spot::LineStart))
    }

    fn one_line_quoted(&self, at: usize) -> Option<OneLine<'t>> {
        let end = self.closing_quote(at)?;
        let line_end = self.line_end_behind(end + 1)?;
        let style = if self.byte_at(at) == b'"' { Style::DoubleQuoted } else { Style::SingleQuoted };
        Some(OneLine { text: self.scan.at.text.get(at + 1..end)?, style, line_end })
    }

    /// A quoted scalar with escapes, or of several lines.
    fn any_quoted(&mut self, at: usize) -> Result<Option<Spot>, ReadError> {
        let before = self.scan.at;
        self.scan.at.pos = at;
        let (text, style) = self.scan.scan_quoted()?;
        let Some(line_end) = self.line_end_behind(self.scan.at.pos) else {
            self.scan.at = before;
            return Ok(None);
        };
        self.build.easy_scalar(&text, style, at)?;
        self.go_to_line(line_end + 1);
        Ok(Some(Spot::LineStart))
    }

    /// A plain scalar of several lines.
    fn folded_plain(&mut self, at: usize) -> Result<Option<Spot>, ReadError> {
        let before = self.scan.at;
        self.scan.at.pos = at;
        let plain = self.scan.scan_plain()?;
        if !plain.lines_follow {
            self.scan.at = before;
            return Ok(None);
        }
        self.build.easy_scalar(&plain.text, Style::Plain, at)?;
        self.scan.key_allowed = true;
        Ok(Some(Spot::LineStart))
    }

    /// How far the plain scalar at a place goes.
    #[inline]
    fn plain(&self, at: usize) -> Line<'t> {
        let bytes = self.scan.at.bytes;
        match self.byte_at(at) {
            b'-' | b'?' | b':' => {
                if matches!(self.byte_at(at + 1), 0 | b' ' | b'\t' | b'\n') {
                    return Line::Unknown;
                }
            }
            b'\t' | b'\n' | b',' | b']' | b'}' | b'#' | b'&' | b'*' | b'!' | b'%' | b'@' | b'`' => {
                return Line::Unknown;
            }
            _ => {}
        }
        const SHORT: usize = 32;
        // Most are so short that any other way to look would take longer to set up than this.
        let short = bytes[at..].iter().take(SHORT).position(|byte| is(*byte, ENDS_EASY_VALUE));
        let (line_end, mut length, has_comment) = match short {
            Some(length) if bytes[at + length] == b'\n' => (at + length, length, false),
            _ => {
                let line_end = self.line_end(at);
                let Some((length, has_comment)) = before_comment(&bytes[at..line_end]) else {
                    return Line::Unknown;
                };
                (line_end, length, has_comment)
            }
        };
        let line = &bytes[at..line_end];
        while length > 0 && matches!(line[length - 1], b' ' | b'\t') {
            length -= 1;
        }
        // A comment ends the scalar for good.
        let next = match has_comment {
            true => Next::Unknown,
            false => match self.behind_plain(line_end) {
                Some(next) => next,
                None => return Line::Several,
            },
        };
        let text = self.scan.at.text.get(at..at + length).unwrap_or_default();
        Line::One(OneLine { text, style: Style::Plain, line_end }, next)
    }

    /// What follows a plain scalar that reaches the end of a line; `None` when it may go on there.
    #[inline]
    fn behind_plain(&self, line_end: usize) -> Option<Next> {
        let bytes = self.scan.at.bytes;
        let mut line = line_end + 1;
        loop {
            let at = skip_spaces(bytes, line);
            match bytes.get(at) {
                None | Some(b'#') => return Some(Next::Unknown),
                Some(b'\t') => return None,
                Some(b'\n') => line = at + 1,
                Some(_) if Self::column(line, at) > self.scan.indent => return None,
                Some(_) => return Some(Next::Content { line, at }),
            }
        }
    }
}

/// The first byte from `at` on that is no space.
#[inline]
fn skip_spaces(bytes: &[u8], mut at: usize) -> usize {
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
    while let Some(Ok(eight)) = bytes.get(at..at + 8).map(<[u8; 8]>::try_from) {
        let others = u64::from_le_bytes(eight) ^ SPACES;
        if others != 0 {
            return at + others.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

/// How much of a line comes before a comment, and whether there is one; `None` where a colon makes a
/// key of it.
fn before_comment(line: &[u8]) -> Option<(usize, bool)> {
    for found in memchr::memchr2_iter(b':', b'#', line) {
        if line[found] == b'#' {
            if found > 0 && matches!(line[found - 1], b' ' | b'\t') {
                return Some((found, true));
            }
        } else if matches!(line.get(found + 1), None | Some(b' ' | b'\t')) {
            return None;
        }
    }
    Some((line.len(), false))
}
