//! From characters to tokens.
//!
//! The rules are libyaml's, which go-yaml v2 and v3 share: what a character means depends on the
//! indentation, on whether flow collections are open, and on whether a key may start here. A key
//! without `?` is known as one only when its `:` is met; its token then goes in front of it.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::ReadError;
use super::cursor::Cursor;
use super::input::Origin;
use crate::Style;

/// Deepest nesting. go-yaml stops at 10,000; what works on the tree is recursive, and no resource
/// is nearly as deep.
pub(super) const MAX_DEPTH: usize = 500;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind<'t> {
    StreamEnd,
    VersionDirective { major: u8, minor: u8 },
    TagDirective { handle: &'t str, prefix: Cow<'t, str> },
    DocumentStart,
    DocumentEnd,
    BlockSeqStart,
    BlockMapStart,
    BlockEnd,
    FlowSeqStart,
    FlowSeqEnd,
    FlowMapStart,
    FlowMapEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'t str),
    Anchor(&'t str),
    Tag { handle: &'t str, suffix: Cow<'t, str> },
    Scalar(Cow<'t, str>, Style),
}

#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A place where a key may have started.
#[derive(Clone, Copy, Debug, Default)]
struct SimpleKey {
    possible: bool,
    /// Whether nothing but a key can stand there.
    required: bool,
    /// Number of the token that the key would start with.
    token: usize,
    start: usize,
    column: i32,
}

/// Longest key without `?`, in characters.
const MAX_KEY: usize = 1024;

pub(super) struct Scanner<'t> {
    pub(super) at: Cursor<'t>,
    pub(super) origin: &'t Origin,
    pub(super) tokens: VecDeque<Token<'t>>,
    /// Number of tokens taken from the queue.
    taken: usize,
    pub(super) indent: i32,
    pub(super) indents: Vec<i32>,
    pub(super) key_allowed: bool,
    /// One place for each open flow collection, and one for the block around them.
    keys: Vec<SimpleKey>,
    /// Start of the last plain scalar that went over several lines, for better errors.
    pub(super) folded: Option<(usize, usize)>,
    /// Whether comments are skipped the way of go-yaml v3, which collects them.
    pub(super) collects_comments: bool,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str, origin: &'t Origin, collects_comments: bool) -> Self {
        Scanner {
            at: Cursor::new(text),
            origin,
            tokens: VecDeque::new(),
            taken: 0,
            indent: -1,
            indents: Vec::new(),
            key_allowed: true,
            keys: vec![SimpleKey::default()],
            folded: None,
            collects_comments,
        }
    }

    /// Starts anew at a place in a text.
    pub(super) fn start(&mut self, text: &'t str, pos: usize) {
        self.at = Cursor { pos, line_start: pos, ..Cursor::new(text) };
        self.tokens.clear();
        self.taken = 0;
        self.indent = -1;
        self.indents.clear();
        self.key_allowed = true;
        self.keys.clear();
        self.keys.push(SimpleKey::default());
        self.folded = None;
    }

    #[inline]
    pub(super) fn in_flow(&self) -> bool {
        self.keys.len() > 1
    }

    pub(super) fn error(&self, message: impl Into<String>, at: usize) -> ReadError {
        ReadError::new(message, self.origin.pos(at))
    }

    /// The next token, which stays in the queue.
    pub(super) fn peek(&mut self) -> Result<&Token<'t>, ReadError> {
        while self.tokens.is_empty() || self.head_may_become_key()? {
            self.fetch()?;
        }
        match self.tokens.front() {
            Some(token) => Ok(token),
            None => Err(ReadError::new("the text ends too early", self.origin.pos(self.at.pos))),
        }
    }

    /// Drops the token last peeked at.
    pub(super) fn skip(&mut self) {
        if self.tokens.pop_front().is_some() {
            self.taken += 1;
        }
    }

    /// The next token, taken from the queue.
    pub(super) fn take(&mut self) -> Result<Token<'t>, ReadError> {
        self.peek()?;
        self.taken += 1;
        self.tokens.pop_front().ok_or_else(|| self.error("the text ends too early", self.at.pos))
    }

    /// Scans until the queue holds this many tokens. go-yaml v3 looks two tokens ahead, and what
    /// it finds wrong there it reports, even behind the end of the document.
    pub(super) fn look_ahead(&mut self, count: usize) -> Result<(), ReadError> {
        while self.tokens.len() < count {
            self.fetch()?;
        }
        Ok(())
    }

    fn head_may_become_key(&mut self) -> Result<bool, ReadError> {
        // Keys of outer levels start earlier, so the first match is the one.
        let taken = self.taken;
        match self.keys.iter().position(|key| key.possible && key.token == taken) {
            Some(level) => self.key_is_valid(level),
            None => Ok(false),
        }
    }

    fn key_is_valid(&mut self, level: usize) -> Result<bool, ReadError> {
        let key = self.keys[level];
        if !key.possible {
            return Ok(false);
        }
        let length = self.at.pos - key.start;
        let too_long = || length > MAX_KEY && self.at.slice(key.start).chars().nth(MAX_KEY).is_some();
        if key.start < self.at.line_start || too_long() {
            if key.required {
                return Err(self.missing_colon(key.start));
            }
            self.keys[level].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    /// Notes that a key may start here.
    fn save_key(&mut self) -> Result<(), ReadError> {
        if !self.key_allowed {
            return Ok(());
        }
        self.remove_key()?;
        let key = SimpleKey {
            possible: true,
            required: !self.in_flow() && self.indent == self.at.column(),
            token: self.taken + self.tokens.len(),
            start: self.at.pos,
            column: self.at.column(),
        };
        if let Some(last) = self.keys.last_mut() {
            *last = key;
        }
        Ok(())
    }

    /// Gives up on a key at this level.
    fn remove_key(&mut self) -> Result<(), ReadError> {
        if let Some(&key) = self.keys.last()
            && key.possible
        {
            if key.required {
                return Err(self.missing_colon(key.start));
            }
            if let Some(last) = self.keys.last_mut() {
                last.possible = false;
            }
        }
        Ok(())
    }

    fn push(&mut self, kind: Kind<'t>, start: usize) {
        self.tokens.push_back(Token { kind, start, end: self.at.pos });
    }

    /// A token that is a single character.
    fn push_indicator(&mut self, kind: Kind<'t>) {
        let start = self.at.pos;
        self.at.pos += 1;
        self.push(kind, start);
    }

    /// Opens a block collection when the column is deeper than the indentation. Its token goes
    /// before token number `before`, else at the end.
    fn roll_indent(
        &mut self,
        column: i32,
        before: Option<usize>,
        kind: Kind<'t>,
        start: usize,
    ) -> Result<(), ReadError> {
        if self.in_flow() || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_DEPTH {
            return Err(self.too_deep(start));
        }
        let token = Token { kind, start, end: start };
        match before {
            Some(number) => self.tokens.insert(number - self.taken, token),
            None => self.tokens.push_back(token),
        }
        Ok(())
    }

    pub(super) fn too_deep(&self, at: usize) -> ReadError {
        self.error(format!("this is nested more than {MAX_DEPTH} levels deep"), at)
    }

    /// Closes block collections that are deeper than the column.
    fn unroll_indent(&mut self, column: i32) {
        if self.in_flow() {
            return;
        }
        while self.indent > column {
            self.push(Kind::BlockEnd, self.at.pos);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    /// Scans one more token, and those that its indentation closes or opens.
    fn fetch(&mut self) -> Result<(), ReadError> {
        self.skip_to_token();
        self.unroll_indent(self.at.column());
        let at_line_start = self.at.pos == self.at.line_start;
        let flow = self.in_flow();
        let start = self.at.pos;
        match self.at.byte() {
            0 => return self.fetch_stream_end(),
            b'%' if at_line_start => return self.fetch_directive(),
            b'-' | b'.' if self.at.is_document_indicator() => return self.fetch_document_indicator(),
            b'[' => self.fetch_flow_start(Kind::FlowSeqStart)?,
            b'{' => self.fetch_flow_start(Kind::FlowMapStart)?,
            b']' => self.fetch_flow_end(Kind::FlowSeqEnd)?,
            b'}' => self.fetch_flow_end(Kind::FlowMapEnd)?,
            b',' => {
                self.remove_key()?;
                self.key_allowed = true;
                self.push_indicator(Kind::FlowEntry);
            }
            b'-' if self.at.is_blank_or_end(1) => {
                // The comment after it belongs to what follows.
                return self.fetch_block_entry();
            }
            b'?' if flow || self.at.is_blank_or_end(1) => self.fetch_key()?,
            b':' if flow || self.at.is_blank_or_end(1) => self.fetch_value()?,
            b'*' | b'&' => {
                self.save_key()?;
                self.key_allowed = false;
                let kind = self.scan_anchor()?;
                self.push(kind, start);
            }
            b'!' => {
                self.save_key()?;
                self.key_allowed = false;
                let kind = self.scan_tag()?;
                self.push(kind, start);
            }
            b'|' | b'>' if !flow => {
                self.remove_key()?;
                self.key_allowed = true;
                let (text, style) = self.scan_block_scalar()?;
                self.push(Kind::Scalar(text, style), start);
                return Ok(());
            }
            b'\'' | b'"' => {
                self.save_key()?;
                self.key_allowed = false;
                let (text, style) = self.scan_quoted()?;
                self.push(Kind::Scalar(text, style), start);
            }
            byte if self.may_start_plain(byte) => {
                self.save_key()?;
                self.key_allowed = false;
                let plain = self.scan_plain()?;
                self.tokens.push_back(Token {
                    kind: Kind::Scalar(plain.text, Style::Plain),
                    start,
                    end: plain.end,
                });
                if plain.lines_follow {
                    self.key_allowed = true;
                    return Ok(());
                }
            }
            byte => return Err(self.cannot_start(byte)),
        }
        self.skip_line_comment();
        Ok(())
    }

    fn may_start_plain(&self, byte: u8) -> bool {
        match byte {
            b'-' => !matches!(self.at.ahead(1), b' ' | b'\t'),
            b'?' | b':' => !self.in_flow() && !self.at.is_blank_or_end(1),
            b'\t' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\''
            | b'"' | b'%' | b'@' | b'`' => false,
            _ => true,
        }
    }

    fn cannot_start(&self, byte: u8) -> ReadError {
        let at = self.at.pos;
        match byte {
            b'\t' => self.error("a tab cannot be used for indentation", at).with_help("use spaces instead"),
            _ => self
                .error(format!("a value cannot start with '{}'", byte as char), at)
                .with_help("put it in quotes"),
        }
    }

    /// Steps over blanks, comments and line breaks. A line break outside flow collections makes a
    /// key possible again.
    fn skip_to_token(&mut self) {
        loop {
            let tabs = self.in_flow() || !self.key_allowed;
            while self.at.byte() == b' ' || (tabs && self.at.byte() == b'\t') {
                self.at.pos += 1;
            }
            if self.at.byte() == b'#' {
                self.skip_comments();
            }
            if self.at.break_length(0) == 0 {
                return;
            }
            self.at.skip_break();
            if !self.in_flow() {
                self.key_allowed = true;
            }
        }
    }

    /// Steps over a comment. go-yaml v3 takes the comment lines that follow along, and with them
    /// whatever blanks they are indented with, tabs too.
    fn skip_comments(&mut self) {
        self.at.skip_line_rest();
        if !self.collects_comments {
            return;
        }
        loop {
            let mut ahead = self.at;
            while ahead.is_blank() || ahead.break_length(0) > 0 {
                if ahead.is_blank() {
                    ahead.pos += 1;
                } else {
                    ahead.skip_break();
                }
            }
            if ahead.byte() != b'#' {
                return;
            }
            ahead.skip_line_rest();
            self.at = ahead;
        }
    }

    /// Steps over a comment behind a token, tabs before it included (go-yaml v3).
    fn skip_line_comment(&mut self) {
        if !self.collects_comments {
            return;
        }
        let mut ahead = self.at;
        ahead.skip_blanks();
        if ahead.byte() == b'#' {
            ahead.skip_line_rest();
            self.at = ahead;
        }
    }

    fn fetch_stream_end(&mut self) -> Result<(), ReadError> {
        // The end is a line of its own, so nothing before it can become a key any more.
        self.at.line_start = self.at.pos;
        self.unroll_indent(-1);
        self.remove_key()?;
        self.key_allowed = false;
        self.push(Kind::StreamEnd, self.at.pos);
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<(), ReadError> {
        self.unroll_indent(-1);
        self.remove_key()?;
        self.key_allowed = false;
        let start = self.at.pos;
        let kind = self.scan_directive()?;
        self.push(kind, start);
        Ok(())
    }

    fn fetch_document_indicator(&mut self) -> Result<(), ReadError> {
        self.unroll_indent(-1);
        self.remove_key()?;
        self.key_allowed = false;
        let start = self.at.pos;
        let kind = if self.at.byte() == b'-' { Kind::DocumentStart } else { Kind::DocumentEnd };
        self.at.pos += 3;
        self.push(kind, start);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: Kind<'t>) -> Result<(), ReadError> {
        self.save_key()?;
        self.keys.push(SimpleKey::default());
        if self.keys.len() > MAX_DEPTH + 1 {
            return Err(self.too_deep(self.at.pos));
        }
        self.key_allowed = true;
        self.push_indicator(kind);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: Kind<'t>) -> Result<(), ReadError> {
        self.remove_key()?;
        if self.in_flow() {
            self.keys.pop();
        }
        self.key_allowed = false;
        self.push_indicator(kind);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), ReadError> {
        let start = self.at.pos;
        if !self.in_flow() {
            if !self.key_allowed {
                return Err(self
                    .error("a list item cannot start here", start)
                    .with_help("start the list on a line of its own"));
            }
            self.roll_indent(self.at.column(), None, Kind::BlockSeqStart, start)?;
        }
        self.remove_key()?;
        self.key_allowed = true;
        self.push_indicator(Kind::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), ReadError> {
        let start = self.at.pos;
        if !self.in_flow() {
            if !self.key_allowed {
                return Err(self.error("a key cannot start here", start));
            }
            self.roll_indent(self.at.column(), None, Kind::BlockMapStart, start)?;
        }
        self.remove_key()?;
        self.key_allowed = !self.in_flow();
        self.push_indicator(Kind::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), ReadError> {
        let level = self.keys.len() - 1;
        if self.key_is_valid(level)? {
            let key = self.keys[level];
            let token = Token { kind: Kind::Key, start: key.start, end: key.start };
            self.tokens.insert(key.token - self.taken, token);
            self.roll_indent(key.column, Some(key.token), Kind::BlockMapStart, key.start)?;
            self.keys[level].possible = false;
            self.key_allowed = false;
        } else {
            if !self.in_flow() {
                let start = self.at.pos;
                if !self.key_allowed {
                    return Err(self.misplaced_colon());
                }
                self.roll_indent(self.at.column(), None, Kind::BlockMapStart, start)?;
            }
            self.key_allowed = !self.in_flow();
        }
        self.push_indicator(Kind::Value);
        Ok(())
    }

    pub(super) fn note_folded(&mut self, start: usize) {
        self.folded = Some((start, self.at.line_start));
    }
}
