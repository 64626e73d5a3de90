//! From Go's spelling of a pattern to one that the `regex` crate reads the same: without classes in
//! classes, without octal numbers.

use std::fmt::Write as _;

use super::repeats::Repeats;

struct Respeller<'a> {
    rest: &'a str,
    out: String,
}

/// Respells a pattern.
///
/// # Errors
/// Go would refuse it. Not all that Go refuses is noticed here: the engine has its turn.
pub(super) fn respell(pattern: &str) -> Result<String, String> {
    Respeller { rest: pattern, out: String::with_capacity(pattern.len() + 8) }.run()
}

/// Go's Perl classes are ASCII only. What each stands for within brackets.
fn perl_class(letter: char) -> Option<&'static str> {
    Some(match letter {
        'd' => "0-9",
        'D' => r"\x00-/:-\x{10FFFF}",
        's' => r"\t\n\f\r ",
        'S' => r"\x00-\x08\x0B\x0E-\x1F!-\x{10FFFF}",
        'w' => "0-9A-Za-z_",
        'W' => r"\x00-/:-@\[-\^`\{-\x{10FFFF}",
        _ => return None,
    })
}

/// What may stand between `[:` and `:]`, but for a `^` before it.
const POSIX_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// What a member of a class is: a range may start and end with a character alone.
#[derive(PartialEq, Eq)]
enum Member {
    Character,
    Class,
}

impl Respeller<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn run(mut self) -> Result<String, String> {
        let mut repeated = false;
        let mut all_repeats = Repeats::default();
        while let Some(next) = self.next() {
            let mut repeats = false;
            match next {
                '\\' => {
                    self.escape(false)?;
                    all_repeats.single();
                }
                '[' => {
                    self.class()?;
                    all_repeats.single();
                }
                '(' => {
                    self.out.push('(');
                    self.flags()?;
                    all_repeats.open();
                }
                ')' => {
                    self.out.push(')');
                    all_repeats.close();
                }
                '{' => match self.repetition()? {
                    Some((least, most)) => {
                        all_repeats.repeat(least, most)?;
                        repeats = true;
                    }
                    None => {
                        self.out.push_str(r"\{");
                        all_repeats.single();
                    }
                },
                '}' => {
                    self.out.push_str(r"\}");
                    all_repeats.single();
                }
                '*' | '+' | '?' => {
                    self.out.push(next);
                    repeats = true;
                }
                _ => {
                    self.out.push(next);
                    all_repeats.single();
                }
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

    /// After `{`: the rest of a repetition count, if it is one. The most is none where there is no end.
    fn repetition(&mut self) -> Result<Option<(u32, Option<u32>)>, String> {
        let Some(end) = self.rest.find('}') else { return Ok(None) };
        let counts = &self.rest[..end];
        let (low, high) = counts.split_once(',').map_or((counts, None), |(low, high)| (low, Some(high)));
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| text.parse::<u32>().unwrap_or(u32::MAX))
        };
        let Some(least) = number(low) else { return Ok(None) };
        let most = match high {
            None => Some(least),
            Some("") => None,
            Some(high) => match number(high) {
                Some(most) => Some(most),
                None => return Ok(None),
            },
        };
        if least > 1000 || most.is_some_and(|most| most > 1000 || most < least) {
            return Err(format!("invalid repeat count {{{counts}}}"));
        }
        let _ = write!(self.out, "{{{counts}}}");
        self.rest = &self.rest[end + 1..];
        Ok(Some((least, most)))
    }

    /// After `(`: the `regex` crate knows flags that Go does not.
    fn flags(&self) -> Result<(), String> {
        let Some(flags) = self.rest.strip_prefix('?') else { return Ok(()) };
        match flags.chars().find(|flag| !matches!(flag, 'i' | 'm' | 's' | 'U' | '-')) {
            Some(flag) if flag.is_alphabetic() && flag != 'P' => Err(format!("invalid flag `{flag}`")),
            _ => Ok(()),
        }
    }

    /// After a backslash.
    fn escape(&mut self, in_class: bool) -> Result<Member, String> {
        let Some(letter) = self.next() else { return Err("a backslash at the end".to_owned()) };
        match letter {
            'Q' if !in_class => {
                let (quoted, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
                quoted.chars().for_each(|quoted| self.character(quoted));
                self.rest = rest;
            }
            'A' | 'z' if !in_class => self.literal_escape(letter),
            'b' if !in_class => self.out.push_str(r"(?-u:\b)"),
            'B' if !in_class => self.out.push_str(r"(?-u:\B)"),
            'a' | 'f' | 'n' | 'r' | 't' | 'v' => self.literal_escape(letter),
            'x' => {
                self.literal_escape(letter);
                self.braces();
            }
            'p' | 'P' => {
                let negated = self.rest.starts_with("{^");
                self.literal_escape(if (letter == 'P') == negated { 'p' } else { 'P' });
                self.braces();
                return Ok(Member::Class);
            }
            '0' => self.octal(0),
            '1'..='7' if self.rest.starts_with(|next: char| next.is_digit(8)) => {
                self.octal(letter.to_digit(8).unwrap_or_default());
            }
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                let members = perl_class(letter).unwrap_or_default();
                if in_class {
                    self.out.push_str(members);
                } else {
                    let _ = write!(self.out, "[{members}]");
                }
                return Ok(Member::Class);
            }
            '<' | '>' => self.out.push(letter),
            _ if letter.is_ascii_alphanumeric() || !letter.is_ascii() => {
                return Err(format!("invalid escape sequence `\\{letter}`"));
            }
            _ => self.literal_escape(letter),
        }
        Ok(Member::Character)
    }

    /// After `\p` and `\x`: a name or number in braces, if there is one.
    fn braces(&mut self) {
        if let Some((inside, rest)) = self.rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            let _ = write!(self.out, "{{{}}}", inside.trim_start_matches('^'));
            self.rest = rest;
        }
    }

    /// After the first digit of a character's number in base 8: up to two more.
    fn octal(&mut self, first: u32) {
        let digits: Vec<u32> = self.rest.chars().take(2).map_while(|next| next.to_digit(8)).collect();
        self.rest = &self.rest[digits.len()..];
        let number = digits.into_iter().fold(first, |number, digit| number * 8 + digit);
        let _ = write!(self.out, "\\x{{{number:X}}}");
    }

    /// A character that means itself.
    fn character(&mut self, character: char) {
        // `\<` and `\>` are where words start and end.
        if character.is_ascii_punctuation() && !matches!(character, '<' | '>') {
            self.out.push('\\');
        }
        self.out.push(character);
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
            let start = self.class_member()?;
            if start == Member::Character && self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.next();
                self.out.push('-');
                if self.class_member()? == Member::Class {
                    return Err("a range that ends with a class".to_owned());
                }
            }
        }
    }

    /// One character of a class, an escape, or a named class as `[:alpha:]`.
    fn class_member(&mut self) -> Result<Member, String> {
        let named = self.rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]"));
        if let Some((name, rest)) = named {
            if !POSIX_CLASSES.contains(&name.strip_prefix('^').unwrap_or(name)) {
                return Err(format!("invalid character class `[:{name}:]`"));
            }
            let _ = write!(self.out, "[:{name}:]");
            self.rest = rest;
            return Ok(Member::Class);
        }
        match self.next() {
            None => Err("missing closing ]".to_owned()),
            Some('\\') => self.escape(true),
            // Rust gives some of them a meaning in a class that Go does not.
            Some(next) => {
                self.character(next);
                Ok(Member::Character)
            }
        }
    }
}
