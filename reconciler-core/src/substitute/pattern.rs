//! Removing what a pattern of a shell matches from the beginning or end of a value.
//!
//! `*` matches anything, `?` one character, `[a-z]` and `[^a-z]` one of a class; `\` takes the special
//! meaning from the next character.

/// A pattern that cannot be read.
struct BadPattern;

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

/// Whether a pattern matches the whole of a name.
fn matches(mut pattern: &[u8], mut name: &[u8]) -> Result<bool, BadPattern> {
    while !pattern.is_empty() {
        let (is_star, chunk, rest) = next_chunk(pattern);
        pattern = rest;
        if is_star && chunk.is_empty() {
            return Ok(true);
        }
        // The last chunk has to take all that is left.
        let fits = |left: &[u8]| left.is_empty() || !rest.is_empty();
        if let Some(left) = match_chunk(chunk, name)?.filter(|left| fits(left)) {
            name = left;
            continue;
        }
        if !is_star {
            return Ok(false);
        }
        let mut found = None;
        for start in 1..=name.len() {
            if let Some(left) = match_chunk(chunk, &name[start..])?.filter(|left| fits(left)) {
                found = Some(left);
                break;
            }
        }
        match found {
            Some(left) => name = left,
            None => return Ok(false),
        }
    }
    Ok(name.is_empty())
}

/// The first part of a pattern without stars, whether stars stand before it, and what follows.
fn next_chunk(pattern: &[u8]) -> (bool, &[u8], &[u8]) {
    let stars = pattern.iter().take_while(|byte| **byte == b'*').count();
    let pattern = &pattern[stars..];
    let mut is_in_class = false;
    let mut at = 0;
    while at < pattern.len() {
        match pattern[at] {
            b'\\' => at += 1,
            b'[' => is_in_class = true,
            b']' => is_in_class = false,
            b'*' if !is_in_class => break,
            _ => {}
        }
        at += 1;
    }
    let (chunk, rest) = pattern.split_at(at.min(pattern.len()));
    (stars > 0, chunk, rest)
}

/// What is left of a name after a part of a pattern without stars, if it matches the beginning.
fn match_chunk<'n>(mut chunk: &[u8], mut name: &'n [u8]) -> Result<Option<&'n [u8]>, BadPattern> {
    while let Some((&first, rest)) = chunk.split_first() {
        let Some((&byte, after)) = name.split_first() else { return Ok(None) };
        match first {
            b'[' => {
                let (c, width) = next_char(name);
                name = &name[width..];
                let (is_match, after_class) = match_class(rest, c)?;
                if !is_match {
                    return Ok(None);
                }
                chunk = after_class;
            }
            b'?' => {
                name = &name[next_char(name).1..];
                chunk = rest;
            }
            b'\\' => {
                let (&escaped, rest) = rest.split_first().ok_or(BadPattern)?;
                if escaped != byte {
                    return Ok(None);
                }
                (name, chunk) = (after, rest);
            }
            literal if literal == byte => (name, chunk) = (after, rest),
            _ => return Ok(None),
        }
    }
    Ok(Some(name))
}

/// Whether a character is in the class that a pattern begins with, and the pattern after the class.
fn match_class(class: &[u8], c: char) -> Result<(bool, &[u8]), BadPattern> {
    let is_negated = class.first() == Some(&b'^');
    let mut rest = if is_negated { &class[1..] } else { class };
    let mut is_match = false;
    let mut is_empty = true;
    loop {
        if !is_empty && rest.first() == Some(&b']') {
            return Ok((is_match != is_negated, &rest[1..]));
        }
        let (low, after) = class_char(rest)?;
        rest = after;
        let mut high = low;
        if rest.first() == Some(&b'-') {
            (high, rest) = class_char(&rest[1..])?;
        }
        is_match |= (low..=high).contains(&c);
        is_empty = false;
    }
}

/// A character of a class, and what follows, of which there has to be some.
fn class_char(pattern: &[u8]) -> Result<(char, &[u8]), BadPattern> {
    let pattern = match pattern.first() {
        None | Some(b'-' | b']') => return Err(BadPattern),
        Some(b'\\') => &pattern[1..],
        Some(_) => pattern,
    };
    if pattern.is_empty() {
        return Err(BadPattern);
    }
    let (c, width) = next_char(pattern);
    let rest = &pattern[width..];
    if rest.is_empty() || (width == 1 && c == char::REPLACEMENT_CHARACTER) {
        return Err(BadPattern);
    }
    Ok((c, rest))
}

/// The first character and its length; a byte that is none counts as one.
fn next_char(bytes: &[u8]) -> (char, usize) {
    let width = super::functions::char_width(bytes);
    let c = str::from_utf8(&bytes[..width]).ok().and_then(|text| text.chars().next());
    (c.unwrap_or(char::REPLACEMENT_CHARACTER), width)
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
