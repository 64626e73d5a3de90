//! Regular expressions in Go's syntax (RE2), as kustomization files use them.
//!
//! The engine is Rust's, which knows the same language with a few other spellings: patterns are
//! respelled before they are compiled, and what Go refuses is refused.

use std::fmt::Write as _;

use regex::Regex;

/// A regular expression in Go's syntax. Patterns without special characters are compared as text.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Engine);

#[derive(Clone, Debug)]
enum Engine {
    /// Must be equal.
    Equal(String),
    /// Must be contained.
    Contained(String),
    Regex(Box<Regex>),
}

/// Why a pattern is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a regular expression: {reason}")]
pub(crate) struct BadPattern {
    pattern: String,
    reason: String,
}

impl Pattern {
    /// A pattern that may match anywhere in a text.
    pub(crate) fn anywhere(pattern: &str) -> Result<Self, BadPattern> {
        if is_literal(pattern) {
            return Ok(Pattern(Engine::Contained(pattern.to_owned())));
        }
        compile(pattern, pattern)
    }

    /// A pattern that must match a text as a whole.
    pub(crate) fn whole(pattern: &str) -> Result<Self, BadPattern> {
        if is_literal(pattern) {
            return Ok(Pattern(Engine::Equal(pattern.to_owned())));
        }
        compile(&format!("^(?:{pattern})$"), pattern)
    }

    /// Whether a text matches.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        match &self.0 {
            Engine::Equal(literal) => literal == text,
            Engine::Contained(literal) => text.contains(literal.as_str()),
            Engine::Regex(regex) => regex.is_match(text),
        }
    }

    /// The only text that matches, where there is one and it can be seen at once.
    pub(crate) fn literal(&self) -> Option<&str> {
        if let Engine::Equal(literal) = &self.0 { Some(literal) } else { None }
    }
}

/// Whether no character of the pattern means anything but itself.
fn is_literal(pattern: &str) -> bool {
    !pattern.bytes().any(|byte| {
        matches!(
            byte,
            b'\\' | b'.' | b'+' | b'*' | b'?' | b'(' | b')' | b'|' | b'[' | b']' | b'{' | b'}' | b'^' | b'$'
        )
    })
}

fn compile(pattern: &str, shown: &str) -> Result<Pattern, BadPattern> {
    let bad = |reason: String| BadPattern { pattern: shown.to_owned(), reason };
    let respelled =
        Respeller { rest: pattern, out: String::with_capacity(pattern.len() + 8) }.run().map_err(bad)?;
    let regex =
        regex::RegexBuilder::new(&respelled).octal(true).nest_limit(1000).build().map_err(|error| {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default();
            bad(reason.trim_start_matches("error: ").to_owned())
        })?;
    Ok(Pattern(Engine::Regex(Box::new(regex))))
}

/// Turns Go's spelling into Rust's.
struct Respeller<'a> {
    rest: &'a str,
    out: String,
}

/// Go's Perl classes are ASCII only. For each: what it stands for within brackets.
fn perl_class(letter: char) -> Option<(&'static str, bool)> {
    Some(match letter {
        'd' => ("0-9", false),
        'D' => ("0-9", true),
        's' => (r"\t\n\f\r ", false),
        'S' => (r"\t\n\f\r ", true),
        'w' => ("0-9A-Za-z_", false),
        'W' => ("0-9A-Za-z_", true),
        _ => return None,
    })
}

