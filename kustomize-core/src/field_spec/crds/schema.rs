//! What kustomize refuses to read as an OpenAPI schema.

use super::{invalid, string};
use crate::error::BuildError;
use crate::yaml::{Node, Tag, Value};

/// How deep schemas may be nested, and definitions refer to each other.
pub(super) const MAX_DEPTH: usize = 500;

/// What the value of a field must be.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    TextOrTexts,
    Texts,
    Flag,
    Number,
    Integer,
    List,
    Schema,
    SchemaOrFlag,
    Schemas,
    SchemaMap,
    /// A schema where it is a map, schemas where it is a list, ignored otherwise.
    SchemaOrSchemas,
    /// A map of such that are schemas where they are maps.
    Dependencies,
    /// A map of texts.
    Docs,
}

fn shape(field: &str) -> Option<Shape> {
    Some(match field {
        "id" | "description" | "format" | "title" | "pattern" | "discriminator" => Shape::Text,
        "type" => Shape::TextOrTexts,
        "required" => Shape::Texts,
        "nullable" | "exclusiveMaximum" | "exclusiveMinimum" | "uniqueItems" | "readOnly" => Shape::Flag,
        "maximum" | "minimum" | "multipleOf" => Shape::Number,
        "maxLength" | "minLength" | "maxItems" | "minItems" | "maxProperties" | "minProperties" => {
            Shape::Integer
        }
        "enum" => Shape::List,
        "not" => Shape::Schema,
        "additionalProperties" | "additionalItems" => Shape::SchemaOrFlag,
        "allOf" | "oneOf" | "anyOf" => Shape::Schemas,
        "properties" | "patternProperties" | "definitions" => Shape::SchemaMap,
        "items" => Shape::SchemaOrSchemas,
        "dependencies" => Shape::Dependencies,
        "externalDocs" => Shape::Docs,
        _ => return None,
    })
}

/// Refuses what is no schema.
pub(super) fn check(node: &Node) -> Result<(), BuildError> {
    check_at(node, 0)
}

fn check_at(node: &Node, depth: usize) -> Result<(), BuildError> {
    if depth > MAX_DEPTH {
        return Err(invalid("the schema is nested too deeply", node.pos));
    }
    if node.is_null() {
        return Ok(());
    }
    let Value::Map(map) = &node.value else {
        return Err(invalid("expected a schema, which is a map", node.pos));
    };
    for entry in map {
        let field = entry.key.as_str();
        if matches!(field, "$ref" | "$schema") {
            check_url(field, &entry.value)?;
        } else if let Some(shape) = shape(field)
            && !entry.value.is_null()
        {
            check_field(field, &entry.value, shape, depth)?;
        }
    }
    Ok(())
}

fn check_field(field: &str, value: &Node, shape: Shape, depth: usize) -> Result<(), BuildError> {
    let expect = |holds: bool, what: &str| {
        if holds { Ok(()) } else { Err(invalid(format!("`{field}`: expected {what}"), value.pos)) }
    };
    let tag = value.as_scalar().map(|scalar| scalar.tag());
    let is_texts = || value.as_seq().is_some_and(|seq| seq.iter().all(|item| string(Some(item)).is_some()));
    match (shape, &value.value) {
        (Shape::Text, _) => expect(string(Some(value)).is_some(), "a string"),
        (Shape::TextOrTexts, _) => {
            expect(string(Some(value)).is_some() || is_texts(), "a string or a list of strings")
        }
        (Shape::Texts, _) => expect(is_texts(), "a list of strings"),
        (Shape::Flag, _) => expect(tag == Some(Tag::Bool), "true or false"),
        (Shape::Number, _) => expect(matches!(tag, Some(Tag::Int | Tag::Float)), "a number"),
        (Shape::Integer, _) => expect(tag == Some(Tag::Int), "an integer"),
        (Shape::List, _) => expect(value.as_seq().is_some(), "a list"),
        (Shape::Schema | Shape::SchemaOrSchemas, Value::Map(_)) => check_at(value, depth + 1),
        (Shape::Schemas | Shape::SchemaOrSchemas, Value::Seq(seq)) => check_each(seq, depth),
        (Shape::SchemaOrFlag, Value::Map(_)) => check_at(value, depth + 1),
        (Shape::SchemaOrFlag, _) => expect(tag == Some(Tag::Bool), "a schema, true or false"),
        (Shape::SchemaMap, Value::Map(map)) => check_each(map.iter().map(|entry| &entry.value), depth),
        (Shape::Dependencies, Value::Map(map)) => {
            check_each(map.iter().map(|entry| &entry.value).filter(|node| node.as_map().is_some()), depth)
        }
        (Shape::Docs, _) => expect(
            value.as_map().is_some_and(|map| {
                ["description", "url"].iter().all(|name| {
                    map.get(name).is_none_or(|text| text.is_null() || string(Some(text)).is_some())
                })
            }),
            "a map with a description and a url",
        ),
        (Shape::SchemaOrSchemas, Value::Scalar(_)) => Ok(()),
        (Shape::Schema, _) => expect(false, "a schema, which is a map"),
        (Shape::Schemas, _) => expect(false, "a list of schemas"),
        (Shape::SchemaMap | Shape::Dependencies, _) => expect(false, "a map of schemas"),
    }
}

