//! The formats of documents.

mod dotenv;
mod ini;
mod json;
mod yaml;

use std::fmt;

use super::value::{Branch, Value, get};

pub(super) use yaml::{from_node, to_node};

/// The format of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Any bytes, in an envelope of JSON while they are encrypted.
    Binary,
    /// Lines `KEY=value`.
    Dotenv,
    /// Sections of `key = value`.
    Ini,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

impl Format {
    /// The format of a file, by its name.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        let ends = |ending: &str| path.ends_with(ending);
        if ends(".dockerconfigjson") || ends(".json") {
            Format::Json
        } else if ends(".yaml") || ends(".yml") {
            Format::Yaml
        } else if ends(".env") {
            Format::Dotenv
        } else if ends(".ini") {
            Format::Ini
        } else {
            Format::Binary
        }
    }

    /// The format of an encrypted document, if it is one.
    #[must_use]
    pub fn detect(data: &[u8]) -> Option<Self> {
        [Format::Json, Format::Dotenv, Format::Ini, Format::Yaml]
            .into_iter()
            .find(|format| format.is_encrypted(data))
    }

    /// Whether a document of this format looks encrypted.
    #[must_use]
    pub fn is_encrypted(self, data: &[u8]) -> bool {
        let marker: &[u8] = match self {
            Format::Binary | Format::Json => b"\"mac\": \"ENC[",
            Format::Dotenv => b"sops_mac=ENC[",
            Format::Ini => b"[sops]",
            Format::Yaml => b"mac: ENC[",
        };
        data.windows(marker.len()).any(|window| window == marker)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Binary => "binary",
            Format::Dotenv => "dotenv",
            Format::Ini => "INI",
            Format::Json => "JSON",
            Format::Yaml => "YAML",
        })
    }
}

/// Reads an encrypted document, which may be several in YAML.
pub(super) fn load(data: &[u8], format: Format) -> Result<Vec<Branch>, String> {
    let text = std::str::from_utf8(data).map_err(|failure| failure.to_string())?;
    match format {
        Format::Binary | Format::Json => json::load(text).map(|branch| vec![branch]),
        Format::Dotenv => dotenv::load(text).map(|branch| vec![branch]),
        Format::Ini => ini::load(text).map(|branch| vec![branch]),
        Format::Yaml => yaml::load(text),
    }
}

/// Writes decrypted documents.
pub(super) fn emit(documents: &mut [Branch], format: Format) -> Result<Vec<u8>, String> {
    if format == Format::Yaml {
        return yaml::emit(documents).map(String::into_bytes);
    }
    let first = documents.first().ok_or("no document")?;
    match format {
        Format::Binary => match get(first, "data") {
            Some(Value::Text(text)) => Ok(text.clone().into_bytes()),
            Some(_) => Err("'data' key in tree does not have a string value".to_owned()),
            None => Err("no binary data found in tree".to_owned()),
        },
        Format::Dotenv => dotenv::emit(first).map(String::into_bytes),
        Format::Ini => ini::emit(first).map(String::into_bytes),
        Format::Json | Format::Yaml => Ok(json::emit(first).into_bytes()),
    }
}
