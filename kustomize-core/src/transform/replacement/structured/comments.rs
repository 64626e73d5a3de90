//! Comments of a document, and which of its entries they go with (go-yaml v3). Comments within
//! flow style are lost, all others follow the entry they are about.

use std::collections::{BTreeMap, VecDeque};

use super::super::layout::DOCUMENT;
use super::opaque::opaque_ranges;
use crate::yaml::{Node, Pos, Value};

/// The comments of a document, in its order. Lines are those of the text that was read.
#[derive(Debug, Default)]
pub(super) struct Comments {
    line_starts: Vec<usize>,
    /// At the top, with an empty line below.
    pub(super) document_head: Option<String>,
    /// At the bottom, with an empty line above.
    pub(super) document_foot: Option<String>,
    /// Above the entry that starts on a line.
    heads: VecDeque<(usize, String)>,
    /// At the end of a line.
    ends: BTreeMap<usize, String>,
    /// Below the entry on a line: the line, the column of the comment.
    feet: VecDeque<(usize, usize, String)>,
    /// The line of the entry that was written last.
    reached: usize,
}

impl Comments {
    /// Finds the comments of the text that a tree was read from.
    pub(super) fn of(root: &Node, text: &str) -> Self {
        let mut comments = Comments::default();
        if !text.contains('#') {
            return comments;
        }
        comments.line_starts =
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        let mut opaque = Vec::new();
        opaque_ranges(root, text, &mut opaque);
        opaque.sort_unstable();
        comments.sort_out(&lines(text, &opaque));
        let mut entries = Vec::new();
        comments.entry_lines(root, &mut entries);
        entries.sort_unstable();
        // A line may be the end of an entry of several lines, such as one in flow style.
        entries.retain(|line| {
            let start = comments.line_starts.get(*line).copied().unwrap_or_default();
            last_to_start(&opaque, start).is_none_or(|end| end <= start)
        });
        let start = |line: usize| {
            let started = entries.partition_point(|entry| *entry <= line);
            started.checked_sub(1).and_then(|last| entries.get(last)).copied().unwrap_or(line)
        };
        comments.feet.iter_mut().for_each(|(line, ..)| *line = start(*line));
        for (line, text) in std::mem::take(&mut comments.ends) {
            comments.ends.entry(start(line)).or_insert(text);
        }
        comments
    }

    fn sort_out(&mut self, lines: &[Line<'_>]) {
        let mut before: Option<usize> = None;
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            if line.has_content {
                if let Some(comment) = line.comment {
                    self.ends.insert(at, comment.to_owned());
                }
                before = Some(at);
                at += 1;
                continue;
            }
            let end =
                lines[at..].iter().position(|line| line.has_content).map_or(lines.len(), |next| at + next);
            self.between(lines, at, end, before);
            at = end;
        }
    }

