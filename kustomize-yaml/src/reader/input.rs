//! The text as kustomize sees it before it parses: which characters it may hold, what counts
//! as a line break, and where a byte stood in the text that was given.

use std::borrow::Cow;
use std::sync::atomic::AtomicUsize;

use super::ReadError;
use crate::{FileId, Pos};

/// Where the bytes of a text come from.
#[derive(Debug)]
pub(super) struct Origin {
    file: FileId,
    /// Offsets, in the text that is read, before which a carriage return was removed.
    removed: Vec<u32>,
    /// How many nodes its documents have come to so far.
    pub(super) made: AtomicUsize,
}

impl Origin {
    /// The position of the byte at an offset.
    #[inline]
    pub(super) fn pos(&self, offset: usize) -> Pos {
        let mut at = offset;
        if !self.removed.is_empty() {
            at += self.removed.partition_point(|removed| (*removed as usize) <= offset);
        }
        Pos::new(self.file, u32::try_from(at).unwrap_or(u32::MAX))
    }
}

/// A text that may be parsed.
#[derive(Debug)]
pub(super) struct Input<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) origin: Origin,
    /// Whether `\n` is the only line break in it. Old Mac, NEL, LS and PS breaks are as good for
    /// go-yaml, but so rare that the fast path leaves them to the general code.
    pub(super) only_line_feeds: bool,
}

/// Checks a text and, for resources, turns CRLF into LF as kustomize does first of all.
pub(super) fn prepare(text: &str, file: FileId, join_crlf: bool) -> Result<Input<'_>, ReadError> {
    let mut origin = Origin { file, removed: Vec::new(), made: AtomicUsize::new(0) };
    if u32::try_from(text.len()).is_err() {
        return Err(ReadError::new("the text is larger than 4 GiB", origin.pos(0)));
    }
    let found = inspect(text, &origin)?;
    let mut text = Cow::Borrowed(text);
    if join_crlf && found.carriage_returns {
        let (joined, removed) = join(&text);
        text = Cow::Owned(joined);
        origin.removed = removed;
    }
    let only_line_feeds = !found.other_breaks && memchr::memchr(b'\r', text.as_bytes()).is_none();
    Ok(Input { text, origin, only_line_feeds })
}

fn join(text: &str) -> (String, Vec<u32>) {
    let mut joined = String::with_capacity(text.len());
    let mut removed = Vec::new();
    let mut rest = 0;
    for at in memchr::memmem::find_iter(text.as_bytes(), b"\r\n") {
        joined.push_str(&text[rest..at]);
        removed.push(u32::try_from(joined.len()).unwrap_or(u32::MAX));
        rest = at + 1;
    }
    joined.push_str(&text[rest..]);
    (joined, removed)
}

#[derive(Default)]
struct LineBreaks {
    carriage_returns: bool,
    other_breaks: bool,
}

/// One pass over the bytes. Blocks that hold nothing but common characters, nearly all of them,
/// are dealt with by a loop that the compiler turns into vector instructions.
fn inspect(text: &str, origin: &Origin) -> Result<LineBreaks, ReadError> {
    const BLOCK: usize = 64;
    let mut found = LineBreaks::default();
    let bytes = text.as_bytes();
    for (block, chunk) in bytes.chunks(BLOCK).enumerate() {
        let mut rare = false;
        for &byte in chunk {
            rare |= byte >= 0x7f || (byte < b' ' && byte != b'\n');
        }
        if !rare {
            continue;
        }
        for (at, &byte) in chunk.iter().enumerate() {
            if (b' '..0x7f).contains(&byte) || byte == b'\n' || byte == b'\t' {
                continue;
            }
            let at = block * BLOCK + at;
            let next = |ahead: usize| bytes.get(at + ahead).copied().unwrap_or(0);
            match byte {
                b'\r' => found.carriage_returns = true,
                0xc2 if next(1) == 0x85 => found.other_breaks = true,
                0xc2 if next(1) < 0xa0 => return Err(control(text, at, origin)),
                0xe2 if next(1) == 0x80 && matches!(next(2), 0xa8 | 0xa9) => found.other_breaks = true,
                0xef if next(1) == 0xbf && matches!(next(2), 0xbe | 0xbf) => {
                    return Err(control(text, at, origin));
                }
                0x80.. => {}
                _ => return Err(control(text, at, origin)),
            }
        }
    }
    Ok(found)
}

fn control(text: &str, at: usize, origin: &Origin) -> ReadError {
    let code = text[at..].chars().next().map_or(0, u32::from);
    let error = ReadError::new(format!("the character U+{code:04X} may not stand in YAML"), origin.pos(at));
    if code == 0 {
        return error.with_help("is this a text file?");
    }
    error.with_help(format!("write it as an escape in double quotes, \"\\u{code:04x}\", or remove it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_the_given_text() {
        let input = prepare("a\r\nb\r\nc", FileId::new(0), true).expect("fine");
        assert_eq!(input.text, "a\nb\nc");
        let offsets: Vec<u32> = (0..5).map(|at| input.origin.pos(at).offset()).collect();
        assert_eq!(offsets, [0, 2, 3, 5, 6]);
        assert!(input.only_line_feeds);
    }

    #[test]
    fn control_characters() {
        for bad in ["\0", "a\x07", "\u{7f}", "\u{80}", "\u{9f}", "\u{fffe}", "\u{ffff}"] {
            assert!(prepare(bad, FileId::new(0), true).is_err(), "{bad:?}");
        }
        for (good, plain) in
            [("é", true), ("\u{a0}\t", true), ("\u{85}", false), ("\u{2028}", false), ("\r", false)]
        {
            let input = prepare(good, FileId::new(0), true).expect("allowed");
            assert_eq!(input.only_line_feeds, plain, "{good:?}");
        }
    }
}
