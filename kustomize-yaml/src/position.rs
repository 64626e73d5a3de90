//! Where a node came from: eight bytes now, a line and column only when an error is shown.

use crate::SourceText;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Number of a source text within one build's [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId(u32);

impl FileId {
    /// The text with this number. [`Sources::add`] numbers texts from 0; a number that it did not give is for texts
    /// that no error has to point into.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        FileId(number)
    }

    /// The number of texts that are no sources of the build: places in them cannot be shown.
    pub const UNKNOWN: FileId = FileId(u32::MAX - 1);
}

/// A byte offset in a source text. `Pos::NONE` marks nodes that a build made itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pos {
    file: u32,
    offset: u32,
}

impl Pos {
    /// The position of nodes that stand in no file.
    pub const NONE: Pos = Pos { file: u32::MAX, offset: 0 };

    /// The position `offset` bytes into `file`.
    #[must_use]
    pub const fn new(file: FileId, offset: u32) -> Self {
        Pos { file: file.0, offset }
    }

    /// The file, unless the node stands in none.
    #[must_use]
    pub const fn file(self) -> Option<FileId> {
        if self.file == u32::MAX { None } else { Some(FileId(self.file)) }
    }

    /// Bytes from the start of the file.
    #[must_use]
    pub const fn offset(self) -> u32 {
        self.offset
    }

    /// File and offset in one number, by which positions of one file are sorted.
    #[must_use]
    pub const fn pack(self) -> u64 {
        ((self.file as u64) << 32) | self.offset as u64
    }

    /// Whether the node stands in no file.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.file == u32::MAX
    }
}

impl Default for Pos {
    fn default() -> Self {
        Pos::NONE
    }
}

impl std::fmt::Debug for Pos {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.file() {
            None => f.write_str("-"),
            Some(file) => write!(f, "{}@{}", file.0, self.offset),
        }
    }
}

/// A text that nodes point into: a file of the host, a fetched document, or an inline patch.
#[derive(Debug)]
pub struct Source {
    /// What to call it in messages, normally the path.
    pub name: String,
    /// The text that offsets count in.
    pub text: SourceText,
    /// Where the text itself stands, when it is a scalar of another source (an inline patch).
    pub embedded_in: Option<Pos>,
}

/// All source texts of one build. Texts are only ever added.
#[derive(Debug, Default)]
pub struct Sources {
    list: RwLock<Vec<Arc<Source>>>,
    bytes: AtomicUsize,
}

impl Sources {
    /// Adds a text and numbers it.
    pub fn add(&self, name: impl Into<String>, text: SourceText, embedded_in: Option<Pos>) -> FileId {
        self.bytes.fetch_add(text.len(), Ordering::Relaxed);
        let source = Arc::new(Source { name: name.into(), text, embedded_in });
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        list.push(source);
        FileId(u32::try_from(list.len() - 1).unwrap_or(u32::MAX - 1))
    }

    /// Bytes of all texts together.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The text with this number.
    #[must_use]
    pub fn get(&self, file: FileId) -> Option<Arc<Source>> {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        list.get(file.0 as usize).cloned()
    }

    /// File, line and column of a position; `None` for [`Pos::NONE`].
    ///
    /// A position in an inline patch is named as the line of the file that the patch stands in,
    /// where that line can be told.
    #[must_use]
    pub fn location(&self, pos: Pos) -> Option<Location> {
        let source = self.get(pos.file()?)?;
        let offset = (pos.offset() as usize).min(source.text.len());
        match source.embedded_in.and_then(|outer| self.outer_offset(outer, &source.text, offset)) {
            Some(outer) => self.location(outer),
            None => Some(source.location(offset)),
        }
    }

    /// The same position in the text that `inner` is a scalar of. `outer` is where the scalar starts.
    fn outer_offset(&self, outer: Pos, inner: &str, offset: usize) -> Option<Pos> {
        let file = outer.file()?;
        let source = self.get(file)?;
        let start = outer.offset() as usize;
        let rest = source.text.get(start..)?;
        let at = match rest.as_bytes().first()? {
            b'|' => in_literal(rest, inner, offset)?,
            // Within quotes nothing is escaped and nothing folded if the text stands there as it is.
            b'\'' | b'"' => rest[1..].starts_with(inner).then_some(1 + offset)?,
            _ => rest.starts_with(inner).then_some(offset)?,
        };
        Some(Pos::new(file, u32::try_from(start + at).ok()?))
    }
}

/// The position in a literal block, header included, that an offset in its text stands for.
fn in_literal(block: &str, text: &str, offset: usize) -> Option<usize> {
    let (before, _) = text.split_at_checked(offset)?;
    let line = memchr::memchr_iter(b'\n', before.as_bytes()).count();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let wanted = text[line_start..].lines().next().unwrap_or_default();
    let start = memchr::memchr_iter(b'\n', block.as_bytes()).nth(line)? + 1;
    let found = block[start..].lines().next().unwrap_or_default();
    let indent = found.strip_suffix(wanted)?;
    indent.bytes().all(|byte| byte == b' ').then_some(start + indent.len() + offset - line_start)
}

impl Source {
    fn location(&self, offset: usize) -> Location {
        let text = self.text.as_bytes();
        let before = &text[..offset];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let line_end = memchr::memchr(b'\n', &text[offset..]).map_or(text.len(), |at| offset + at);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let column = String::from_utf8_lossy(&text[line_start..offset]).chars().count() + 1;
        let shown = String::from_utf8_lossy(&text[line_start..line_end.min(line_start + 4096)]);
        Location { file: self.name.clone(), line, column, text: shown.trim_end_matches('\r').to_owned() }
    }
}

/// A place in a source text, as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Location {
    /// Name of the source: its path, as the host knows it.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// The line itself, without its line break.
    pub text: String,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(outer: &str, start: usize, inner: &str, offset: u32) -> String {
        let sources = Sources::default();
        let file = sources.add("k.yaml", outer.into(), None);
        let start = Pos::new(file, u32::try_from(start).unwrap());
        let patch = sources.add("patch", inner.into(), Some(start));
        sources.location(Pos::new(patch, offset)).unwrap().to_string()
    }

    #[test]
    fn inline_texts_are_placed_in_their_file() {
        let outer = "a: 1\nb: |-  # c\n    x: 1\n\n      y: 2\nc: '{z: 3}'\nd: \"\\x7b\"\n";
        let block = outer.find('|').unwrap();
        assert_eq!(place(outer, block, "x: 1\n\n  y: 2", 0), "k.yaml:3:5");
        assert_eq!(place(outer, block, "x: 1\n\n  y: 2", 11), "k.yaml:5:10");
        assert_eq!(place(outer, outer.find('\'').unwrap(), "{z: 3}", 1), "k.yaml:6:6");
        // Where the text does not stand as it is, its own lines have to do.
        assert_eq!(place(outer, outer.find('"').unwrap(), "{", 0), "patch:1:1");
        assert_eq!(place(outer, block, "another text", 3), "patch:1:4");
    }
}
