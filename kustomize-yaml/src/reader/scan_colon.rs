//! What is wrong with a `:` that is missing, or stands where no key can be.

use super::ReadError;
use super::scan::Scanner;

impl Scanner<'_> {
    /// What stands at `start` has to be a key, and is not followed by a `:`.
    pub(super) fn missing_colon(&self, start: usize) -> ReadError {
        let mut lines = self.at.text.get(start..).unwrap_or_default().lines();
        let line = lines.next().unwrap_or_default().trim_end();
        let mut word: String = line.chars().take(40).collect();
        if word.len() < line.len() {
            word.push('…');
        }
        let error = self.error(format!("expected a ':' after this key: {word}"), start);
        if line.contains(':') {
            return error.with_help("put a space after the ':'");
        }
        let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let column = start
            - self
                .at
                .text
                .get(..start)
                .unwrap_or_default()
                .rfind('\n')
                .map_or(0, |line_break| line_break + 1);
        let is_below = |next: &str| {
            indent(next) > column || indent(next) == column && next.trim_start().starts_with("- ")
        };
        if !line.contains(' ') && lines.find(|line| !line.trim().is_empty()).is_some_and(is_below) {
            return error.with_help(format!("write '{word}:', which what is below then belongs to"));
        }
        error.with_help("write it as 'key: value', or indent it if it continues the value before")
    }

    /// A `:` where no key can be. Mostly a line indented so deep that it continues a value.
    pub(super) fn misplaced_colon(&self) -> ReadError {
        let at = self.at.pos;
        if let Some((start, last_line)) = self.folded
            && self.at.slice(last_line).bytes().all(|byte| byte != b'\n')
        {
            let line_start = self.at.line_start;
            let indent = self.at.bytes[line_start..].iter().take_while(|byte| **byte == b' ').count();
            if self.is_key_without_colon(start, indent) {
                return self.missing_colon(start);
            }
            let key = self.at.slice(line_start + indent).trim_end();
            return self
                .error(
                    format!("'{key}:' is indented deeper than the line it should follow, and so continues its text"),
                    line_start + indent,
                )
                .with_note("the text that it continues starts here", self.origin.pos(start))
                .with_help("indent it like the other keys of its map");
        }
        self.error("there cannot be a second ': ' on this line", at)
            .with_help("put the value in quotes, or start a map on a line of its own")
    }

    /// Whether a text is a key that lost its `:`, when the next line is a key indented so deep:
    /// it starts its line, and is either a single word or on the same level.
    fn is_key_without_colon(&self, start: usize, indent: usize) -> bool {
        let (before, after) = self.at.text.split_at_checked(start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let text = after.lines().next().unwrap_or_default().trim_end();
        let is_word = || text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
        line.bytes().all(|byte| byte == b' ') && (indent <= line.len() || is_word())
    }
}
