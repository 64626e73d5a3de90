//! Gives variables their values.

use super::parser::{Part, Variable, parse};
use super::{ExpandError, functions};

/// What to do about variables without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Refuse them, unless they have a default.
    Strict,
    /// Take them as empty.
    Lenient,
}

/// Expands all variables of a text.
///
/// # Errors
/// A substitution that cannot be read, and in strict mode a variable without value and default.
pub fn expand<'a>(
    text: &str,
    mode: Mode,
    lookup: &dyn Fn(&str) -> Option<&'a str>,
) -> Result<String, ExpandError> {
    let mut out = Vec::with_capacity(text.len());
    for part in parse(text)? {
        evaluate(&part, mode, lookup, &mut out)?;
    }
    // Substrings count bytes, so that a character can be cut in two.
    Ok(String::from_utf8(out).unwrap_or_else(|bytes| String::from_utf8_lossy(bytes.as_bytes()).into_owned()))
}

fn evaluate<'a>(
    part: &Part,
    mode: Mode,
    lookup: &dyn Fn(&str) -> Option<&'a str>,
    out: &mut Vec<u8>,
) -> Result<(), ExpandError> {
    match part {
        Part::Text(text) => out.extend_from_slice(text),
        Part::Variable(variable) => {
            let value = value_of(variable, mode, lookup)?;
            out.extend_from_slice(&value);
        }
    }
    Ok(())
}

fn value_of<'a>(
    variable: &Variable,
    mode: Mode,
    lookup: &dyn Fn(&str) -> Option<&'a str>,
) -> Result<Vec<u8>, ExpandError> {
    let mut arguments = Vec::with_capacity(variable.arguments.len());
    for argument in &variable.arguments {
        let mut value = Vec::new();
        evaluate(argument, mode, lookup, &mut value)?;
        arguments.push(value);
    }
    let has_default = matches!(&*variable.operator, "=" | ":=" | ":-" | ":+" | ":?");
    let value = match lookup(&variable.name) {
        Some(value) => value,
        None if mode == Mode::Strict && !has_default => {
            return Err(ExpandError::NotSet(variable.name.clone()));
        }
        None => "",
    };
    functions::apply(&variable.operator, value, &arguments)
        .ok_or_else(|| ExpandError::NegativeLength(variable.name.clone()))
}
