//! Kubernetes' label selectors: `app=web, tier in (front, back), !legacy`.

use crate::yaml::Str;

/// Requirements that must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

/// Why a selector is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{selector}` is not a label selector: {reason}")]
pub(crate) struct BadLabelSelector {
    selector: String,
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: Str,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Exists,
    Missing,
    In(Vec<Str>),
    NotIn(Vec<Str>),
    Greater(i64),
    Less(i64),
}

impl LabelSelector {
    /// Parses a selector. The empty one matches everything.
    pub(crate) fn parse(text: &str) -> Result<Self, BadLabelSelector> {
        let bad = |reason| BadLabelSelector { selector: text.to_owned(), reason };
        Parser { lexer: Lexer { rest: text } }.run().map(LabelSelector).map_err(bad)
    }

    /// Whether labels (or annotations) satisfy all requirements.
    pub(crate) fn matches<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|requirement| {
            let value = value_of(&requirement.key);
            match &requirement.test {
                Test::Exists => value.is_some(),
                Test::Missing => value.is_none(),
                Test::In(values) => value.is_some_and(|value| values.iter().any(|other| other == value)),
                Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|other| other != value)),
                Test::Greater(bound) => value.and_then(parse_int).is_some_and(|value| value > *bound),
                Test::Less(bound) => value.and_then(parse_int).is_some_and(|value| value < *bound),
            }
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    End,
    Close,
    Open,
    Comma,
    Not,
    Equals,
    NotEquals,
    Greater,
    Less,
    /// A key, a value, or one of the words `in` and `notin`.
    Word(&'a str),
}

impl Token<'_> {
    fn show(self) -> String {
        let text = match self {
            Token::End => return "the end".to_owned(),
            Token::Close => ")",
            Token::Open => "(",
            Token::Comma => ",",
            Token::Not => "!",
            Token::Equals => "=",
            Token::NotEquals => "!=",
            Token::Greater => ">",
            Token::Less => "<",
            Token::Word(word) => word,
        };
        format!("`{text}`")
    }
}

struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    fn peek(&self) -> Token<'a> {
        Lexer { rest: self.rest }.next()
    }

    fn next(&mut self) -> Token<'a> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let symbols = [
            ("==", Token::Equals),
            ("!=", Token::NotEquals),
            ("=", Token::Equals),
            ("!", Token::Not),
            ("(", Token::Open),
            (")", Token::Close),
            (",", Token::Comma),
            (">", Token::Greater),
            ("<", Token::Less),
        ];
        for (symbol, token) in symbols {
            if let Some(rest) = self.rest.strip_prefix(symbol) {
                self.rest = rest;
                return token;
            }
        }
        let special =
            |c| matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<' | ' ' | '\t' | '\r' | '\n' | '\0');
        let (word, rest) = self.rest.split_at(self.rest.find(special).unwrap_or(self.rest.len()));
        // A zero byte ends the text.
        self.rest = if rest.starts_with('\0') { "" } else { rest };
        if word.is_empty() { Token::End } else { Token::Word(word) }
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
}