    /// Sorts out the lines without content between two with content.
    fn between(&mut self, lines: &[Line<'_>], start: usize, end: usize, before: Option<usize>) {
        let next = lines.get(end);
        let depth = before.and_then(|at| lines.get(at)).map_or(0, |line| line.inner_column);
        let mut text = String::new();
        let mut column = 0;
        let mut follows_content = before.is_some();
        let mut gap = false;
        for line in lines.get(start..end).unwrap_or_default() {
            let Some(comment) = line.comment else {
                match before {
                    Some(before) if follows_content && !text.is_empty() => {
                        self.feet.push_back((before, column, std::mem::take(&mut text)));
                    }
                    _ => gap = !text.is_empty(),
                }
                follows_content = false;
                continue;
            };
            if let Some(before) = before
                && !text.is_empty()
                && line.column < depth
                && line.column != column
            {
                self.feet.push_back((before, column, std::mem::take(&mut text)));
                gap = false;
            }
            if text.is_empty() {
                column = line.column;
            } else {
                text.push_str(if gap { "\n\n" } else { "\n" });
            }
            gap = false;
            text.push_str(comment);
        }
        if text.is_empty() {
            return;
        }
        match (before, next) {
            (Some(before), Some(next)) if next.column < depth && next.column != column => {
                self.feet.push_back((before, column, text));
            }
            (Some(before), None) if follows_content => self.feet.push_back((before, column, text)),
            (_, None) => self.document_foot = Some(text),
            (None, Some(_)) if gap => self.document_head = Some(text),
            (None, Some(_)) => {
                if let Some((head, rest)) = text.rsplit_once("\n\n") {
                    self.document_head = Some(head.to_owned());
                    text = rest.to_owned();
                }
                self.heads.push_back((end, text));
            }
            (Some(_), Some(_)) => self.heads.push_back((end, text)),
        }
    }

    /// Lines on which entries of maps and lists start.
    fn entry_lines(&self, node: &Node, lines: &mut Vec<usize>) {
        match &node.value {
            Value::Scalar(_) => {}
            Value::Map(map) => {
                for entry in map {
                    lines.extend(self.line_of(entry.key.pos));
                    self.entry_lines(&entry.value, lines);
                }
            }
            Value::Seq(seq) => {
                for item in seq {
                    lines.extend(self.line_of(item.pos));
                    self.entry_lines(item, lines);
                }
            }
        }
    }

    fn line_of(&self, pos: Pos) -> Option<usize> {
        if pos.file() != Some(DOCUMENT) || self.line_starts.is_empty() {
            return None;
        }
        let offset = pos.offset() as usize;
        Some(self.line_starts.partition_point(|start| *start <= offset).saturating_sub(1))
    }

    /// The comment above the entry at a position.
    pub(super) fn head(&mut self, pos: Pos) -> Option<String> {
        let line = self.line_of(pos)?;
        self.reached = line;
        while self.heads.front().is_some_and(|(at, _)| *at < line) {
            self.heads.pop_front();
        }
        if self.heads.front()?.0 != line {
            return None;
        }
        self.heads.pop_front().map(|(_, text)| text)
    }

    /// The comment at the end of the line of a position.
    pub(super) fn end(&mut self, pos: Pos) -> Option<String> {
        let line = self.line_of(pos)?;
        self.ends.remove(&line)
    }

    /// The comment below the entry at a position, unless it belongs to one further out.
    pub(super) fn foot(&mut self, pos: Pos) -> Option<String> {
        let line = self.line_of(pos)?;
        let column = (pos.offset() as usize).checked_sub(*self.line_starts.get(line)?)?;
        let (at, indent, _) = self.feet.front()?;
        if *at < line || *at > self.reached || *indent < column {
            return None;
        }
        self.feet.pop_front().map(|(_, _, text)| text)
    }
}

/// A line of a document.
struct Line<'t> {
    has_content: bool,
    /// Where its content or comment starts.
    column: usize,
    /// Where the innermost block that starts on it does.
    inner_column: usize,
    comment: Option<&'t str>,
}

/// The end of the last range that starts before an offset.
fn last_to_start(ranges: &[(usize, usize)], offset: usize) -> Option<usize> {
    let before = ranges.partition_point(|(from, _)| *from < offset);
    before.checked_sub(1).and_then(|last| ranges.get(last)).map(|(_, end)| *end)
}

fn lines<'t>(text: &'t str, opaque: &[(usize, usize)]) -> Vec<Line<'t>> {
    let mut start = 0;
    let mut lines = Vec::new();
    for raw in text.split('\n') {
        let line = raw.trim_end_matches('\r');
        let hidden = |at: usize| last_to_start(opaque, start + at + 1).is_some_and(|end| start + at < end);
        let column = line.len() - line.trim_start().len();
        let bytes = line.as_bytes();
        let comment = memchr::memchr_iter(b'#', bytes)
            .find(|at| !hidden(*at) && (*at == 0 || matches!(bytes.get(at - 1), Some(b' ' | b'\t'))));
        let content = line.get(..comment.unwrap_or(line.len())).unwrap_or_default();
        let has_content = !content.trim().is_empty() || hidden(0);
        let inner = content.trim_start_matches([' ', '-', '?']);
        lines.push(Line {
            has_content,
            column,
            inner_column: content.len() - inner.len(),
            comment: comment.and_then(|at| line.get(at..)),
        });
        start += raw.len() + 1;
    }
    lines
}
