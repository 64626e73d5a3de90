//! Regular expressions in Go's dialect (RE2), run by the crate `regex`.
//!
//! Both are of one family. The differences that matter are translated: Go's `\d`, `\w`, `\s` and `\b` know
//! ASCII only, a `[` within a class stands for itself, and a brace that is no repetition does, too.

use regex::Regex;
use thiserror::Error;

/// Why a pattern is refused, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("error parsing regexp: {reason}: `{part}`")]
pub struct RegexpError {
    reason: &'static str,
    part: String,
}

/// The largest number in a repetition.
const MAX_REPEAT: u32 = 1000;

/// How many bytes a pattern may have, which Go does not limit: it may be a tenant's.
const LONGEST: usize = 4096;

/// Compiles a pattern.
pub fn compile(pattern: &str) -> Result<Regex, RegexpError> {
    if pattern.len() > LONGEST {
        let part = pattern.chars().take(64).collect();
        return Err(RegexpError { reason: "expression too large", part });
    }
    let translated = Translator { pattern, at: 0, out: String::new(), open: 0 }.run()?;
    Regex::new(&translated)
        .map_err(|_| RegexpError { reason: "invalid or unsupported Perl syntax", part: pattern.to_owned() })
}

/// Fills in a template: `$1`, `$name` and `${name}` are groups, `$$` is a dollar sign.
///
/// A name is as long as possible, and a group that does not exist is empty, as in Go's `Regexp.Expand`.
pub fn expand(template: &str, captures: &regex::Captures<'_>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let (braced, body) = match after.strip_prefix('{') {
            Some(body) => (true, body),
            None => (false, after),
        };
        let end = body.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(body.len());
        let (name, tail) = body.split_at(end);
        let tail = if braced { tail.strip_prefix('}') } else { Some(tail) };
        match tail {
            Some(tail) if !name.is_empty() => {
                let group = match name.parse::<usize>() {
                    Ok(index) if name.len() == 1 || !name.starts_with('0') => captures.get(index),
                    _ => captures.name(name),
                };
                out.push_str(group.map_or("", |found| found.as_str()));
                rest = tail;
            }
            _ => {
                out.push('$');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Writes a pattern anew in the crate's dialect.
struct Translator<'a> {
    pattern: &'a str,
    at: usize,
    out: String,
    /// How many groups are open.
    open: usize,
}

impl<'a> Translator<'a> {
    fn rest(&self) -> &'a str {
        &self.pattern[self.at..]
    }

    fn fail<T>(reason: &'static str, part: &str) -> Result<T, RegexpError> {
        Err(RegexpError { reason, part: part.to_owned() })
    }

    /// Copies the next `length` bytes.
    fn copy(&mut self, length: usize) {
        let text = &self.pattern[self.at..self.at + length];
        self.out.push_str(text);
        self.at += length;
    }

    fn run(mut self) -> Result<String, RegexpError> {
        // Where the last repetition started, and whether there is something to repeat.
        let (mut repeated, mut operand): (Option<usize>, bool) = (None, false);
        while let Some(character) = self.rest().chars().next() {
            let start = self.at;
            let repetition = match character {
                '*' | '+' | '?' => Some(1),
                '{' => repetition_length(self.rest()),
                _ => None,
            };
            if let Some(length) = repetition {
                let text = &self.rest()[..length];
                if let Some(from) = repeated {
                    let end = self.at + length;
                    return Self::fail("invalid nested repetition operator", &self.pattern[from..end]);
                }
                if !operand {
                    return Self::fail("missing argument to repetition operator", text);
                }
                if length > 1 && !is_valid_count(text) {
                    return Self::fail("invalid repeat count", text);
                }
                self.copy(length);
                if self.rest().starts_with('?') {
                    self.copy(1);
                }
                repeated = Some(start);
                continue;
            }
            repeated = None;
            operand = true;
            match character {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '{' => {
                    self.out.push_str("\\{");
                    self.at += 1;
                }
                '(' => operand = self.group()?,
                ')' => {
                    let Some(open) = self.open.checked_sub(1) else {
                        return Self::fail("unexpected )", self.pattern);
                    };
                    self.open = open;
                    self.copy(1);
                }
                '|' => {
                    operand = false;
                    self.copy(1);
                }
                other => self.copy(other.len_utf8()),
            }
        }
        if self.open > 0 {
            return Self::fail("missing closing )", self.pattern);
        }
        Ok(self.out)
    }

    /// The opening of a group; whether what follows may be repeated.
    fn group(&mut self) -> Result<bool, RegexpError> {
        let rest = self.rest();
        if !rest.starts_with("(?") {
            self.open += 1;
            self.copy(1);
            return Ok(false);
        }
        let named = if rest.starts_with("(?P<") {
            4
        } else if rest.starts_with("(?<") {
            3
        } else {
            0
        };
        if named > 0 {
            let Some(end) = rest.find('>') else { return Self::fail("invalid named capture", rest) };
            let name = &rest[named..end];
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                // A lookbehind's end is the group's.
                let shown = rest.find(')').map_or(rest, |close| &rest[..=close.max(end)]);
                return Self::fail("invalid named capture", shown);
            }
            self.open += 1;
            self.copy(end + 1);
            return Ok(false);
        }
        for (index, flag) in rest.char_indices().skip(2) {
            match flag {
                'i' | 'm' | 's' | 'U' | '-' => {}
                ':' => {
                    self.open += 1;
                    self.copy(index + 1);
                    return Ok(false);
                }
                ')' => {
                    self.copy(index + 1);
                    return Ok(false);
                }
                other => {
                    let part = &rest[..index + other.len_utf8()];
                    return Self::fail("invalid or unsupported Perl syntax", part);
                }
            }
        }
        Self::fail("missing closing )", self.pattern)
    }

    /// An escape outside of a class.
    fn escape(&mut self) -> Result<(), RegexpError> {
        let rest = self.rest();
        let Some(escaped) = rest.chars().nth(1) else {
            return Self::fail("trailing backslash at end of expression", "");
        };
        match escaped {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                self.out.push_str(&format!("[{}]", perl_class(escaped)));
                self.at += 2;
            }
            'b' | 'B' => {
                self.out.push_str(&format!("(?-u:\\{escaped})"));
                self.at += 2;
            }
            'A' | 'z' => self.copy(2),
            'Q' => {
                let body = &rest[2..];
                let end = body.find("\\E").unwrap_or(body.len());
                self.out.push_str(&regex::escape(&body[..end]));
                self.at += (2 + end + 2).min(rest.len());
            }
            _ => self.common_escape(escaped)?,
        }
        Ok(())
    }

    /// An escape that is the same within a class and outside.
    fn common_escape(&mut self, escaped: char) -> Result<(), RegexpError> {
        let rest = self.rest();
        let length = 1 + escaped.len_utf8();
        match escaped {
            'a' | 'f' | 't' | 'n' | 'r' | 'v' => self.copy(2),
            'x' => {
                let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
                let end = if let Some(body) = rest[2..].strip_prefix('{') {
                    body.find('}').filter(|end| digits(&body[..*end])).map(|end| end + 4)
                } else {
                    rest.get(2..4).filter(|text| digits(text)).map(|_| 4)
                };
                let Some(end) = end else {
                    let end = rest.char_indices().nth(4).map_or(rest.len(), |(index, _)| index);
                    return Self::fail("invalid escape sequence", &rest[..end]);
                };
                self.copy(end);
            }
            'p' | 'P' => {
                let end = match rest[2..].strip_prefix('{') {
                    Some(body) => body.find('}').map(|end| end + 4),
                    None => rest[2..].chars().next().map(|name| 2 + name.len_utf8()),
                };
                let end = end.unwrap_or(rest.len());
                if Regex::new(&rest[..end]).is_err() {
                    return Self::fail("invalid character class range", &rest[..end]);
                }
                self.copy(end);
            }
            '0'..='7' => {
                let octal: String =
                    rest[1..].chars().take(3).take_while(|c| ('0'..='7').contains(c)).collect();
                // A single digit but zero would be a back-reference.
                if escaped != '0' && octal.len() < 2 {
                    return Self::fail("invalid escape sequence", &rest[..length]);
                }
                let code = u32::from_str_radix(&octal, 8).unwrap_or_default();
                self.out.push_str(&format!("\\x{{{code:x}}}"));
                self.at += 1 + octal.len();
            }
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => {
                self.out.push_str(&regex::escape(&other.to_string()));
                self.at += length;
            }
            _ => return Self::fail("invalid escape sequence", &rest[..length]),
        }
        Ok(())
    }

    /// A character class.
    fn class(&mut self) -> Result<(), RegexpError> {
        let whole = self.rest();
        self.copy(1);
        if self.rest().starts_with('^') {
            self.copy(1);
        }
        let mut first = true;
        loop {
            let rest = self.rest();
            let Some(character) = rest.chars().next() else {
                return Self::fail("missing closing ]", whole);
            };
            match character {
                ']' if !first => {
                    self.copy(1);
                    return Ok(());
                }
                '[' if rest.starts_with("[:") && rest.contains(":]") => {
                    let end = rest.find(":]").map_or(rest.len(), |end| end + 2);
                    let name = rest[2..end].trim_end_matches(":]").trim_start_matches('^');
                    if !POSIX_CLASSES.contains(&name) {
                        return Self::fail("invalid character class range", &rest[..end]);
                    }
                    self.copy(end);
                }
                '\\' => match rest.chars().nth(1) {
                    None => return Self::fail("trailing backslash at end of expression", ""),
                    Some(perl @ ('d' | 'D' | 's' | 'S' | 'w' | 'W')) => {
                        self.out.push_str(&format!("[{}]", perl_class(perl)));
                        self.at += 2;
                    }
                    Some(escaped) => self.common_escape(escaped)?,
                },
                // A hyphen is a range between two characters, and itself at either end.
                '-' if !first && !rest.starts_with("-]") => {
                    let after = rest.chars().nth(1);
                    let before = self.pattern[..self.at].chars().next_back();
                    if let (Some(before), Some(after)) = (before, after)
                        && before.is_ascii_alphanumeric()
                        && after.is_ascii_alphanumeric()
                        && before > after
                        && !self.pattern[..self.at - 1].ends_with('\\')
                    {
                        return Self::fail("invalid character class range", &format!("{before}-{after}"));
                    }
                    self.copy(1);
                }
                '[' | ']' | '&' | '~' | '-' => {
                    self.out.push('\\');
                    self.copy(1);
                }
                other => self.copy(other.len_utf8()),
            }
            first = false;
        }
    }
}

