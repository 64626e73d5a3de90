//! The functions of Sprig that give the same result for the same input wherever and whenever they run.

mod collection;
mod number;
mod text;

use std::sync::Arc;

use gotmpl::{FuncMap, TemplateError, Value};

use super::structure::show;

/// What functions return. A failure is a message.
type Outcome = Result<Value, String>;

/// A function with its name.
type Function = (&'static str, fn(&Arguments) -> Outcome);

/// Adds all functions.
pub(super) fn add_to(functions: &mut FuncMap) {
    for (name, function) in text::ALL.iter().chain(number::ALL).chain(collection::ALL) {
        let call = move |values: &[Value]| {
            function(&Arguments(values))
                .map_err(|failure| TemplateError::Exec(format!("error calling {name}: {failure}")))
        };
        functions.insert((*name).to_owned(), Arc::new(call));
    }
}

/// The arguments of a call.
struct Arguments<'a>(&'a [Value]);

impl Arguments<'_> {
    /// The argument at a place.
    fn value(&self, index: usize) -> Result<&Value, String> {
        self.0.get(index).ok_or_else(|| format!("wrong number of args: want more than {}", self.0.len()))
    }

    /// The last argument.
    fn last(&self) -> Result<&Value, String> {
        self.value(self.0.len().saturating_sub(1))
    }

    /// The argument as text.
    fn text(&self, index: usize) -> Result<String, String> {
        self.value(index).map(text_of)
    }

    /// The argument as a whole number; what is none counts as zero.
    fn int(&self, index: usize) -> Result<i64, String> {
        self.value(index).map(int_of)
    }

    /// The argument as a number.
    fn float(&self, index: usize) -> Result<f64, String> {
        self.value(index).map(float_of)
    }

    /// The argument as a place in, or a length of, something of this length.
    fn size(&self, index: usize) -> Result<usize, String> {
        self.int(index).map(|number| usize::try_from(number).unwrap_or(0))
    }

    /// The items of a list.
    fn list(&self, index: usize) -> Result<Vec<Value>, String> {
        match self.value(index)? {
            Value::List(items) => Ok(items.to_vec()),
            Value::Nil => Ok(Vec::new()),
            other => Err(format!("the argument is of type {} and no list", other.type_name())),
        }
    }
}

/// A value as text.
fn text_of(value: &Value) -> String {
    match show(value) {
        Value::Nil => String::new(),
        other => other.to_string(),
    }
}

/// A value as a whole number.
fn int_of(value: &Value) -> i64 {
    match value {
        Value::Bool(truth) => i64::from(*truth),
        // `as` saturates, which is what is wanted of a number that is too large.
        Value::Float(number) => *number as i64,
        Value::String(text) => text.parse().unwrap_or(0),
        other => other.as_int().unwrap_or(0),
    }
}

/// A value as a number.
fn float_of(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        Value::String(text) => text.parse().unwrap_or(0.0),
        other => int_of(other) as f64,
    }
}
