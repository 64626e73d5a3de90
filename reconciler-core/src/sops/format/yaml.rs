//! YAML, indented by four spaces. Comments are not read.

use kustomize_core::yaml::resolve::{Dialect, Resolved, tagged_value};
use kustomize_core::yaml::{self, Entry, Key, Map, Node, Seq, SourceText, Sources, Tag};

use crate::sops::value::{Branch, Item, Value};

pub(super) fn load(text: &str) -> Result<Vec<Branch>, String> {
    let sources = Sources::default();
    let id = sources.add("", SourceText::from(text.to_owned()), None);
    let documents = yaml::read(text, id).map_err(|failure| failure.to_string())?;
    let branches = documents.iter().map(|document| match from_node(document) {
        Value::Map(branch) => Ok(branch),
        _ => Err("YAML documents that are not maps are not supported".to_owned()),
    });
    branches.collect()
}

/// A node as a value.
pub(in crate::sops) fn from_node(node: &Node) -> Value {
    match &node.value {
        yaml::Value::Map(map) => Value::Map(
            map.iter()
                .map(|entry| Item::Entry(entry.key.as_str().to_owned(), from_node(&entry.value)))
                .collect(),
        ),
        yaml::Value::Seq(items) => Value::List(items.iter().map(from_node).collect()),
        yaml::Value::Scalar(scalar) => {
            let text = scalar.text().to_owned();
            match tagged_value(&text, scalar.tag(), Dialect::V3) {
                Some(Resolved::Null) => Value::Null,
                Some(Resolved::Bool(truth)) => Value::Bool(truth),
                Some(Resolved::Int(number)) => Value::Int(number),
                Some(Resolved::Uint(number)) => {
                    number.to_string().parse().map_or(Value::Text(text), Value::Float)
                }
                Some(Resolved::Float(number)) => Value::Float(number),
                Some(Resolved::Timestamp(_)) => Value::Time(text),
                Some(Resolved::Str) | None => Value::Text(text),
            }
        }
    }
}

/// A value as a node.
pub(in crate::sops) fn to_node(value: &Value) -> Node {
    match value {
        Value::Map(branch) => {
            let entries = branch.iter().filter_map(|item| match item {
                Item::Entry(key, value) => Some((key, value)),
                Item::Comment(_) => None,
            });
            Node::map(Map::from_entries(entries.map(|(key, value)| entry(key, to_node(value))).collect()))
        }
        Value::List(items) => {
            let items = items.iter().filter(|item| !matches!(item, Value::Comment(_)));
            Node::seq(Seq::from_items(items.map(to_node).collect()))
        }
        Value::Null => Node::null(),
        Value::Text(text) | Value::Comment(text) => Node::string(text),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Time(_) => {
            let mut node = Node::untyped(value.plain());
            let tag = match value {
                Value::Bool(_) => Tag::Bool,
                Value::Int(_) => Tag::Int,
                Value::Float(_) => Tag::Float,
                _ => Tag::Timestamp,
            };
            if let Some(scalar) = node.as_scalar_mut() {
                scalar.set_tag(tag);
            }
            node
        }
    }
}

fn entry(key: &str, value: Node) -> Entry {
    Entry { key: Key::new(key), value }
}

pub(super) fn emit(documents: &[Branch]) -> Result<String, String> {
    let texts = documents.iter().map(|document| {
        let mut text = String::new();
        write_map(document, 0, false, &mut text)?;
        Ok(text)
    });
    Ok(texts.collect::<Result<Vec<_>, String>>()?.join("---\n"))
}

/// How far what is in a field stands to the right of it.
const STEP: usize = 4;

fn write_map(branch: &Branch, indent: usize, mut is_begun: bool, text: &mut String) -> Result<(), String> {
    for item in branch {
        // The first line of a map in a list stands behind the dash.
        let margin = if std::mem::take(&mut is_begun) { 0 } else { indent };
        text.extend(std::iter::repeat_n(' ', margin));
        match item {
            Item::Comment(comment) => text.push_str(&format!("#{comment}\n")),
            Item::Entry(key, value) => {
                let printed = print(key, Node::string(""))?;
                text.push_str(printed.strip_suffix(" \"\"\n").unwrap_or(&printed));
                write_value(value, indent + STEP, text)?;
            }
        }
    }
    Ok(())
}

/// Writes a value behind its key.
fn write_value(value: &Value, indent: usize, text: &mut String) -> Result<(), String> {
    match value {
        Value::Map(branch) if !branch.is_empty() => {
            text.push('\n');
            write_map(branch, indent, false, text)
        }
        Value::List(items) if !items.is_empty() => {
            text.push('\n');
            write_list(items, indent, false, text)
        }
        Value::Map(_) => {
            text.push_str(" {}\n");
            Ok(())
        }
        Value::List(_) => {
            text.push_str(" []\n");
            Ok(())
        }
        scalar => {
            text.push(' ');
            text.push_str(&print_scalar(scalar, indent)?);
            Ok(())
        }
    }
}

fn write_list(items: &[Value], indent: usize, mut is_begun: bool, text: &mut String) -> Result<(), String> {
    for item in items {
        let margin = if std::mem::take(&mut is_begun) { 0 } else { indent };
        text.extend(std::iter::repeat_n(' ', margin));
        match item {
            Value::Comment(comment) => text.push_str(&format!("#{comment}\n")),
            Value::Map(branch) if !branch.is_empty() => {
                text.push_str("- ");
                write_map(branch, indent + 2, true, text)?;
            }
            Value::List(items) if !items.is_empty() => {
                text.push_str("- ");
                write_list(items, indent + 2, true, text)?;
            }
            Value::Map(_) => text.push_str("- {}\n"),
            Value::List(_) => text.push_str("- []\n"),
            scalar => {
                text.push_str("- ");
                text.push_str(&print_scalar(scalar, indent + STEP)?);
            }
        }
    }
    Ok(())
}

/// A scalar with the line break after it; the lines of a longer text stand at `indent`.
fn print_scalar(scalar: &Value, indent: usize) -> Result<String, String> {
    let printed = print("k", to_node(scalar))?;
    let printed = printed.strip_prefix("k: ").unwrap_or(&printed);
    let Some((head, lines)) = printed.split_once('\n') else { return Ok(printed.to_owned()) };
    // Texts that begin with spaces say how far they are indented.
    let mut text = if head.starts_with(['|', '>']) { head.replace('2', "4") } else { head.to_owned() };
    text.push('\n');
    for line in lines.split_inclusive('\n') {
        let line = line.strip_prefix("  ").unwrap_or(line);
        if line != "\n" {
            text.extend(std::iter::repeat_n(' ', indent));
        }
        text.push_str(line);
    }
    Ok(text)
}

fn print(key: &str, value: Node) -> Result<String, String> {
    let mut text = String::new();
    let map = Map::from_entries(vec![entry(key, value)]);
    yaml::print(&Node::map(map), &mut text).map_err(|failure| failure.to_string())?;
    Ok(text)
}
