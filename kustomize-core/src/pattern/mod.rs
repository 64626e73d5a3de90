//! Regular expressions in Go's syntax (RE2), as kustomization files use them.
//!
//! The engine is the `regex` crate, which knows the same language with a few other spellings:
//! patterns are respelled before they are compiled, and what Go refuses is refused.

mod beginnings;
mod repeats;
mod respell;

use regex::{Regex, RegexBuilder};

/// How deep groups may be nested in Go.
const NESTING: u32 = 1000;

/// How many bytes a compiled pattern may take. Go takes a thousand times any class of characters.
const SIZE: usize = 256 << 20;

/// A regular expression in Go's syntax. Patterns without special characters are compared as text.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Matcher);

#[derive(Clone, Debug)]
enum Matcher {
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
            return Ok(Pattern(Matcher::Contained(pattern.to_owned())));
        }
        compile(pattern, pattern)
    }

    /// A pattern that must match a text as a whole.
    pub(crate) fn whole(pattern: &str) -> Result<Self, BadPattern> {
        if is_literal(pattern) {
            return Ok(Pattern(Matcher::Equal(pattern.to_owned())));
        }
        compile(&format!("^(?:{pattern})$"), pattern)
    }

    /// Whether a text matches.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        match &self.0 {
            Matcher::Equal(literal) => literal == text,
            Matcher::Contained(literal) => text.contains(literal.as_str()),
            Matcher::Regex(regex) => regex.is_match(text),
        }
    }

    /// The only text that matches, where there is one and it can be seen at once.
    pub(crate) fn literal(&self) -> Option<&str> {
        if let Matcher::Equal(literal) = &self.0 { Some(literal) } else { None }
    }

    /// Texts with one of which each text that matches begins, where such can be told. None of them is
    /// empty.
    pub(crate) fn beginnings(&self) -> Option<Vec<String>> {
        match &self.0 {
            Matcher::Equal(literal) if !literal.is_empty() => Some(vec![literal.clone()]),
            Matcher::Equal(_) | Matcher::Contained(_) => None,
            Matcher::Regex(regex) => beginnings::of(regex.as_str()),
        }
    }

    /// The text that every text that matches contains, and which suffices, where it can be seen at
    /// once.
    pub(crate) fn contained(&self) -> Option<&str> {
        if let Matcher::Contained(literal) = &self.0 { Some(literal) } else { None }
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
    let compiled = respell::respell(pattern).and_then(|respelled| {
        RegexBuilder::new(&respelled)
            .nest_limit(NESTING)
            .size_limit(SIZE)
            .build()
            .map_err(|error| reason(&error))
    });
    match compiled {
        Ok(regex) => Ok(Pattern(Matcher::Regex(Box::new(regex)))),
        Err(reason) => Err(BadPattern { pattern: shown.to_owned(), reason }),
    }
}

/// The last line of the crate's message; the lines before it show the respelled pattern.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default();
    reason.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_go_does() {
        // Expectations: Go's regexp package.
        for (pattern, text, expected) in [
            ("nginx", "nginx", true),
            (r"\pL{0,1000}", "\u{e9}a", true),
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
            (r"\x{4a}[\x{4B}]", "JK", true),
            (r"\0\060", "\x000", true),
            (r"[\060-\071]", "5", true),
            (r"[\w-z]+", "a-z", true),
            (r"[\W\S\D]+", "a-\u{e9}", true),
            (r"\W+\D\S", "-!a\u{e9}", true),
            (r"\W", "`", true),
            (r"\W", "[", true),
            (r"\S", "\u{b}", true),
            (r"[^\S]", "\t", true),
            ("[[:^alpha:]-]+", "1-", true),
            ("[<>]", "<", true),
            ("(?i:a)b", "Ab", true),
            ("(?i-s:A)b", "ab", true),
            ("(?P<name>a)", "a", true),
            (r"\<a\>", "<a>", true),
            (r"a\b-", "a-", true),
            (r"\Ba", "a", false),
        ] {
            assert_eq!(Pattern::whole(pattern).unwrap().is_match(text), expected, "{pattern:?} on {text:?}");
        }
        assert!(Pattern::anywhere("in").unwrap().is_match("nginx"));
    }

    #[test]
    fn refuses_what_go_refuses() {
        for pattern in [
            "a**",
            "*",
            "(",
            ")",
            "[a",
            "a{2}{3}",
            "a{1001}",
            r"\1",
            r"\u",
            r"a\",
            "(?=a)",
            r"\E",
            "[b-a]",
            r"[a-\d]",
            "[[:letter:]]",
            "(?x)a",
            "(?i-u:a)",
            r"[\b]",
        ] {
            assert!(Pattern::whole(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn refuses_repetitions_that_multiply_as_kustomize_does() {
        // Recorded from kustomize v5.8.1, as names in the target of a patch.
        for (pattern, accepted) in [
            ("(a{500}){2}", true),
            ("(a{500}){3}", false),
            ("(a{1000}){1}", true),
            ("(a{1000}){0,1}", true),
            ("(a{1000}){1,2}", false),
            ("((a{10}){10}){10}", true),
            ("((a{10}){10}){11}", false),
            ("((a{10}){10,}){10}", true),
            ("((a{10}){10,}){11}", false),
            ("(a{0,}){1000}", true),
            ("((a{30}){0,}){1000}", false),
            ("((a{2}){0}){1000}", true),
            ("((a{1000}){0}){1000}", true),
            ("(a{600}|b){2}", false),
            ("(b|(?:a{600}c))*", true),
            ("(?:(?:a{600})*){2}", false),
            ("(?:(?:a{600})?){2}", false),
            ("(?:a{600}){2,}", false),
            ("(?:a{600}){1,}", true),
            ("(a{0,1000}){0,2}", false),
            ("(a{500}b{3}){2}", true),
            ("(a{3}b{500}){3}", false),
            ("(?i:a{501}){2}", false),
            ("(a{501}){0}", true),
            ("(a{34}){30}", false),
            ("(a{33}){30}", true),
            ("((a{1000})+){1}", true),
            ("a{1000}b{1000}", true),
            ("([a-c]{100}){10}", true),
            ("([a-c]{100}){11}", false),
            ("((a{7}){11}){13}", false),
            ("((a{7}){11}){12}", true),
            ("(a{1,3}){1,3}", true),
        ] {
            assert_eq!(Pattern::whole(pattern).is_ok(), accepted, "{pattern}");
        }
    }

    #[test]
    fn knows_the_tables_of_unicode() {
        for (pattern, text) in [
            (r"\pL+", "\u{e9}"),
            (r"[\p{Greek}]", "\u{3b1}"),
            (r"\P{^Greek}", "\u{3b1}"),
            (r"[^\p{^Lu}]", "A"),
            ("(?i)\u{e9}", "\u{c9}"),
        ] {
            assert!(Pattern::whole(pattern).unwrap().is_match(text), "{pattern}");
        }
    }
}
