//! Removing what a pattern of a shell matches from the beginning or end of a value.

use crate::go::{BadPattern, matches};

/// The value without its shortest beginning that matches, which is never empty.
pub(super) fn without_shortest_prefix<'a>(value: &'a [u8], pattern: &[u8]) -> &'a [u8] {
    let mut shortest = 0;
    for end in (1..=value.len()).rev() {
        match matches(pattern, &value[..end]) {
            Err(BadPattern) => return value,
            Ok(true) => shortest = end,
            Ok(false) => {}
        }
    }
    &value[shortest..]
}

/// The value without its longest beginning that matches.
pub(super) fn without_longest_prefix<'a>(value: &'a [u8], pattern: &[u8]) -> &'a [u8] {
    for end in (1..=value.len()).rev() {
        match matches(pattern, &value[..end]) {
            Err(BadPattern) => return value,
            Ok(true) => return &value[end..],
            Ok(false) => {}
        }
    }
    value
}

/// The value without an end that matches. As in Flux, value and pattern are turned round for it, so that
/// classes and escapes in the pattern do not work there.
pub(super) fn without_suffix(
    value: &[u8],
    pattern: &[u8],
    without_prefix: for<'a> fn(&'a [u8], &[u8]) -> &'a [u8],
) -> Vec<u8> {
    let reverse = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().rev().collect::<String>();
    let reversed = reverse(value);
    reverse(without_prefix(reversed.as_bytes(), reverse(pattern).as_bytes())).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_shortest_and_the_longest() {
        assert_eq!(without_shortest_prefix(b"a.b.c", b"*."), b"b.c");
        assert_eq!(without_longest_prefix(b"a.b.c", b"*."), b"c");
        assert_eq!(without_suffix(b"a.b.c", b".*", without_shortest_prefix), b"a.b");
        assert_eq!(without_suffix(b"a.b.c", b".*", without_longest_prefix), b"a");
    }

    #[test]
    fn classes_that_do_not_end_change_nothing() {
        assert_eq!(without_longest_prefix(b"abc", b"[a"), b"abc");
        assert_eq!(without_longest_prefix(b"abc", b"[^b]"), b"bc");
    }
}
