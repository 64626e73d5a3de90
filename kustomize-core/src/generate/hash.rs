//! The hash of a resource's content that its name ends with.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::yaml::json::{self, Integers};
use crate::yaml::{Node, PrintError, Sources, Value};

/// Ten characters that change when the content does.
///
/// Of ConfigMaps and Secrets only data (and a Secret's type) counts; their names are meant to, but
/// do not, as in the reference.
pub(crate) fn content_hash(node: &Node, sources: &Sources) -> Result<String, PrintError> {
    let mut json = String::new();
    match node.get("kind").map_or("", Node::text) {
        "ConfigMap" => {
            json.push('{');
            push_map_if_there(&mut json, node, "binaryData")?;
            push_field(&mut json, node, "data")?;
            json.push_str(",\"kind\":\"ConfigMap\",\"name\":\"\"}");
        }
        "Secret" => {
            json.push('{');
            push_field(&mut json, node, "data")?;
            json.push_str(",\"kind\":\"Secret\",\"name\":\"\",");
            push_map_if_there(&mut json, node, "stringData")?;
            push_field(&mut json, node, "type")?;
            json.push('}');
        }
        _ => super::node_json::push(&mut json, node, sources),
    }
    Ok(encode(&json))
}

/// A field and its value; an empty string when the resource does not have it.
fn push_field(json: &mut String, node: &Node, field: &str) -> Result<(), PrintError> {
    json::push_string(json, field);
    json.push(':');
    match node.get(field) {
        None => json.push_str("\"\""),
        Some(node) => match &node.value {
            Value::Scalar(scalar) => json::push_string(json, &scalar.text),
            Value::Map(_) => json::push(json, node, Integers::Floats)?,
            // Read into a map, a list comes to nothing; but it must be readable.
            Value::Seq(_) => {
                json::push(&mut String::new(), node, Integers::Floats)?;
                json.push_str("null");
            }
        },
    }
    Ok(())
}

fn push_map_if_there(json: &mut String, node: &Node, field: &str) -> Result<(), PrintError> {
    if node.get(field).is_some_and(|value| value.as_scalar().is_none()) {
        push_field(json, node, field)?;
        json.push(',');
    }
    Ok(())
}

/// The first ten hexadecimal digits of the SHA-256, in letters that do not make words.
fn encode(json: &str) -> String {
    let mut hex = String::with_capacity(10);
    for byte in &Sha256::digest(json.as_bytes())[..5] {
        let _ = write!(hex, "{byte:02x}");
    }
    let replaced = |c| match c {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        other => other,
    };
    hex.chars().map(replaced).collect()
}