impl<'a> Parser<'a> {
    fn run(mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        match self.lexer.peek() {
            Token::End => return Ok(requirements),
            Token::Word(_) | Token::Not => {}
            other => return Err(format!("found {}, expected `!` or a key", other.show())),
        }
        loop {
            requirements.push(self.requirement()?);
            match self.lexer.next() {
                Token::End => return Ok(requirements),
                Token::Comma => match self.lexer.peek() {
                    Token::Word(_) | Token::Not => {}
                    other => return Err(format!("found {} after `,`, expected a key", other.show())),
                },
                other => return Err(format!("found {}, expected `,` or the end", other.show())),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let negated = self.lexer.peek() == Token::Not;
        if negated {
            self.lexer.next();
        }
        let key = match self.lexer.next() {
            Token::Word(key) => key,
            other => return Err(format!("found {}, expected a key", other.show())),
        };
        check_key(key)?;
        let test = match self.lexer.peek() {
            _ if negated => Test::Missing,
            Token::End | Token::Comma => Test::Exists,
            _ => self.test()?,
        };
        Ok(Requirement { key: key.into(), test })
    }

    fn test(&mut self) -> Result<Test, String> {
        match self.lexer.next() {
            Token::Word("in") => self.values().map(Test::In),
            Token::Word("notin") => self.values().map(Test::NotIn),
            Token::Equals => self.value().map(|value| Test::In(vec![value])),
            Token::NotEquals => self.value().map(|value| Test::NotIn(vec![value])),
            Token::Greater => self.bound().map(Test::Greater),
            Token::Less => self.bound().map(Test::Less),
            other => {
                Err(format!("found {}, expected `=`, `!=`, `==`, `in`, `notin`, `<` or `>`", other.show()))
            }
        }
    }

    fn bound(&mut self) -> Result<i64, String> {
        let value = self.value()?;
        parse_int(&value).ok_or_else(|| format!("`{value}` is not an integer"))
    }

    /// One value; nothing at all is the empty one.
    fn value(&mut self) -> Result<Str, String> {
        match self.lexer.peek() {
            Token::End | Token::Comma => Ok(Str::default()),
            Token::Word(word) => {
                self.lexer.next();
                checked_value(word)
            }
            other => Err(format!("found {}, expected a value", other.show())),
        }
    }

    /// Values in parentheses, separated by commas; any of them may be empty.
    fn values(&mut self) -> Result<Vec<Str>, String> {
        match self.lexer.next() {
            Token::Open => {}
            other => return Err(format!("found {}, expected `(`", other.show())),
        }
        let mut values = Vec::new();
        loop {
            let value = match self.lexer.peek() {
                Token::Word(word) => {
                    self.lexer.next();
                    checked_value(word)?
                }
                Token::Comma | Token::Close => Str::default(),
                other => return Err(format!("found {}, expected a value", other.show())),
            };
            values.push(value);
            match self.lexer.next() {
                Token::Comma => {}
                Token::Close => return Ok(values),
                other => return Err(format!("found {}, expected `,` or `)`", other.show())),
            }
        }
    }
}

/// Go's `ParseInt`.
fn parse_int(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// An optional DNS subdomain and a slash, then a name.
fn check_key(key: &str) -> Result<(), String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if prefix.is_some_and(|prefix| !is_subdomain(prefix)) || name.is_empty() || !is_name(name) {
        return Err(format!(
            "`{key}` is not a label key: it must consist of letters, digits, `-`, `_` and `.`, start and end \
             with a letter or digit, be no longer than 63, and may follow a DNS subdomain and `/`"
        ));
    }
    Ok(())
}

fn checked_value(value: &str) -> Result<Str, String> {
    if is_name(value) {
        return Ok(value.into());
    }
    Err(format!(
        "`{value}` is not a label value: it must consist of letters, digits, `-`, `_` and `.`, start and end \
         with a letter or digit, and be no longer than 63"
    ))
}

fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.len() <= 63 && text.bytes().all(inner) && ends_are(text, |byte| byte.is_ascii_alphanumeric())
}

fn is_subdomain(text: &str) -> bool {
    let outer = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| outer(byte) || byte == b'-') && ends_are(label, outer)
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// Whether the first and the last byte, if there are any, satisfy a predicate.
fn ends_are(text: &str, is: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_none_or(|byte| is(*byte)) && bytes.last().is_none_or(|byte| is(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels: Vec<(String, String)> =
            labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let selector = LabelSelector::parse(selector).unwrap();
        selector.matches(|key| labels.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str()))
    }

    #[test]
    fn requirements_hold_as_in_kubernetes() {
        let labels = [("app", "web"), ("n", "7"), ("empty", "")];
        for yes in [
            "",
            "app",
            "!missing",
            "app=web",
            " app == web ,n in (6,7)",
            "app!=api",
            "missing!=x",
            "missing notin (a)",
            "n>6",
            "n<8",
            "empty=",
            "empty in ()",
            "empty in (a,,b)",
            "app in (in, web)",
            "missing notin ()",
        ] {
            assert!(matches(yes, &labels), "{yes}");
        }
        for no in
            ["missing", "!app", "app=api", "app!=web", "app notin (web)", "n>7", "app>1", "empty in (a,b)"]
        {
            assert!(!matches(no, &labels), "{no}");
        }
    }

    #[test]
    fn what_kubernetes_refuses_is_refused() {
        for bad in [
            "=x",
            "a b",
            "a=b c",
            "a,",
            ",a",
            "a in b",
            "a in (b",
            "a in (b c)",
            "a==!b",
            "a>x",
            "-a",
            "a=b/c",
            "a/b/c",
            "A.example/x",
            "!",
            "a=(b)",
            "app in (-x)",
        ] {
            assert!(LabelSelector::parse(bad).is_err(), "{bad}");
        }
    }
}
