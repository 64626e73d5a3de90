//! The tree of a resource as kustomize's hash sees it where it knows no better: the fields of
//! go-yaml's `Node`, places and styles among them.

use std::fmt::Write;

use crate::yaml::json::push_string;
use crate::yaml::{Node, Pos, Scalar, Sources, Style, Tag, Value};

/// go-yaml's numbers for kinds of nodes.
mod kind {
    pub(super) const SEQUENCE: u8 = 2;
    pub(super) const MAPPING: u8 = 4;
    pub(super) const SCALAR: u8 = 8;
}

/// Appends a node. Comments and flow styles, which trees do not keep, are taken to be absent.
pub(super) fn push(json: &mut impl Write, node: &Node, sources: &Sources) {
    match &node.value {
        Value::Scalar(scalar) => push_scalar(json, scalar, node.pos, sources),
        Value::Map(map) => {
            push_head(json, kind::MAPPING, 0, "!!map", "");
            push_content(json, map.is_empty(), |json| {
                for (at, entry) in map.iter().enumerate() {
                    if at > 0 {
                        put(json, ",");
                    }
                    push_scalar(json, &entry.key.scalar, entry.key.pos, sources);
                    put(json, ",");
                    push(json, &entry.value, sources);
                }
            });
            push_tail(json, node.pos, sources);
        }
        Value::Seq(seq) => {
            push_head(json, kind::SEQUENCE, 0, "!!seq", "");
            push_content(json, seq.is_empty(), |json| {
                for (at, item) in seq.iter().enumerate() {
                    if at > 0 {
                        put(json, ",");
                    }
                    push(json, item, sources);
                }
            });
            push_tail(json, node.pos, sources);
        }
    }
}

/// Writing to a text or a digest does not fail.
fn put(json: &mut impl Write, text: &str) {
    let _ = json.write_str(text);
}

fn push_scalar(json: &mut impl Write, scalar: &Scalar, pos: Pos, sources: &Sources) {
    let style = match scalar.style() {
        Style::Plain => 0,
        Style::DoubleQuoted => 2,
        Style::SingleQuoted => 4,
        Style::Literal => 8,
        Style::Folded => 16,
    };
    let tag = match scalar.tag() {
        Tag::None | Tag::Other => "",
        Tag::Null => "!!null",
        Tag::Bool => "!!bool",
        Tag::Int => "!!int",
        Tag::Float => "!!float",
        Tag::Str => "!!str",
        Tag::Timestamp => "!!timestamp",
        Tag::Binary => "!!binary",
        Tag::Merge => "!!merge",
    };
    push_head(json, kind::SCALAR, style, tag, scalar.text());
    put(json, "null");
    push_tail(json, pos, sources);
}

fn push_head(json: &mut impl Write, kind: u8, style: u8, tag: &str, value: &str) {
    let _ = write!(json, "{{\"Kind\":{kind},\"Style\":{style},\"Tag\":\"{tag}\",\"Value\":");
    push_string(json, value);
    put(json, ",\"Anchor\":\"\",\"Alias\":null,\"Content\":");
}

fn push_content<W: Write>(json: &mut W, empty: bool, push: impl FnOnce(&mut W)) {
    if empty {
        put(json, "null");
        return;
    }
    put(json, "[");
    push(json);
    put(json, "]");
}

fn push_tail(json: &mut impl Write, pos: Pos, sources: &Sources) {
    let (line, column) = sources.location(pos).map_or((0, 0), |place| (place.line, place.column));
    let _ = write!(
        json,
        ",\"HeadComment\":\"\",\"LineComment\":\"\",\"FootComment\":\"\",\"Line\":{line},\"Column\":{column}}}"
    );
}
