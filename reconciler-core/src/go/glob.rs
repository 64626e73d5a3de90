//! Patterns of a shell, as Go's `path.Match` reads them.
//!
//! `*` matches anything, `?` one character, `[a-z]` and `[^a-z]` one of a class; `\` takes the special
//! meaning from the next character. Slashes are characters as all others.

/// A pattern that cannot be read.
pub(crate) struct BadPattern;

/// Whether a pattern matches the whole of a name.
pub(crate) fn matches(mut pattern: &[u8], mut name: &[u8]) -> Result<bool, BadPattern> {
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
    let width = char_width(bytes);
    let c = str::from_utf8(&bytes[..width]).ok().and_then(|text| text.chars().next());
    (c.unwrap_or(char::REPLACEMENT_CHARACTER), width)
}

/// The length of the first character; one for what is none.
pub(crate) fn char_width(bytes: &[u8]) -> usize {
    let most = bytes.len().min(4);
    (1..=most).find(|width| std::str::from_utf8(&bytes[..*width]).is_ok()).unwrap_or(1)
}
