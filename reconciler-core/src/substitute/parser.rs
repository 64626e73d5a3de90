//! Reads a text with variables.
//!
//! The scanner is one position in the bytes of the text. What it accepts next depends on where in a
//! substitution it stands, and a `$` or `\` can be escaped only in some places; the rules are those of
//! Flux. Escape characters are left out of the tokens.

use std::sync::LazyLock;

use regex::Regex;

use super::ExpandError;

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Text that stands for itself.
    Text(Vec<u8>),
    /// A variable with an operator.
    Variable(Variable),
}

/// A variable with an operator.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Variable {
    /// The name.
    pub(super) name: String,
    /// The operator, empty for none.
    pub(super) operator: String,
    /// The operator's arguments.
    pub(super) arguments: Vec<Part>,
}

/// How deep defaults may be nested.
const MAX_DEPTH: usize = 200;

/// Reads a whole text. It ends at a NUL, as Flux's does.
pub(super) fn parse(text: &str) -> Result<Vec<Part>, ExpandError> {
    let mut parser = Parser { text, at: 0, escapes_backslash: false, depth: 0 };
    let mut parts = Vec::new();
    loop {
        parser.escapes_backslash = false;
        match parser.scan(Accept { text: |_, _| true, opening: true, closing: false, escapes: true }) {
            Token::Text(text) => parts.push(Part::Text(text)),
            Token::Opening => parts.push(Part::Variable(parser.variable()?)),
            Token::End => return Ok(parts),
            Token::Closing | Token::Illegal => return Err(ExpandError::BadSubstitution),
        }
    }
}

/// What the scanner takes next.
#[derive(Clone, Copy)]
struct Accept {
    /// Whether a character belongs to the token, by it and the length of the token with it, in bytes.
    text: fn(char, usize) -> bool,
    /// Whether `${` is a token.
    opening: bool,
    /// Whether `}` is a token.
    closing: bool,
    /// Whether characters can be escaped.
    escapes: bool,
}

impl Accept {
    /// Text alone.
    const fn only(text: fn(char, usize) -> bool) -> Self {
        Accept { text, opening: false, closing: false, escapes: false }
    }
}

enum Token {
    Text(Vec<u8>),
    Opening,
    Closing,
    End,
    Illegal,
}

/// The end of a text, for the scanner.
const END: char = '\0';

struct Parser<'a> {
    text: &'a str,
    at: usize,
    escapes_backslash: bool,
    depth: usize,
}

fn is_name(c: char, _: usize) -> bool {
    c.is_alphabetic() || is_decimal_digit(c) || c == '_'
}

/// A digit of any script. Other numerals, such as fractions and Roman ones, do not count.
fn is_decimal_digit(c: char) -> bool {
    c.is_ascii_digit()
        || (!c.is_ascii() && DIGIT.as_ref().is_some_and(|digit| digit.is_match(c.encode_utf8(&mut [0; 4]))))
}

/// Unicode's decimal digits. The pattern is fixed and valid.
static DIGIT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Nd}$").ok());