/// The names of character classes in brackets and colons.
const POSIX_CLASSES: &[&str] = &[
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// The ASCII characters of a Perl class, written for use in brackets.
fn perl_class(letter: char) -> &'static str {
    match letter {
        'd' => "0-9",
        'D' => "^0-9",
        's' => r"\t\n\f\r ",
        'S' => r"^\t\n\f\r ",
        'w' => "0-9A-Za-z_",
        _ => "^0-9A-Za-z_",
    }
}

/// The length of `{n}`, `{n,}` or `{n,m}` at the start of the text.
fn repetition_length(text: &str) -> Option<usize> {
    let end = text.find('}')?;
    let body = text.get(1..end)?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (low, high) = body.split_once(',').unwrap_or((body, ""));
    (number(low) && (high.is_empty() || number(high))).then_some(end + 1)
}

fn is_valid_count(text: &str) -> bool {
    let body = text.trim_matches(['{', '}']);
    let (low, high) = body.split_once(',').unwrap_or((body, body));
    let low: u32 = low.parse().unwrap_or(u32::MAX);
    let high: u32 = if high.is_empty() { low } else { high.parse().unwrap_or(u32::MAX) };
    low <= high && high <= MAX_REPEAT
}

#[cfg(test)]
mod tests {
    use super::{compile, expand};

