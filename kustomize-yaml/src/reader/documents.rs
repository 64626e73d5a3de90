//! The documents of a text, cut where kustomize cuts them.

use std::ops::Range;

use super::ReadError;
use super::input::Input;

/// Cuts at lines that start with `---`, before anything is parsed: inside a quoted scalar too.
/// Behind the dashes only a comment may follow. A `---` on the first line is left to the grammar.
pub(super) fn split(input: &Input<'_>) -> Result<Vec<Range<usize>>, ReadError> {
    let text = input.text.as_bytes();
    let mut documents = Vec::new();
    let mut start = 0;
    let mut search = 0;
    while let Some(found) = memchr::memmem::find(&text[search..], b"\n---") {
        let line = search + found + 1;
        // The last line is no separator unless it ends in a line break.
        let Some(length) = memchr::memchr(b'\n', &text[line..]) else { break };
        let end = line + length + 1;
        let behind = input.text[line + 3..end].trim();
        if !behind.is_empty() && !behind.starts_with('#') {
            return Err(misplaced(input, line, behind));
        }
        documents.push(start..line);
        start = end;
        // kustomize's pattern takes both line breaks, so a separator right behind another one
        // is part of the document.
        search = end;
    }
    if !text.is_empty() {
        documents.push(start..text.len());
    }
    Ok(documents)
}

fn misplaced(input: &Input<'_>, line: usize, behind: &str) -> ReadError {
    let error = ReadError::new(
        "nothing but a comment may follow '---' on its line, when it starts a further document",
        input.origin.pos(line),
    );
    if behind.starts_with('-') {
        return error.with_help("indent the line if it belongs to the text before it");
    }
    error.with_help("start the document on the next line")
}
