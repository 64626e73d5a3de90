//! Items of lists: kustomize turns each into JSON and reads that again.

use crate::error::{BuildError, ErrorKind};
use crate::yaml::resolve::{self, Dialect, Resolved};
use crate::yaml::{
    FileId, Key, Map, Node, Scalar, Seq, Style, Tag, Value, binary_text, float, json, read, refuse_duplicates,
};

/// The item after that way: keys sorted, strings quoted, numbers in JSON's form, dates as strings.
pub(super) fn through_json(node: Node) -> Result<Node, BuildError> {
    let Node { pos, value } = node;
    let value = match value {
        Value::Scalar(scalar) => {
            let item = convert(scalar).map_err(|problem| problem.at(pos))?;
            Value::Scalar(item)
        }
        Value::Seq(seq) => {
            let items = seq.into_items();
            Value::Seq(Seq::from_items(items.into_iter().map(through_json).collect::<Result<_, _>>()?))
        }
        Value::Map(map) => {
            let mut entries = map.into_entries();
            for entry in &mut entries {
                let Key { pos, scalar } = &mut entry.key;
                if !matches!(scalar.tag(), Tag::Str | Tag::None | Tag::Other | Tag::Binary) {
                    return Err(refuse(format!("the key {} is no string", scalar.text()))
                        .at(*pos)
                        .with_help("put it in quotes"));
                }
                *scalar = convert(std::mem::take(scalar)).map_err(|problem| problem.at(*pos))?;
                let value = std::mem::replace(&mut entry.value, Node::null());
                entry.value = through_json(value)?;
            }
            refuse_duplicates(&entries)?;
            entries.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
            Value::Map(Map::from_entries(entries))
        }
    };
    Ok(Node { pos, value })
}

fn convert(scalar: Scalar) -> Result<Scalar, BuildError> {
    let (text, tag) = (scalar.text(), scalar.tag());
    let plain = |text: &str, tag| Ok(Scalar::new(text, tag, Style::Plain));
    let resolved = match tag {
        Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp => {
            resolve::tagged_value(text, tag, Dialect::V3).unwrap_or(Resolved::Str)
        }
        Tag::None => resolve::value(text, Dialect::V3),
        _ => Resolved::Str,
    };
    match resolved {
        Resolved::Null => plain("null", Tag::Null),
        Resolved::Bool(value) => plain(if value { "true" } else { "false" }, Tag::Bool),
        Resolved::Int(value) => plain(&value.to_string(), Tag::Int),
        Resolved::Uint(value) => plain(&value.to_string(), Tag::Int),
        Resolved::Float(value) if !value.is_finite() => {
            Err(refuse(format!("{text} cannot stand in the items of a list")))
        }
        Resolved::Float(value) => {
            let mut text = String::new();
            float::push_json(&mut text, value);
            let tag = resolve::resolve(&text);
            plain(&text, tag)
        }
        Resolved::Timestamp(value) if value.offset.abs() >= 24 * 60 => {
            Err(refuse(format!("the time zone of {text} is out of range")))
        }
        Resolved::Timestamp(value) => Ok(quoted(Scalar::untyped(value.to_string()))),
        Resolved::Str if tag == Tag::Binary => string(Scalar::untyped(binary_text(text).unwrap_or_default())),
        Resolved::Str => string(scalar),
    }
}

fn quoted(scalar: Scalar) -> Scalar {
    scalar.with(Tag::Str, Style::DoubleQuoted)
}

/// A string. JSON does not escape some characters that YAML refuses, or takes for line breaks.
fn string(scalar: Scalar) -> Result<Scalar, BuildError> {
    let is_special = |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    if !scalar.text().contains(is_special) {
        return Ok(quoted(scalar));
    }
    let mut source = String::new();
    json::push_string(&mut source, scalar.text());
    let nodes = read(&source, FileId::UNKNOWN).map_err(|error| refuse(error.message().to_owned()))?;
    let text = nodes.first().map(Node::text).unwrap_or_default();
    Ok(quoted(Scalar::untyped(text)))
}

fn refuse(message: String) -> BuildError {
    BuildError::new(ErrorKind::Resource, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert_text(text: &str) -> Result<String, String> {
        let node = read(text, FileId::new(0)).expect("YAML").remove(0);
        let node = through_json(node).map_err(|error| error.to_string())?;
        let map = node.as_map().expect("a map");
        let shown = map.iter().map(|entry| {
            let scalar = entry.value.as_scalar().expect("a scalar");
            format!("{}={:?} {:?}", entry.key.as_str(), scalar.tag(), scalar.text())
        });
        Ok(shown.collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn values_take_the_form_of_json() {
        // Expectations: a ConfigMapList with this item, as kustomize prints it.
        let text = "b: 0x1F\na: 1.0\nc: 1e21\nd: 2001-01-01\ne: ~\nf: yes\ng: True\nh: \"x \u{85} y\"";
        assert_eq!(
            convert_text(text).as_deref(),
            Ok("a=Int \"1\", b=Int \"31\", c=Float \"1e+21\", d=Str \"2001-01-01T00:00:00Z\", \
                e=Null \"null\", f=Str \"yes\", g=Bool \"true\", h=Str \"x y\"")
        );
        for bad in ["a: .inf", "1: a", "a: \"\\x7f\"", "a: 2001-01-01T00:00:00+24:00"] {
            assert!(convert_text(bad).is_err(), "{bad}");
        }
    }
}