fn check_each<'a>(nodes: impl IntoIterator<Item = &'a Node>, depth: usize) -> Result<(), BuildError> {
    nodes.into_iter().try_for_each(|node| check_at(node, depth + 1))
}

/// Refuses references that are no URLs (Go's `url.Parse`, as far as it matters for names of types).
fn check_url(field: &str, value: &Node) -> Result<(), BuildError> {
    let Some(text) = string(Some(value)) else { return Ok(()) };
    let refuse = |why: &str| Err(invalid(format!("`{field}`: {text:?} is no URL: {why}"), value.pos));
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return refuse("it holds control characters");
    }
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('%') {
        if !after.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) {
            return refuse("a `%` must be followed by two hexadecimal digits");
        }
        rest = after;
    }
    let path = text.split(['#', '?']).next().unwrap_or_default();
    if let Some((_, authority)) = path.split_once("//")
        && let Some((_, address)) = authority.split('/').next().unwrap_or_default().split_once('[')
        && !address.contains(']')
    {
        return refuse("its host lacks a `]`");
    }
    match path.split_once(':') {
        Some((before, _)) if !before.contains('/') && !is_scheme(before) => {
            refuse("its first part holds a colon")
        }
        _ => Ok(()),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// A reference as kustomize looks it up: read as a URL and written again, with single slashes.
pub(super) fn normalized(text: &str) -> String {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (rest, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        _ => (String::new(), rest),
    };
    let (host, path) = match rest.strip_prefix("//") {
        Some(behind) if !scheme.is_empty() || !behind.starts_with('/') => {
            let (host, path) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
            (Some(host.to_ascii_lowercase()), path)
        }
        _ => (None, rest),
    };
    let mut url = String::new();
    if !scheme.is_empty() {
        url += &scheme;
        url.push(':');
    }
    if let Some(host) = &host {
        let default_port = match scheme.as_str() {
            "http" => ":80",
            "https" => ":443",
            _ => "",
        };
        url += "//";
        url += host.strip_suffix(default_port).unwrap_or(host);
    }
    if scheme.is_empty() || rest.starts_with('/') {
        let mut path = escaped(path, b"$&+,-./:;=@_~");
        while path.contains("//") {
            path = path.replace("//", "/");
        }
        url += &path;
    } else {
        url += path;
    }
    url += query;
    if !fragment.is_empty() {
        url.push('#');
        url += &escaped(fragment, b"!$&()*+,-./:;=?@_~");
    }
    url
}

/// A part of a URL with only those bytes escaped that are neither letters, digits nor in `kept`.
fn escaped(part: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(part.len());
    let mut at = 0;
    while let Some(&byte) = part.as_bytes().get(at) {
        let code = part.get(at + 1..at + 3).filter(|_| byte == b'%');
        let code = code.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        at += if code.is_some() { 3 } else { 1 };
        let byte = code.unwrap_or(byte);
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}
