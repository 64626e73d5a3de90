//! A line of a file, cut to what fits, and the part of it that is meant.

use super::Line;
use super::text::{push_fit, width};

/// The most columns of a line that are shown.
const ROOM: usize = 100;
/// Columns kept before the part that is meant when a line has to be cut.
const LEAD: usize = 30;
/// Stands for what was cut off.
const CUT: &str = "…";

/// A line made fit to be shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snippet {
    /// The text.
    pub(super) text: String,
    /// Columns before the part that is meant.
    pub(super) offset: usize,
    /// Columns of the part that is meant, at least one.
    pub(super) length: usize,
}

impl Snippet {
    pub(super) fn new(line: &Line) -> Self {
        let letters: Vec<char> = line.text.chars().collect();
        let start = line.column.saturating_sub(1).min(letters.len());
        let end = start + token(&letters[start..]);
        let from = cut_before(&letters[..start]);

        let mut snippet = Snippet { text: String::new(), offset: 0, length: 0 };
        let mut used = 0;
        if from > 0 {
            snippet.text.push_str(CUT);
            used = 1;
        }
        snippet.offset = used;
        for (at, &letter) in letters.iter().enumerate().skip(from) {
            let columns = width(letter);
            if used + columns > ROOM {
                snippet.text.push_str(CUT);
                break;
            }
            used += columns;
            if at < start {
                snippet.offset += columns;
            } else if at < end {
                snippet.length += columns;
            }
            push_fit(&mut snippet.text, letter);
        }
        snippet.text.truncate(snippet.text.trim_end().len());
        snippet.length = snippet.length.max(1);
        snippet
    }
}

/// The first character to show, so that what is meant stands within the room.
fn cut_before(before: &[char]) -> usize {
    let total: usize = before.iter().copied().map(width).sum();
    if total <= ROOM / 2 {
        return 0;
    }
    let mut kept = 0;
    let shown = before.iter().rev().take_while(|letter| {
        kept += width(**letter);
        kept <= LEAD
    });
    before.len() - shown.count()
}

/// Length of what starts a text, as YAML sees it: a quoted scalar, a key, a word, or blanks.
fn token(rest: &[char]) -> usize {
    let Some(&first) = rest.first() else { return 0 };
    if first.is_whitespace() {
        return rest.iter().take_while(|letter| letter.is_whitespace()).count();
    }
    if let '"' | '\'' = first {
        let close = rest[1..].iter().position(|letter| *letter == first);
        return close.map_or(rest.len(), |at| at + 2);
    }
    let ends = |(at, letter): (usize, &char)| match letter {
        ':' => rest.get(at + 1).is_none_or(|next| next.is_whitespace()),
        ',' | ']' | '}' => true,
        letter => letter.is_whitespace(),
    };
    rest.iter().enumerate().skip(1).find(|(at, letter)| ends((*at, letter))).map_or(rest.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snippet(text: &str, column: usize) -> (String, usize, usize) {
        let found = Snippet::new(&Line { number: 1, column, text: text.to_owned() });
        (found.text, found.offset, found.length)
    }

    #[test]
    fn marks_what_starts_at_the_column() {
        assert_eq!(snippet("  images: []", 3), ("  images: []".to_owned(), 2, 6));
        assert_eq!(snippet("a: \"b c\", d", 4), ("a: \"b c\", d".to_owned(), 3, 5));
        assert_eq!(snippet("- nginx:1.2 # x", 3), ("- nginx:1.2 # x".to_owned(), 2, 9));
        assert_eq!(snippet("\t a: b", 1), ("     a: b".to_owned(), 0, 5));
        assert_eq!(snippet("a:", 3), ("a:".to_owned(), 2, 1));
        assert_eq!(snippet("", 99), (String::new(), 0, 1));
    }

    #[test]
    fn counts_columns_of_a_terminal() {
        assert_eq!(snippet("\tä: 名前 x", 5), ("    ä: 名前 x".to_owned(), 7, 4));
        assert_eq!(snippet("\u{1b}[2J: x", 1).0, "\\u{1b}[2J: x");
    }

    #[test]
    fn cuts_long_lines_around_what_is_meant() {
        let long = format!("{}: {}", "k".repeat(300), "v".repeat(300));
        let (text, offset, length) = snippet(&long, 303);
        assert!(text.starts_with("…k") && text.ends_with("v…"), "{text}");
        assert_eq!((offset, length), (LEAD + 1, ROOM - LEAD - 1));
    }
}
