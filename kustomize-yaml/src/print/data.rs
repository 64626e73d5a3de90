//! A tree as data: what a reader of the printed YAML gets.

use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{MAX_DEPTH, PrintError, PrintProblem, duplicate, key_text, sort, string_entries, text};
use crate::float;
use crate::read_back::{ReadBack, Role, read_back};
use crate::{Map, Node, Scalar, Value};

/// A tree to be serialized by serde into what a reader of the printed YAML gets: the same types,
/// the same texts, maps in the same order.
///
/// ```
/// use kustomize_yaml::{Data, FileId, read};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = kustomize_yaml::Sources::default().add("a.yaml", "".into(), None);
/// let tree = read("b: 1e3\na: 0777\nc: yes\n", file)?.remove(0);
/// assert_eq!(serde_json::to_string(&Data::of(&tree))?, r#"{"a":511,"b":1000,"c":"yes"}"#);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Serializing fails where printing would.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    node: &'a Node,
    depth: usize,
}

impl<'a> Data<'a> {
    /// The data of a tree.
    #[must_use]
    pub fn of(node: &'a Node) -> Self {
        Data { node, depth: 0 }
    }
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = |node| Data { node, depth: self.depth + 1 };
        if self.depth > MAX_DEPTH {
            return Err(S::Error::custom(PrintProblem::TooDeep));
        }
        match &self.node.value {
            Value::Scalar(scalar) => serialize_scalar(scalar, serializer),
            Value::Seq(seq) => {
                let mut list = serializer.serialize_seq(Some(seq.len()))?;
                seq.iter().try_for_each(|item| list.serialize_element(&inner(item)))?;
                list.end()
            }
            Value::Map(map) => {
                let entries = string_entries(map, self.depth == 0).map_err(S::Error::custom)?;
                let mut out = serializer.serialize_map(Some(entries.len()))?;
                for at in order(&entries).map_err(S::Error::custom)? {
                    let Some(entry) = entries.as_slice().get(at as usize) else { continue };
                    let key = key_text(&entry.key).map_err(S::Error::custom)?;
                    out.serialize_entry(&*key, &inner(&entry.value))?;
                }
                out.end()
            }
        }
    }
}

/// Indexes of the entries, in the order in which they are printed.
fn order(entries: &Map) -> Result<Vec<u32>, PrintError> {
    let key = |at: u32| entries.as_slice().get(at as usize).map_or("", |entry| entry.key.as_str());
    let mut order: Vec<u32> = (0..).take(entries.len()).collect();
    match sort::sort(&mut order, key) {
        Ok(()) => Ok(order),
        Err(twice) => Err(duplicate(&entries.as_slice()[twice as usize].key)),
    }
}

fn serialize_scalar<S: Serializer>(scalar: &Scalar, serializer: S) -> Result<S::Ok, S::Error> {
    match read_back(scalar, Role::Value).map_err(S::Error::custom)? {
        ReadBack::Null => serializer.serialize_unit(),
        ReadBack::Bool(value) => serializer.serialize_bool(value),
        ReadBack::Int(value) => serializer.serialize_i64(value),
        ReadBack::Uint(value) => serializer.serialize_u64(value),
        ReadBack::Float(value) => serialize_float(value, serializer),
        ReadBack::Text(value) => {
            serializer.serialize_str(&text::through_json(&value).map_err(S::Error::custom)?)
        }
    }
}

/// Whole numbers are printed, and so read, as integers where they fit.
fn serialize_float<S: Serializer>(value: f64, serializer: S) -> Result<S::Ok, S::Error> {
    let mut printed = String::new();
    float::push_yaml(&mut printed, value);
    if let Ok(value) = printed.parse::<i64>() {
        return serializer.serialize_i64(value);
    }
    match printed.parse::<u64>() {
        Ok(value) => serializer.serialize_u64(value),
        Err(_) => serializer.serialize_f64(value),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Data, FileId, print, read};

    fn json(text: &str) -> String {
        let tree = read(text, FileId::UNKNOWN).unwrap().remove(0);
        serde_json::to_string(&Data::of(&tree)).unwrap_or_else(|error| format!("error: {error}"))
    }

    #[test]
    fn data_is_what_yaml_says() {
        // Expectations: kustomize's output, as a YAML reader understands it.
        for (text, expected) in [
            ("a: 1.0", r#"{"a":1}"#),
            ("a: 1.5", r#"{"a":1.5}"#),
            ("a: 1e3", r#"{"a":1000}"#),
            ("a: 1e21", r#"{"a":1e+21}"#),
            ("a: 18446744073709551615", r#"{"a":18446744073709551615}"#),
            ("a: -0.0", r#"{"a":0}"#),
            ("a: ~\nb: ''\nc: null", r#"{"a":null,"b":"","c":null}"#),
            ("a: 2001-01-01", r#"{"a":"2001-01-01T00:00:00Z"}"#),
            ("a10: true\na2: 'true'", r#"{"a2":"true","a10":true}"#),
            ("a: [x, {}, [], {z: 1, y: 0o17}]", r#"{"a":["x",{},[],{"y":15,"z":1}]}"#),
            ("a: {1: x}", "error: the key `1` is not a string"),
            ("a: .inf", "error: `.inf` has no place in JSON, which resources are made of"),
            ("a: \"\\x7f\"", "error: the character U+007F may not be used in a resource"),
        ] {
            assert_eq!(json(text), expected, "{text}");
        }
    }

    #[test]
    fn data_agrees_with_the_printed_text() {
        for text in ["b: [1, '1', 1.50, 0x1F]\na: |\n  lines\n  of text\nc: {d: yes, e: \"no\"}\n", "{}"] {
            let mut printed = String::new();
            print(&read(text, FileId::UNKNOWN).unwrap()[0], &mut printed).unwrap();
            let value: serde_json::Value = serde_yaml::from_str(&printed).unwrap();
            assert_eq!(json(text), value.to_string());
        }
    }
}
