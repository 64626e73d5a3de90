//! The types of the built-in kinds, read from a table.

use std::sync::{Arc, LazyLock};

use indexmap::IndexMap;
use serde_json::Value;

use super::{Arena, Merge, Node, NodeId, Shape, Strategy};

const TABLE: &str = include_str!("builtin.txt");

/// A kind as the table lists it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) singular: &'static str,
    pub(crate) namespaced: bool,
    pub(crate) short_names: Vec<&'static str>,
    pub(crate) categories: Vec<&'static str>,
    pub(crate) subresources: Vec<&'static str>,
    pub(crate) verbs: Vec<&'static str>,
    pub(crate) type_name: &'static str,
}

/// The table, read once.
pub(crate) struct Builtin {
    pub(crate) arena: Arc<Arena>,
    pub(crate) kinds: Vec<Line>,
}

/// The built-in kinds and types.
pub(crate) static BUILTIN: LazyLock<Builtin> = LazyLock::new(|| read(TABLE));

fn read(table: &'static str) -> Builtin {
    let mut arena = Arena::new();
    let mut kinds = Vec::new();
    let mut current: Option<(NodeId, Node)> = None;
    for line in table.lines() {
        if let Some(rest) = line.strip_prefix("K ") {
            kinds.extend(read_kind(rest));
        } else if let Some(rest) = line.strip_prefix("T ") {
            finish(&mut arena, current.take());
            let mut words = rest.split(' ');
            let id = arena.declare(words.next().unwrap_or_default());
            let mut node = Node::new(Shape::Object { fields: IndexMap::new(), open: false });
            node.atomic = words.next() == Some("atomic");
            current = Some((id, node));
        } else if let Some(rest) = line.strip_prefix(' ')
            && let Some((_, node)) = &mut current
        {
            read_field(&mut arena, node, rest);
        }
    }
    finish(&mut arena, current);
    Builtin { arena: Arc::new(arena), kinds }
}

fn finish(arena: &mut Arena, current: Option<(NodeId, Node)>) {
    if let Some((id, node)) = current {
        arena.define(id, node);
    }
}

fn read_kind(line: &'static str) -> Option<Line> {
    fn list(word: &'static str) -> Vec<&'static str> {
        if word == "-" { Vec::new() } else { word.split(',').collect() }
    }
    let mut words = line.split(' ');
    let mut next = || words.next();
    Some(Line {
        group: next().map(|group| if group == "-" { "" } else { group })?,
        version: next()?,
        kind: next()?,
        plural: next()?,
        singular: next()?,
        namespaced: next()? == "N",
        short_names: list(next()?),
        categories: list(next()?),
        subresources: list(next()?),
        verbs: list(next()?),
        type_name: next()?,
    })
}

fn read_field(arena: &mut Arena, parent: &mut Node, line: &str) {
    let mut words = line.split(' ');
    let (Some(name), Some(of)) = (words.next(), words.next()) else { return };
    let mut node = read_type(arena, of);
    for flag in words {
        let (flag, value) = flag.split_once('=').unwrap_or((flag, ""));
        match flag {
            "!" => parent.required.push(name.to_owned()),
            "struct" => node.always = true,
            "atomic" => node.atomic = true,
            "set" => node.merge = Merge::Set,
            "map" => node.merge = Merge::Keys(value.split(',').map(str::to_owned).collect()),
            "patch" => {
                node.strategy = Strategy {
                    merge: value.split(',').any(|part| part == "merge"),
                    key: node.strategy.key.take(),
                };
            }
            "key" => node.strategy.key = Some(value.to_owned()),
            "enum" => {
                node.allowed = value
                    .split(',')
                    .map(|word| Value::from(if word == "\"\"" { "" } else { word }))
                    .collect();
            }
            "default" => node.default = Some(Value::from(value)),
            _ => {}
        }
    }
    let id = arena.add(node);
    if let Shape::Object { fields, .. } = &mut parent.shape {
        fields.insert(name.to_owned(), id);
    }
}

fn read_type(arena: &mut Arena, of: &str) -> Node {
    let shape = if let Some(items) = of.strip_prefix("[]") {
        let items = read_type(arena, items);
        Shape::List(arena.add(items))
    } else if let Some(values) = of.strip_prefix("{}") {
        let values = read_type(arena, values);
        Shape::Map(arena.add(values))
    } else if let Some(name) = of.strip_prefix('@') {
        Shape::Alias(arena.declare(name))
    } else {
        match of {
            "s" => Shape::String,
            "byte" => Shape::Bytes,
            "i32" => Shape::Integer(32),
            "i64" => Shape::Integer(64),
            "f" => Shape::Number,
            "b" => Shape::Boolean,
            "io" => Shape::IntOrString,
            "q" => Shape::Quantity,
            "t" => Shape::Time,
            "mt" => Shape::MicroTime,
            _ => Shape::Any,
        }
    };
    Node::new(shape)
}

/// The line of the table that describes `name`, and its fields. Used to copy a type into the
/// arena of a custom resource.
pub(super) fn copy_type(arena: &mut Arena, name: &str) -> NodeId {
    let mut wanted = vec![name.to_owned()];
    let mut done = Vec::new();
    while let Some(name) = wanted.pop() {
        if done.contains(&name) {
            continue;
        }
        let id = arena.declare(&name);
        let mut node = Node::new(Shape::Object { fields: IndexMap::new(), open: false });
        let mut inside = false;
        for line in TABLE.lines() {
            if let Some(rest) = line.strip_prefix("T ") {
                let mut words = rest.split(' ');
                inside = words.next() == Some(&name);
                if inside {
                    node.atomic = words.next() == Some("atomic");
                }
            } else if inside && let Some(rest) = line.strip_prefix(' ') {
                if let Some(reference) = rest.split(' ').nth(1).and_then(|of| of.split_once('@')) {
                    wanted.push(reference.1.to_owned());
                }
                read_field(arena, &mut node, rest);
            }
        }
        arena.define(id, node);
        done.push(name);
    }
    arena.declare(name)
}
