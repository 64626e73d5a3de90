//! A place in a text, and what stands there.

/// The kinds of characters that the grammar tells apart. A zero byte is the end of the text: the
/// text itself cannot hold one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'t> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) pos: usize,
    /// Where the current line starts.
    pub(super) line_start: usize,
}

/// Bytes that end a run of characters of a plain scalar, or may.
const ENDS_RUN: u8 = 1;
/// The same inside flow collections.
const ENDS_FLOW_RUN: u8 = 2;
/// Bytes that end a run of characters of a quoted scalar, or may.
const ENDS_QUOTED_RUN: u8 = 4;
/// Letters, digits, `-` and `_`: what anchors and tag handles are made of.
const WORD: u8 = 8;
/// What else may stand in a tag.
const TAG: u8 = 16;
/// What keys of block mappings that the fast path takes are made of.
pub(super) const EASY_KEY: u8 = 32;
/// Bytes that end a plain scalar of one line, or may.
pub(super) const ENDS_EASY_VALUE: u8 = 64;

static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let at = byte as u8;
        if matches!(at, 0 | b' ' | b'\t' | b'\r' | b'\n' | b':' | 0xc2 | 0xe2) {
            class[byte] |= ENDS_RUN | ENDS_FLOW_RUN;
        }
        if matches!(at, b'\n' | b':' | b'#') {
            class[byte] |= ENDS_EASY_VALUE;
        }
        if matches!(at, b',' | b'?' | b'[' | b']' | b'{' | b'}') {
            class[byte] |= ENDS_FLOW_RUN;
        }
        if matches!(at, 0 | b' ' | b'\t' | b'\r' | b'\n' | b'\'' | b'"' | b'\\' | 0xc2 | 0xe2) {
            class[byte] |= ENDS_QUOTED_RUN;
        }
        if at.is_ascii_alphanumeric() || matches!(at, b'-' | b'_') {
            class[byte] |= WORD;
        }
        if matches!(
            at,
            b';' | b'/'
                | b'?'
                | b':'
                | b'@'
                | b'&'
                | b'='
                | b'+'
                | b'$'
                | b','
                | b'.'
                | b'!'
                | b'~'
                | b'*'
                | b'\''
                | b'('
                | b')'
                | b'['
                | b']'
                | b'%'
        ) {
            class[byte] |= TAG;
        }
        if at.is_ascii_alphanumeric() || matches!(at, b'-' | b'_' | b'.' | b'/' | b'$') {
            class[byte] |= EASY_KEY;
        }
        byte += 1;
    }
    class
}

#[inline]
pub(super) fn is(byte: u8, class: u8) -> bool {
    CLASS[byte as usize] & class != 0
}

pub(super) fn is_word(byte: u8) -> bool {
    is(byte, WORD)
}

pub(super) fn is_tag(byte: u8) -> bool {
    is(byte, WORD | TAG)
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Cursor { text, bytes: text.as_bytes(), pos: 0, line_start: 0 }
    }

    /// The byte `ahead` of the current one; zero beyond the end.
    #[inline]
    pub(super) fn ahead(&self, ahead: usize) -> u8 {
        self.bytes.get(self.pos + ahead).copied().unwrap_or(0)
    }

    /// The current byte; zero at the end.
    #[inline]
    pub(super) fn byte(&self) -> u8 {
        self.ahead(0)
    }

    #[inline]
    pub(super) fn column(&self) -> i32 {
        // A text is shorter than 4 GiB, and what stands before a token on its line is short:
        // columns that do not fit are all the same to the grammar.
        i32::try_from(self.pos - self.line_start).unwrap_or(i32::MAX)
    }

    #[inline]
    pub(super) fn is_blank(&self) -> bool {
        matches!(self.byte(), b' ' | b'\t')
    }

    /// Length of the line break `ahead`, zero when there is none.
    #[inline]
    pub(super) fn break_length(&self, ahead: usize) -> usize {
        match self.ahead(ahead) {
            b'\n' => 1,
            b'\r' => 1 + usize::from(self.ahead(ahead + 1) == b'\n'),
            0xc2 if self.ahead(ahead + 1) == 0x85 => 2,
            0xe2 if self.ahead(ahead + 1) == 0x80 && matches!(self.ahead(ahead + 2), 0xa8 | 0xa9) => 3,
            _ => 0,
        }
    }

    /// Whether a blank, a line break or the end stands `ahead`.
    #[inline]
    pub(super) fn is_blank_or_end(&self, ahead: usize) -> bool {
        match self.ahead(ahead) {
            0 | b' ' | b'\t' | b'\n' | b'\r' => true,
            0xc2 | 0xe2 => self.break_length(ahead) > 0,
            _ => false,
        }
    }

    /// Whether a line break or the end stands here.
    #[inline]
    pub(super) fn is_line_end(&self) -> bool {
        self.byte() == 0 || self.break_length(0) > 0
    }

    /// Steps over the line break here, if there is one.
    #[inline]
    pub(super) fn skip_break(&mut self) {
        let length = self.break_length(0);
        if length > 0 {
            self.pos += length;
            self.line_start = self.pos;
        }
    }

    /// Steps over the line break here and gives what it means in a scalar: NEL is as good as `\n`,
    /// LS and PS stay.
    pub(super) fn take_break(&mut self) -> &'static str {
        let meaning = match (self.byte(), self.ahead(2)) {
            (0xe2, 0xa8) => "\u{2028}",
            (0xe2, _) => "\u{2029}",
            _ => "\n",
        };
        self.skip_break();
        meaning
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank() {
            self.pos += 1;
        }
    }

    /// Steps to the end of the line.
    pub(super) fn skip_line_rest(&mut self) {
        while !self.is_line_end() {
            // A byte within a character is no line end, so there is no need to step by characters.
            self.pos += 1;
        }
    }

    /// Steps over a run of characters that mean nothing but themselves.
    #[inline]
    pub(super) fn skip_run(&mut self, flow: bool) {
        self.skip_until(if flow { ENDS_FLOW_RUN } else { ENDS_RUN });
    }

    #[inline]
    pub(super) fn skip_quoted_run(&mut self) {
        self.skip_until(ENDS_QUOTED_RUN);
    }

    #[inline]
    fn skip_until(&mut self, class: u8) {
        let rest = &self.bytes[self.pos.min(self.bytes.len())..];
        self.pos += rest.iter().position(|byte| is(*byte, class)).unwrap_or(rest.len());
    }

    /// Whether `---` or `...` stands alone at the start of the line.
    #[inline]
    pub(super) fn is_document_indicator(&self) -> bool {
        self.pos == self.line_start
            && matches!(self.bytes.get(self.pos..self.pos + 3), Some(b"---" | b"..."))
            && self.is_blank_or_end(3)
    }

    pub(super) fn slice(&self, from: usize) -> &'t str {
        self.text.get(from..self.pos).unwrap_or_default()
    }
}
