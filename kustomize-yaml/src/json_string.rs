//! Strings as Go writes them into JSON.

use std::fmt::Write;

/// The escape sequence of a character that Go does not write as it is.
fn escape(c: char) -> Option<Escape> {
    Some(match c {
        '"' | '\\' => Escape::Short(c),
        '\u{8}' => Escape::Short('b'),
        '\u{c}' => Escape::Short('f'),
        '\n' => Escape::Short('n'),
        '\r' => Escape::Short('r'),
        '\t' => Escape::Short('t'),
        '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => Escape::Code(u32::from(c)),
        _ => return None,
    })
}

enum Escape {
    Short(char),
    Code(u32),
}

/// Appends a string in quotes.
pub fn push_string(out: &mut impl Write, text: &str) {
    // Writing to a text or a digest does not fail.
    let _ = try_push_string(out, text);
}

fn try_push_string(out: &mut impl Write, text: &str) -> std::fmt::Result {
    out.write_str("\"")?;
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if !MAY_ESCAPE[usize::from(byte)] {
            continue;
        }
        let Some(c) = text[at..].chars().next() else { break };
        let Some(escape) = escape(c) else { continue };
        if start < at {
            out.write_str(&text[start..at])?;
        }
        start = at + c.len_utf8();
        let mut escaped = *b"\\u0000";
        let length = match escape {
            Escape::Short(short) => {
                escaped[1] = short as u8;
                2
            }
            Escape::Code(code) => {
                for (digit, shift) in escaped[2..].iter_mut().zip([12, 8, 4, 0]) {
                    *digit = b"0123456789abcdef"[(code >> shift) as usize & 15];
                }
                6
            }
        };
        out.write_str(std::str::from_utf8(&escaped[..length]).unwrap_or_default())?;
    }
    out.write_str(&text[start..])?;
    out.write_str("\"")
}

/// Bytes with which a character starts that may have to be escaped.
const MAY_ESCAPE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        // U+2028 and U+2029 start with 0xe2.
        table[byte] = byte < 0x20 || matches!(byte as u8, b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2);
        byte += 1;
    }
    table
};

/// How many characters a string has as JSON, quotes included.
pub(crate) fn quoted_length(text: &str) -> usize {
    let length = |c| match escape(c) {
        None => 1,
        Some(Escape::Short(_)) => 2,
        Some(Escape::Code(_)) => 6,
    };
    text.chars().map(length).sum::<usize>() + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_go_does() {
        let mut out = String::new();
        push_string(&mut out, "a\"\\\u{8}\u{c}\n\r\t\0\u{1f}<é€\u{2028}\u{2029}😀>&");
        assert_eq!(out, r#""a\"\\\b\f\n\r\t\u0000\u001f\u003cé€\u2028\u2029😀\u003e\u0026""#);
        assert_eq!(quoted_length("a\"\0😀"), 12);
    }
}
