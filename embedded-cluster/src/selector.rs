//! Label and field selectors.

use serde_json::Value;

use crate::status::ApiError;

/// One demand on a label.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Demand {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

/// What a list or watch is limited to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    labels: Vec<Demand>,
    /// Path, value, and whether it shall be equal.
    fields: Vec<(String, String, bool)>,
}

impl Selector {
    pub(crate) fn parse(labels: Option<&str>, fields: Option<&str>) -> Result<Selector, ApiError> {
        let mut selector = Selector::default();
        for part in split(labels.unwrap_or_default()) {
            selector.labels.push(parse_label(part)?);
        }
        for part in fields.unwrap_or_default().split(',').filter(|part| !part.is_empty()) {
            let (key, value, equal) = equation(part).ok_or_else(|| {
                ApiError::bad_request(format!("invalid selector: {part:?}; can't understand {part:?}"))
            })?;
            selector.fields.push((key.to_owned(), value.to_owned(), equal));
        }
        Ok(selector)
    }

    /// The only name that can match, when there is one.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        let label = |key: &str| object.get("metadata")?.get("labels")?.get(key)?.as_str();
        self.labels.iter().all(|demand| match demand {
            Demand::In(key, values) => {
                label(key).is_some_and(|value| values.iter().any(|wanted| wanted == value))
            }
            Demand::NotIn(key, values) => {
                label(key).is_none_or(|value| values.iter().all(|wanted| wanted != value))
            }
            Demand::Exists(key) => label(key).is_some(),
            Demand::Missing(key) => label(key).is_none(),
        }) && self.fields.iter().all(|(path, wanted, equal)| {
            let mut value = object;
            for part in path.split('.') {
                value = &value[part];
            }
            let matches = match value {
                Value::String(text) => text == wanted,
                Value::Null => wanted.is_empty(),
                Value::Bool(flag) => wanted == if *flag { "true" } else { "false" },
                other => other.to_string().as_str() == wanted,
            };
            matches == *equal
        })
    }
}

/// Parts between commas that stand outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn equation(part: &str) -> Option<(&str, &str, bool)> {
    let (key, value, equal) = if let Some((key, value)) = part.split_once("!=") {
        (key, value, false)
    } else if let Some((key, value)) = part.split_once("==") {
        (key, value, true)
    } else {
        let (key, value) = part.split_once('=')?;
        (key, value, true)
    };
    Some((key.trim(), value.trim(), equal))
}

fn parse_label(part: &str) -> Result<Demand, ApiError> {
    let values = |text: &str| -> Option<Vec<String>> {
        let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.split(',').map(|value| value.trim().to_owned()).collect())
    };
    let wrong = || ApiError::bad_request(format!("unable to parse requirement: {part:?}"));
    if let Some((key, value, equal)) = equation(part) {
        let (key, values) = (key.to_owned(), vec![value.to_owned()]);
        return Ok(if equal { Demand::In(key, values) } else { Demand::NotIn(key, values) });
    }
    if let Some((key, rest)) = part.split_once(" notin ").or_else(|| part.split_once(" notin")) {
        return Ok(Demand::NotIn(key.trim().to_owned(), values(rest).ok_or_else(wrong)?));
    }
    if let Some((key, rest)) = part.split_once(" in ").or_else(|| part.split_once(" in")) {
        return Ok(Demand::In(key.trim().to_owned(), values(rest).ok_or_else(wrong)?));
    }
    match part.strip_prefix('!') {
        Some(key) => Ok(Demand::Missing(key.trim().to_owned())),
        None if !part.contains(' ') => Ok(Demand::Exists(part.to_owned())),
        None => Err(wrong()),
    }
}