impl Respeller<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn run(mut self) -> Result<String, String> {
        let mut repeated = false;
        while let Some(next) = self.next() {
            let mut repeats = false;
            match next {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '{' => match self.repetition()? {
                    true => repeats = true,
                    false => self.out.push_str(r"\{"),
                },
                '}' => self.out.push_str(r"\}"),
                '*' | '+' | '?' => {
                    self.out.push(next);
                    repeats = true;
                }
                _ => self.out.push(next),
            }
            if repeats {
                if repeated {
                    return Err("a repetition of a repetition".to_owned());
                }
                if self.rest.starts_with('?') {
                    self.next();
                    self.out.push('?');
                }
            }
            repeated = repeats;
        }
        Ok(self.out)
    }

    /// After `{`: the rest of a repetition count, if it is one.
    fn repetition(&mut self) -> Result<bool, String> {
        let Some(end) = self.rest.find('}') else { return Ok(false) };
        let counts = &self.rest[..end];
        let (low, high) = counts.split_once(',').map_or((counts, None), |(low, high)| (low, Some(high)));
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| text.parse::<u32>().unwrap_or(u32::MAX))
        };
        let Some(least) = number(low) else { return Ok(false) };
        let most = match high {
            None | Some("") => least,
            Some(high) => match number(high) {
                Some(most) => most,
                None => return Ok(false),
            },
        };
        if least > 1000 || most > 1000 || most < least {
            return Err(format!("invalid repeat count {{{counts}}}"));
        }
        let _ = write!(self.out, "{{{counts}}}");
        self.rest = &self.rest[end + 1..];
        Ok(true)
    }

    /// After a backslash.
    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(letter) = self.next() else { return Err("a backslash at the end".to_owned()) };
        match letter {
            'Q' if !in_class => {
                let (quoted, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
                self.out.push_str(&regex::escape(quoted));
                self.rest = rest;
            }
            'A' | 'z' if !in_class => self.literal_escape(letter),
            'b' if !in_class => self.out.push_str(r"(?-u:\b)"),
            'B' if !in_class => self.out.push_str(r"(?-u:\B)"),
            'p' | 'P' | 'a' | 'f' | 'n' | 'r' | 't' | 'v' | 'x' | '0' => self.literal_escape(letter),
            '1'..='7' if self.rest.starts_with(|next: char| next.is_digit(8)) => self.literal_escape(letter),
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                let (members, negated) = perl_class(letter).unwrap_or_default();
                let caret = if negated { "^" } else { "" };
                let _ = write!(self.out, "[{caret}{members}]");
            }
            '<' | '>' => self.out.push(letter),
            _ if letter.is_ascii_alphanumeric() || !letter.is_ascii() => {
                return Err(format!("invalid escape sequence `\\{letter}`"));
            }
            _ => self.literal_escape(letter),
        }
        Ok(())
    }

    fn literal_escape(&mut self, letter: char) {
        self.out.push('\\');
        self.out.push(letter);
    }

    /// After `[`: a character class up to its end.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if let Some(rest) = self.rest.strip_prefix('^') {
            self.rest = rest;
            self.out.push('^');
        }
        let mut first = true;
        loop {
            if !first && self.rest.starts_with(']') {
                self.next();
                self.out.push(']');
                return Ok(());
            }
            first = false;
            self.class_member()?;
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.next();
                self.out.push('-');
                self.class_member()?;
            }
        }
    }

    /// One character of a class, an escape, or a named class as `[:alpha:]`.
    fn class_member(&mut self) -> Result<(), String> {
        let named = self.rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]"));
        if let Some((name, rest)) = named {
            let _ = write!(self.out, "[:{name}:]");
            self.rest = rest;
            return Ok(());
        }
        match self.next() {
            None => Err("missing closing ]".to_owned()),
            Some('\\') => self.escape(true),
            // What Rust, but not Go, gives a meaning in a class.
            Some(next @ ('[' | ']' | '&' | '~' | '-' | '^')) => {
                self.literal_escape(next);
                Ok(())
            }
            Some(next) => {
                self.out.push(next);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_go_does() {
        // Expectations: Go's regexp package.
        for (pattern, text, expected) in [
            ("nginx", "nginx", true),
            ("nginx", "nginx2", false),
            ("n.*x", "nginx", true),
            ("a|b", "ab", false),
            (r"\d+", "12", true),
            (r"\d+", "\u{0661}", false),
            (r"\w", "\u{e9}", false),
            (r"[\w-]+", "a-b", true),
            (r"[^\D]", "7", true),
            (r"\Qa.b\E+", "a.bb", true),
            ("a{,2}", "a{,2}", true),
            ("a{2}", "aa", true),
            ("{", "{", true),
            ("[a[b]", "[", true),
            ("[]a]", "]", true),
            ("[!--]", "-", true),
            ("[a&&b]", "&", true),
            ("[[:alpha:]1]+", "x1", true),
            ("(?i)ABC", "abc", true),
            (r"\_", "_", true),
            (r"\x41\101", "AA", true),
        ] {
            let pattern = Pattern::whole(pattern).unwrap();
            assert_eq!(pattern.is_match(text), expected, "{pattern:?} on {text:?}");
        }
        assert!(Pattern::anywhere("in").unwrap().is_match("nginx"));
    }

    #[test]
    fn refuses_what_go_refuses() {
        for pattern in
            ["a**", "*", "(", ")", "[a", "a{2}{3}", "a{1001}", r"\1", r"\u", r"a\", "(?=a)", r"\E", "[b-a]"]
        {
            assert!(Pattern::whole(pattern).is_err(), "{pattern}");
        }
    }
}
