//! JSON, as Go reads it.

use crate::error::{BuildError, ErrorKind};
use crate::yaml::{Entry, FileId, Key, MAX_DEPTH, Map, Node, Pos, Scalar, Seq, Str, Style, Tag, Value};

/// Parses a JSON text. Numbers keep their spelling; of equal keys the last one counts.
///
/// # Errors
/// The text is not JSON.
pub(super) fn parse(text: &str, file: FileId) -> Result<Node, BuildError> {
    let mut parser = Parser { text, at: 0, file, depth: 0 };
    parser.skip_space();
    let node = parser.value()?;
    parser.skip_space();
    if parser.at < text.len() {
        return Err(parser.fails("there is more after the end of the JSON text"));
    }
    Ok(node)
}

/// The token of a single value that starts at an offset of a JSON text.
pub(super) fn token(text: &str, offset: usize) -> Option<&str> {
    let rest = text.get(offset..)?;
    let bytes = rest.as_bytes();
    let length = if bytes.first() == Some(&b'"') {
        let mut at = 1;
        while *bytes.get(at)? != b'"' {
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
        at + 1
    } else {
        bytes
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
            .count()
    };
    rest.get(..length)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    file: FileId,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), BuildError> {
        if self.take(byte) {
            return Ok(());
        }
        Err(self.fails(&format!("expected `{}`", byte as char)))
    }

    fn pos(&self) -> Pos {
        Pos::new(self.file, u32::try_from(self.at).unwrap_or(u32::MAX))
    }

    fn fails(&self, message: &str) -> BuildError {
        BuildError::new(ErrorKind::Syntax, message)
            .at(self.pos())
            .with_help("a patch that starts with `[` must be JSON: for YAML, start its lines with `- `")
    }

    fn value(&mut self) -> Result<Node, BuildError> {
        let pos = self.pos();
        let value = match self.peek() {
            Some(b'{') => self.nested(Self::map)?,
            Some(b'[') => self.nested(Self::list)?,
            Some(b'"') => scalar(self.string()?, Tag::Str, Style::DoubleQuoted),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Node { pos, value })
    }

    fn nested(&mut self, parse: fn(&mut Self) -> Result<Value, BuildError>) -> Result<Value, BuildError> {
        self.depth += 1;
        if self.depth >= MAX_DEPTH {
            return Err(self.fails("maps and lists are nested too deep"));
        }
        self.at += 1;
        self.skip_space();
        let value = parse(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn map(&mut self) -> Result<Value, BuildError> {
        let mut entries = Vec::new();
        if self.take(b'}') {
            return Ok(Value::Map(Map::new()));
        }
        loop {
            let pos = self.pos();
            let text = self.string()?;
            let key = Key { pos, scalar: Scalar::new(text, Tag::Str, Style::DoubleQuoted) };
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            let value = self.value()?;
            entries.push(Entry { key, value });
            self.skip_space();
            if self.take(b'}') {
                return Ok(Value::Map(Map::from_entries(last_of_each(entries))));
            }
            self.expect(b',')?;
            self.skip_space();
        }
    }

    fn list(&mut self) -> Result<Value, BuildError> {
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Value::Seq(Seq::new()));
        }
        loop {
            items.push(self.value()?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::Seq(Seq::from_items(items)));
            }
            self.expect(b',')?;
            self.skip_space();
        }
    }

    fn word(&mut self) -> Result<Value, BuildError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        for (word, tag) in [("null", Tag::Null), ("true", Tag::Bool), ("false", Tag::Bool)] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(scalar(Str::new_static(word), tag, Style::Plain));
            }
        }
        Err(self.fails("expected a JSON value"))
    }

    fn number(&mut self) -> Result<Value, BuildError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        let mut tag = Tag::Int;
        if self.take(b'.') {
            tag = Tag::Float;
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            tag = Tag::Float;
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(scalar(self.text.get(start..self.at).unwrap_or_default(), tag, Style::Plain))
    }

    fn digits(&mut self) -> Result<(), BuildError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.fails("expected a digit")) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<Str, BuildError> {
        self.expect(b'"')?;
        let mut text = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let end = rest.find(|c| matches!(c, '"' | '\\' | '\0'..='\u{1f}')).unwrap_or(rest.len());
            text.push_str(&rest[..end]);
            self.at += end;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text.into());
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                _ => return Err(self.fails("a string must end on its line, with `\"`")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, BuildError> {
        let escape = self.peek();
        self.at += 1;
        Ok(match escape {
            Some(c @ (b'"' | b'\\' | b'/')) => c as char,
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => self.code()?,
            _ => {
                self.at -= 1;
                return Err(self.fails("unknown escape"));
            }
        })
    }

    /// The code after `\u`. Halves of pairs that stand alone become U+FFFD.
    fn code(&mut self) -> Result<char, BuildError> {
        let first = self.four_digits()?;
        if (0xD800..0xDC00).contains(&first)
            && self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u"))
        {
            let back = self.at;
            self.at += 2;
            let second = self.four_digits()?;
            if (0xDC00..0xE000).contains(&second) {
                let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four_digits(&mut self) -> Result<u32, BuildError> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.fails("expected four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }
}

fn scalar(text: impl AsRef<str>, tag: Tag, style: Style) -> Value {
    Value::Scalar(Scalar::new(text, tag, style))
}

/// Of entries with equal keys the last one.
fn last_of_each(entries: Vec<Entry>) -> Vec<Entry> {
    let mut seen = crate::collections::IndexSet::with_capacity_and_hasher(entries.len(), Default::default());
    if entries.iter().all(|entry| seen.insert(entry.key.as_str())) {
        drop(seen);
        return entries;
    }
    seen.clear();
    let keep: Vec<bool> = entries.iter().rev().map(|entry| seen.insert(entry.key.as_str())).collect();
    drop(seen);
    let keep = keep.into_iter().rev();
    entries.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(entry, _)| entry).collect()
}