    #[test]
    fn long_patterns_are_refused() {
        assert!(compile(&"a".repeat(4096)).is_ok());
        let refused = compile(&"x{".repeat(400_000)).map_err(|error| error.to_string());
        assert!(refused.is_err_and(|error| error.starts_with("error parsing regexp: expression too large")));
    }

    #[test]
    fn refuses_in_gos_words() {
        // Each message was printed by Go 1.26.
        let refused = [
            ("a**", "invalid nested repetition operator: `**`"),
            ("(a", "missing closing ): `(a`"),
            ("a)", "unexpected ): `a)`"),
            ("*a", "missing argument to repetition operator: `*`"),
            ("|*", "missing argument to repetition operator: `*`"),
            ("a{2,1}", "invalid repeat count: `{2,1}`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("[b-a]", "invalid character class range: `b-a`"),
            (r"\y", r"invalid escape sequence: `\y`"),
            (r"\8", r"invalid escape sequence: `\8`"),
            ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
            ("(?P<n", "invalid named capture: `(?P<n`"),
            ("a\\", "trailing backslash at end of expression: ``"),
            (r"\pX", r"invalid character class range: `\pX`"),
            ("(?z)", "invalid or unsupported Perl syntax: `(?z`"),
            ("(?!a)", "invalid or unsupported Perl syntax: `(?!`"),
            (r"\Z", r"invalid escape sequence: `\Z`"),
            ("[a", "missing closing ]: `[a`"),
            ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        ];
        for (pattern, reason) in refused {
            let failure = compile(pattern).map(|_| ()).map_err(|failure| failure.to_string());
            assert_eq!(failure, Err(format!("error parsing regexp: {reason}")), "{pattern}");
        }
    }

    #[test]
    fn reads_gos_dialect() {
        let matches = |pattern: &str, text: &str| compile(pattern).is_ok_and(|regex| regex.is_match(text));
        assert!(matches("^[[a]$", "["));
        assert!(matches("^[a&&b]+$", "&b"));
        assert!(matches("^x{,2}$", "x{,2}"));
        assert!(matches(r"^\Qa.b\E+$", "a.bb"));
        assert!(!matches(r"^\d$", "\u{664}"));
        assert!(matches(r"^\<$", "<"));
    }

    #[test]
    fn expands_the_longest_name() {
        let template = |template: &str| {
            compile(r"(?P<a>\d)-(\d)").ok().and_then(|regex| Some(expand(template, &regex.captures("1-2")?)))
        };
        assert_eq!(template("$1x|$a|${a}x|$2|$$|$|${a|$9").as_deref(), Some("|1|1x|2|$|$|${a|"));
    }
}
