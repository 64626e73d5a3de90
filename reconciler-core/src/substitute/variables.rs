//! The variables of a Kustomization and the resources that they are put into.

use std::collections::BTreeMap;

use kustomize_core::yaml::{self, Node, SourceText, Sources, Tag, Value};

use super::{ExpandError, Mode, expand};

/// The label or annotation that keeps variables out of a resource.
const DISABLED: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// Why variables cannot be put into a resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubstituteError {
    /// A name that no variable can have.
    #[error("'{0}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'")]
    Name(String),
    /// A variable without a value, or a substitution that cannot be read.
    #[error("variable substitution failed: {0}")]
    Expand(#[from] ExpandError),
    /// What came out is not YAML.
    #[error("YAMLToJSON: yaml: {0}")]
    Yaml(String),
    /// What came out has no form in YAML.
    #[error("{0}")]
    Print(String),
}

/// The values of variables, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Sets a variable. Line breaks are taken out of its value.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.replace('\n', ""));
    }

    /// Whether there are none, so that nothing is substituted unless that is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A resource with variables replaced, as YAML; nothing if the resource says that it wants none. It is read
/// and printed again as a whole: `"${n}"` becomes a number if the value is one.
///
/// # Errors
/// A variable that is not set, a name that is none, or an outcome that is not YAML.
pub fn substitute(
    resource: &Node,
    text: &str,
    variables: &Variables,
    mode: Mode,
) -> Result<Option<String>, SubstituteError> {
    let is_disabled = |kind: &str| {
        resource.at(&["metadata", kind, DISABLED]).is_some_and(|value| value.text() == "disabled")
    };
    if is_disabled("labels") || is_disabled("annotations") {
        return Ok(None);
    }
    if let Some(name) = variables.0.keys().find(|name| !is_name(name)) {
        return Err(SubstituteError::Name(name.clone()));
    }
    let expanded = expand(text, mode, &|name| variables.0.get(name).map(String::as_str))?;
    let sources = Sources::default();
    let id = sources.add("", SourceText::from(expanded.clone()), None);
    let node = yaml::read_config(&expanded, id).map_err(|failure| {
        let line = sources.location(failure.pos()).map_or(0, |place| place.line);
        SubstituteError::Yaml(format!("line {line}: {failure}"))
    })?;
    let mut node = node.unwrap_or_else(Node::null);
    round_integers(&mut node);
    let mut printed = String::new();
    yaml::print(&node, &mut printed).map_err(|failure| SubstituteError::Print(failure.to_string()))?;
    Ok(Some(printed))
}

/// Gives large integers the nearest value that a float can have, as Flux does on the way through JSON.
fn round_integers(node: &mut Node) {
    match &mut node.value {
        Value::Map(map) => map.iter_mut().for_each(|entry| round_integers(&mut entry.value)),
        Value::Seq(items) => items.iter_mut().for_each(round_integers),
        Value::Scalar(scalar) if scalar.tag() == Tag::Int && scalar.text().len() > 15 => {
            if let Ok(number) = scalar.text().parse::<f64>() {
                scalar.set_text(number.to_string());
            }
        }
        Value::Scalar(_) => {}
    }
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}
