//! Anchors, aliases, tags and directives.

use std::borrow::Cow;

use super::ReadError;
use super::cursor::{is_tag, is_word};
use super::scan::{Kind, Scanner};

impl<'t> Scanner<'t> {
    /// `&name` or `*name`.
    pub(super) fn scan_anchor(&mut self) -> Result<Kind<'t>, ReadError> {
        let start = self.at.pos;
        let alias = self.at.byte() == b'*';
        self.at.pos += 1;
        let name = self.scan_word();
        let ends = self.at.is_blank_or_end(0)
            || matches!(self.at.byte(), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            let (sign, what) = if alias { ('*', "an alias") } else { ('&', "an anchor") };
            return Err(self
                .error(format!("'{sign}' starts {what}, and a name of letters and digits must follow"), start)
                .with_help(format!("put the value in quotes if it is to start with '{sign}'")));
        }
        Ok(if alias { Kind::Alias(name) } else { Kind::Anchor(name) })
    }

    fn scan_word(&mut self) -> &'t str {
        let from = self.at.pos;
        while is_word(self.at.byte()) {
            self.at.pos += 1;
        }
        self.at.slice(from)
    }

    /// `!<uri>`, `!suffix`, `!handle!suffix` or `!`.
    pub(super) fn scan_tag(&mut self) -> Result<Kind<'t>, ReadError> {
        let start = self.at.pos;
        let (handle, suffix);
        if self.at.ahead(1) == b'<' {
            self.at.pos += 2;
            (handle, suffix) = ("", self.scan_tag_uri("", start)?);
            if self.at.byte() != b'>' {
                return Err(self.error("expected a '>' at the end of this tag", self.at.pos));
            }
            self.at.pos += 1;
        } else {
            let head = self.scan_tag_handle();
            if head.len() > 1 && head.ends_with('!') {
                (handle, suffix) = (head, self.scan_tag_uri("", start)?);
            } else {
                let uri = self.scan_tag_uri(head, start)?;
                (handle, suffix) = if uri.is_empty() { ("", Cow::Borrowed("!")) } else { ("!", uri) };
            }
        }
        if !self.at.is_blank_or_end(0) {
            return Err(self
                .error("a blank must follow a tag", self.at.pos)
                .with_help("put the value in quotes if it is to start with '!'"));
        }
        Ok(Kind::Tag { handle, suffix })
    }

    /// `!`, `!word` or `!word!`.
    fn scan_tag_handle(&mut self) -> &'t str {
        let from = self.at.pos;
        self.at.pos += 1;
        self.scan_word();
        if self.at.byte() == b'!' {
            self.at.pos += 1;
        }
        self.at.slice(from)
    }

    /// The rest of a tag behind `head`, which is `!word` or empty; `%` escapes are undone.
    fn scan_tag_uri(&mut self, head: &'t str, start: usize) -> Result<Cow<'t, str>, ReadError> {
        let from = self.at.pos;
        let mut escapes = false;
        while is_tag(self.at.byte()) {
            escapes |= self.at.byte() == b'%';
            self.at.pos += 1;
        }
        if head.is_empty() && self.at.pos == from {
            return Err(self.error("this tag has no name", start));
        }
        let from = from - head.len().saturating_sub(1);
        let uri = self.at.slice(from);
        if !escapes {
            return Ok(Cow::Borrowed(uri));
        }
        match unescape(uri) {
            Some(uri) => Ok(Cow::Owned(uri)),
            None => Err(self.error("'%' in a tag must start an escape such as %C3%A9", start)),
        }
    }

    /// `%YAML` or `%TAG`.
    pub(super) fn scan_directive(&mut self) -> Result<Kind<'t>, ReadError> {
        let start = self.at.pos;
        self.at.pos += 1;
        let name = self.scan_word();
        if name.is_empty() || !self.at.is_blank_or_end(0) {
            return Err(self
                .error("'%' at the start of a line starts a directive, and this is not one", start)
                .with_help("put the value in quotes if it is to start with '%'"));
        }
        self.at.skip_blanks();
        let kind = match name {
            "YAML" => {
                let major = self.scan_version_number(start)?;
                if self.at.byte() != b'.' {
                    return Err(self.error("expected a version such as 1.1", start));
                }
                self.at.pos += 1;
                let minor = self.scan_version_number(start)?;
                Kind::VersionDirective { major, minor }
            }
            "TAG" => self.scan_tag_directive(start)?,
            _ => return Err(self.error(format!("the directive %{name} is not known"), start)),
        };
        self.at.skip_blanks();
        if self.at.byte() == b'#' {
            self.at.skip_line_rest();
        }
        if !self.at.is_line_end() {
            return Err(self.error("nothing may follow a directive on its line", self.at.pos));
        }
        self.at.skip_break();
        Ok(kind)
    }

    fn scan_version_number(&mut self, start: usize) -> Result<u8, ReadError> {
        let from = self.at.pos;
        while self.at.byte().is_ascii_digit() {
            self.at.pos += 1;
        }
        let digits = self.at.slice(from);
        match digits.parse() {
            Ok(number) if digits.len() <= 2 => Ok(number),
            _ => Err(self.error("expected a version such as 1.1", start)),
        }
    }

    fn scan_tag_directive(&mut self, start: usize) -> Result<Kind<'t>, ReadError> {
        let wrong = |scanner: &Self| scanner.error("expected '%TAG !handle! prefix'", start);
        if self.at.byte() != b'!' {
            return Err(wrong(self));
        }
        let handle = self.scan_tag_handle();
        if handle != "!" && !(handle.len() > 1 && handle.ends_with('!')) || !self.at.is_blank() {
            return Err(wrong(self));
        }
        self.at.skip_blanks();
        let prefix = self.scan_tag_uri("", start)?;
        if !self.at.is_blank_or_end(0) {
            return Err(wrong(self));
        }
        Ok(Kind::TagDirective { handle, prefix })
    }
}

fn unescape(uri: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}
