//! Reading the objects of a file.

use kustomize_core::yaml::{self, Data, SourceText, Sources};
use serde_json::Value;

use crate::object;

/// A file that does not hold objects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is not YAML.
    #[error("error converting YAML to JSON: yaml: line {line}: {message}")]
    Yaml {
        /// The line.
        line: u32,
        /// What is wrong there.
        message: String,
    },
    /// A document is no object.
    #[error("error unmarshaling JSON: while decoding JSON: {0}")]
    Document(String),
}

/// The objects of a file of YAML or JSON, those of lists among them. What has no name is left out, and so are
/// kustomization files.
///
/// # Errors
/// A file that is not YAML, or a document without a kind.
pub fn read_objects(text: &str) -> Result<Vec<Value>, ReadError> {
    let sources = Sources::default();
    let id = sources.add("", SourceText::from(text.to_owned()), None);
    let documents = yaml::read(text, id).map_err(|failure| ReadError::Yaml {
        line: sources
            .location(failure.pos())
            .map_or(0, |place| u32::try_from(place.line).unwrap_or_default()),
        message: failure.to_string(),
    })?;
    let mut objects = Vec::new();
    for document in documents {
        if document.is_null() {
            continue;
        }
        let object = serde_json::to_value(Data::of(&document))
            .map_err(|failure| ReadError::Document(failure.to_string()))?;
        if !object.is_object() {
            return Err(ReadError::Document("a document that is not a map".to_owned()));
        }
        if object::kind(&object).is_empty() {
            return Err(ReadError::Document(format!("Object 'Kind' is missing in '{object}'")));
        }
        match object.get("items") {
            Some(Value::Array(items)) if object::kind(&object).ends_with("List") => {
                objects.extend(items.iter().cloned());
            }
            _ if is_object(&object) => objects.push(object),
            _ => {}
        }
    }
    Ok(objects)
}

/// Whether this is an object of a cluster.
fn is_object(object: &Value) -> bool {
    let is_kustomization = object::kind(object).eq_ignore_ascii_case("kustomization")
        && object::api_version(object).starts_with("kustomize.config.k8s.io/");
    !object::name(object).is_empty() && !object::api_version(object).is_empty() && !is_kustomization
}
