//! The hash of a resource's content that its name ends with.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::yaml::json::{self, Integers};
use crate::yaml::{Node, PrintError, Sources, Value};

/// Ten characters that change when the content does.
///
/// Of ConfigMaps and Secrets only data (and a Secret's type) counts; their names are meant to, but
/// do not, as in kustomize.
pub(crate) fn content_hash(node: &Node, sources: &Sources) -> Result<String, PrintError> {
    let mut json = Digested::default();
    match node.get("kind").map_or("", Node::text) {
        "ConfigMap" => {
            json.put("{");
            push_map_if_there(&mut json, node, "binaryData")?;
            push_field(&mut json, node, "data")?;
            json.put(",\"kind\":\"ConfigMap\",\"name\":\"\"}");
        }
        "Secret" => {
            json.put("{");
            push_field(&mut json, node, "data")?;
            json.put(",\"kind\":\"Secret\",\"name\":\"\",");
            push_map_if_there(&mut json, node, "stringData")?;
            push_field(&mut json, node, "type")?;
            json.put("}");
        }
        _ => super::node_json::push(&mut json, node, sources),
    }
    Ok(encode(json.finish()))
}

/// A field and its value; an empty string when the resource does not have it.
fn push_field(json: &mut Digested, node: &Node, field: &str) -> Result<(), PrintError> {
    json::push_string(json, field);
    json.put(":");
    match node.get(field) {
        None => json.put("\"\""),
        Some(node) => match &node.value {
            Value::Scalar(scalar) => json::push_string(json, scalar.text()),
            Value::Map(_) => json::push(json, node, Integers::Floats)?,
            // Read into a map, a list comes to nothing; but it must be readable.
            Value::Seq(_) => {
                json::push(&mut String::new(), node, Integers::Floats)?;
                json.put("null");
            }
        },
    }
    Ok(())
}

fn push_map_if_there(json: &mut Digested, node: &Node, field: &str) -> Result<(), PrintError> {
    if node.get(field).is_some_and(|value| value.as_scalar().is_none()) {
        push_field(json, node, field)?;
        json.put(",");
    }
    Ok(())
}

/// JSON that goes into a digest instead of a text: the data may be large.
#[derive(Default)]
struct Digested {
    digest: Sha256,
    pending: String,
}

impl Digested {
    /// How much is gathered before it is digested.
    const ENOUGH: usize = 1 << 14;

    fn put(&mut self, text: &str) {
        if self.pending.len() + text.len() > Self::ENOUGH {
            self.digest.update(self.pending.as_bytes());
            self.pending.clear();
        }
        if text.len() > Self::ENOUGH {
            self.digest.update(text.as_bytes());
        } else {
            self.pending.push_str(text);
        }
    }

    fn finish(mut self) -> impl AsRef<[u8]> {
        self.digest.update(self.pending.as_bytes());
        self.digest.finalize()
    }
}

impl Write for Digested {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.put(text);
        Ok(())
    }
}

/// The first ten hexadecimal digits of the SHA-256, in letters that do not make words.
fn encode(digest: impl AsRef<[u8]>) -> String {
    let mut hex = String::with_capacity(10);
    for byte in digest.as_ref().iter().take(5) {
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