impl Parser<'_> {
    fn peek(&self) -> char {
        self.text.get(self.at..).and_then(|rest| rest.chars().next()).unwrap_or(END)
    }

    fn next(&mut self) -> char {
        let c = self.peek();
        if self.at < self.text.len() {
            self.at += c.len_utf8();
        }
        c
    }

    fn begins_with(&self, text: &str) -> bool {
        self.text.get(self.at..).is_some_and(|rest| rest.starts_with(text))
    }

    /// Whether an escape character stands here, before what it escapes.
    fn is_escape(&self) -> bool {
        self.begins_with("$$")
            || (self.escapes_backslash && (self.begins_with("\\/") || self.begins_with("\\\\")))
    }

    fn scan(&mut self, accept: Accept) -> Token {
        let first = self.peek();
        if first == END {
            return Token::End;
        }
        if accept.opening && self.begins_with("${") {
            self.at += 2;
            return Token::Opening;
        }
        if accept.closing && first == '}' {
            self.at += 1;
            return Token::Closing;
        }
        self.scan_text(accept).map_or(Token::Illegal, Token::Text)
    }

    fn scan_text(&mut self, accept: Accept) -> Option<Vec<u8>> {
        let mut token: Vec<u8> = Vec::new();
        while self.peek() != END {
            // An opening brace ends a text, but cannot be its beginning here.
            if !token.is_empty() && accept.opening && self.begins_with("${") {
                break;
            }
            let mut buffer = [0; 4];
            if accept.escapes && self.is_escape() {
                self.at += 1;
                // What is escaped is taken as it is, and nothing in it begins anything.
                let escaped = self.next();
                token.extend_from_slice(escaped.encode_utf8(&mut buffer).as_bytes());
                continue;
            }
            let c = self.peek();
            if !(accept.text)(c, token.len() + c.len_utf8()) {
                break;
            }
            self.at += c.len_utf8();
            token.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        }
        (!token.is_empty()).then_some(token)
    }

    /// A text that has to be here.
    fn expect(&mut self, text: fn(char, usize) -> bool, or: ExpandError) -> Result<String, ExpandError> {
        match self.scan(Accept::only(text)) {
            Token::Text(token) => String::from_utf8(token).map_err(|_| or),
            _ => Err(or),
        }
    }

    /// A substitution, after its `${`.
    fn variable(&mut self) -> Result<Variable, ExpandError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(ExpandError::TooDeep);
        }
        self.escapes_backslash = true;
        let variable = self.variable_here();
        self.depth -= 1;
        variable
    }

    fn variable_here(&mut self) -> Result<Variable, ExpandError> {
        use ExpandError::BadSubstitution as Bad;
        if self.peek() == '#' {
            let operator = self.expect(|c, length| c == '#' && length == 1, Bad)?;
            let name = self.expect(is_name, Bad)?;
            self.close(Bad)?;
            return Ok(Variable { name, operator, arguments: Vec::new() });
        }
        let name = self.expect(is_name, ExpandError::VariableName)?;
        let mut variable = Variable { name, ..Variable::default() };
        match self.peek() {
            ':' => {
                let mut rest = self.text.get(self.at + 1..).unwrap_or_default().chars();
                if matches!(rest.next(), Some('=' | '-' | '?' | '+')) {
                    self.default_value(&mut variable)?;
                } else {
                    self.substring(&mut variable)?;
                }
            }
            '=' => self.default_value(&mut variable)?,
            ',' | '^' => {
                variable.operator = self.expect(|c, length| matches!(c, ',' | '^') && length < 3, Bad)?;
                self.close(Bad)?;
            }
            '/' => self.replace(&mut variable)?,
            '#' => self.remove(&mut variable, |c, length| c == '#' && length < 3)?,
            '%' => self.remove(&mut variable, |c, length| c == '%' && length < 3)?,
            _ => self.close(ExpandError::MissingClosingBrace)?,
        }
        Ok(variable)
    }

    fn default_value(&mut self, variable: &mut Variable) -> Result<(), ExpandError> {
        let operator: fn(char, usize) -> bool = if self.peek() == '=' {
            |c, length| c == '=' && length == 1
        } else {
            |c, length| match length {
                1 => c == ':',
                2 => matches!(c, '=' | '-' | '?' | '+'),
                _ => false,
            }
        };
        variable.operator = self.expect(operator, ExpandError::DefaultFunction)?;
        while self.peek() != '}' {
            let argument = self.argument(|c, _| c != '}', false)?;
            variable.arguments.push(argument);
        }
        self.close(ExpandError::BadSubstitution)
    }

    fn substring(&mut self, variable: &mut Variable) -> Result<(), ExpandError> {
        use ExpandError::BadSubstitution as Bad;
        variable.operator = self.expect(|c, length| c == ':' && length == 1, Bad)?;
        let position = self.argument(|c, _| c != ':' && c != '}', false)?;
        variable.arguments.push(position);
        let colons = Accept { text: |c, _| c == ':', opening: false, closing: true, escapes: false };
        match self.scan(colons) {
            Token::Closing => return Ok(()),
            Token::Text(_) => {}
            _ => return Err(Bad),
        }
        let length = self.argument(|c, _| c != '}', false)?;
        variable.arguments.push(length);
        self.close(Bad)
    }

    fn remove(
        &mut self,
        variable: &mut Variable,
        operator: fn(char, usize) -> bool,
    ) -> Result<(), ExpandError> {
        use ExpandError::BadSubstitution as Bad;
        variable.operator = self.expect(operator, Bad)?;
        let pattern = self.argument(|c, _| c != '}', false)?;
        variable.arguments.push(pattern);
        self.close(Bad)
    }

    fn replace(&mut self, variable: &mut Variable) -> Result<(), ExpandError> {
        use ExpandError::BadSubstitution as Bad;
        let operator = |c, length| match length {
            1 => c == '/',
            2 => matches!(c, '/' | '#' | '%'),
            _ => false,
        };
        variable.operator = self.expect(operator, Bad)?;
        let pattern = self.argument(|c, _| c != '/', true)?;
        variable.arguments.push(pattern);
        self.expect(|c, _| c == '/', Bad)?;
        if self.peek() != '}' {
            let replacement = self.argument(|c, _| c != '}', true)?;
            variable.arguments.push(replacement);
        }
        self.close(Bad)
    }

    fn argument(&mut self, text: fn(char, usize) -> bool, escapes: bool) -> Result<Part, ExpandError> {
        match self.scan(Accept { text, opening: true, closing: false, escapes }) {
            Token::Opening => self.variable().map(Part::Variable),
            Token::Text(text) => Ok(Part::Text(text)),
            _ => Err(ExpandError::Argument),
        }
    }

    fn close(&mut self, or: ExpandError) -> Result<(), ExpandError> {
        if self.peek() != '}' {
            return Err(or);
        }
        self.at += 1;
        Ok(())
    }
}
