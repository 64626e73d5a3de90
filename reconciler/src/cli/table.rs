//! Tables as Flux prints them: padded cells with a tab between, a line more for each line of a cell.

use std::fmt::Write as _;

/// Prints rows below a header, which may be empty.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|title| title.to_uppercase()).collect();
    let columns = rows.iter().map(Vec::len).chain([header.len()]).max().unwrap_or_default();
    let width = |text: &str| text.chars().count();
    let mut widths = vec![0; columns];
    for row in rows.iter().chain([&header]) {
        for (column, cell) in row.iter().enumerate() {
            let widest = cell.lines().map(width).max().unwrap_or_default();
            widths[column] = widths[column].max(widest);
        }
    }
    let mut out = String::new();
    let pad = |out: &mut String, text: &str, column: usize| {
        let missing = widths[column].saturating_sub(width(text));
        // Writing to a text does not fail.
        let _ = write!(out, "{text}{:missing$}", "");
    };
    for (column, title) in header.iter().enumerate() {
        pad(&mut out, title, column);
        out.push_str(if column + 1 == header.len() { " \n" } else { "\t" });
    }
    for row in rows {
        let lines = row.iter().map(|cell| cell.lines().count()).max().unwrap_or_default().max(1);
        for line in 0..lines {
            for (column, cell) in row.iter().enumerate() {
                pad(&mut out, cell.lines().nth(line).unwrap_or_default(), column);
                out.push('\t');
            }
            out.push('\n');
        }
    }
    out
}

/// Shortens long hexadecimal numbers, such as commits, to eight letters.
pub(crate) fn shorten(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let is_hex = word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        out.push_str(if is_hex && (40..=128).contains(&word.len()) { &word[..8] } else { word });
        let start = after.find(is_word).unwrap_or(after.len());
        let (between, next) = after.split_at(start);
        out.push_str(between);
        rest = next;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{shorten, table};

    #[test]
    fn cells_are_padded() {
        let rows = [vec!["a".to_owned(), "two\nlines".to_owned()], vec!["long".to_owned(), String::new()]];
        assert_eq!(
            table(&["Name", "Is"], &rows),
            "NAME\tIS    \na   \ttwo  \t\n    \tlines\t\nlong\t     \t\n"
        );
    }

    #[test]
    fn commits_are_shortened() {
        let commit = "696f056df216eea4f9401adbee0ff744d4df390f";
        assert_eq!(shorten(&format!("at main@sha1:{commit}, é")), "at main@sha1:696f056d, é");
        assert_eq!(shorten(&format!("x{commit}")), format!("x{commit}"));
        assert_eq!(shorten("deadbeef"), "deadbeef");
    }
}
