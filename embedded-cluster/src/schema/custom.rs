//! Types from the structural schema of a custom resource definition.

use indexmap::IndexMap;
use regex::Regex;
use serde_json::Value;

use super::builtin::copy_type;
use super::{ANY, Arena, Merge, Node, NodeId, Shape, expression};

/// What a schema demands of a value beyond its type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    pub(crate) minimum: Option<f64>,
    pub(crate) exclusive_minimum: bool,
    pub(crate) maximum: Option<f64>,
    pub(crate) exclusive_maximum: bool,
    pub(crate) multiple_of: Option<f64>,
    pub(crate) min_length: Option<u64>,
    pub(crate) max_length: Option<u64>,
    pub(crate) pattern: Option<Regex>,
    pub(crate) format: Option<String>,
    pub(crate) min_items: Option<u64>,
    pub(crate) max_items: Option<u64>,
    pub(crate) min_properties: Option<u64>,
    pub(crate) max_properties: Option<u64>,
    pub(crate) all_of: Vec<NodeId>,
    pub(crate) any_of: Vec<NodeId>,
    pub(crate) one_of: Vec<NodeId>,
    pub(crate) not: Option<NodeId>,
}

/// Compiles the schema of one version. The root's `apiVersion`, `kind` and `metadata` are those
/// of every object.
pub(crate) fn compile(schema: Option<&Value>) -> (Arena, NodeId) {
    let mut arena = Arena::new();
    let id = match schema {
        Some(schema) => compile_node(&mut arena, schema),
        None => {
            let node = Node::new(Shape::Object { fields: IndexMap::new(), open: true });
            arena.add(node)
        }
    };
    let mut root = arena.at(id).node().clone();
    if let Shape::Any = root.shape {
        root.shape = Shape::Object { fields: IndexMap::new(), open: true };
    }
    root.embedded = false;
    add_object_fields(&mut arena, &mut root);
    arena.define(id, root);
    (arena, id)
}

fn add_object_fields(arena: &mut Arena, node: &mut Node) {
    let text = arena.add(Node::new(Shape::String));
    let metadata = copy_type(arena, "meta.v1.ObjectMeta");
    if let Shape::Object { fields, .. } = &mut node.shape {
        fields.insert("apiVersion".to_owned(), text);
        fields.insert("kind".to_owned(), text);
        fields.insert("metadata".to_owned(), metadata);
    }
}

fn compile_node(arena: &mut Arena, schema: &Value) -> NodeId {
    let flag = |name: &str| schema.get(name).and_then(Value::as_bool).unwrap_or(false);
    let text = |name: &str| schema.get(name).and_then(Value::as_str);
    let open = flag("x-kubernetes-preserve-unknown-fields");
    let embedded = flag("x-kubernetes-embedded-resource");
    let shape = if flag("x-kubernetes-int-or-string") {
        Shape::IntOrString
    } else {
        match text("type") {
            Some("string") => Shape::String,
            Some("integer") => Shape::Integer(if text("format") == Some("int32") { 32 } else { 64 }),
            Some("number") => Shape::Number,
            Some("boolean") => Shape::Boolean,
            Some("array") => Shape::List(schema.get("items").map_or(ANY, |items| compile_node(arena, items))),
            Some("object") => object_shape(arena, schema, open),
            _ if schema.get("properties").is_some() => object_shape(arena, schema, open),
            _ => Shape::Any,
        }
    };
    let mut node = Node::new(shape);
    node.nullable = flag("nullable");
    node.embedded = embedded;
    node.atomic = text("x-kubernetes-map-type") == Some("atomic");
    node.merge = match text("x-kubernetes-list-type") {
        Some("set") => Merge::Set,
        Some("map") => Merge::Keys(strings(schema.get("x-kubernetes-list-map-keys"))),
        _ => Merge::Atomic,
    };
    node.required = strings(schema.get("required"));
    node.default = schema.get("default").cloned();
    node.allowed = schema.get("enum").and_then(Value::as_array).cloned().unwrap_or_default();
    if embedded {
        add_object_fields(arena, &mut node);
    }
    node.rules = compile_rules(arena, schema);
    node.expressions = expression::compile(schema);
    arena.add(node)
}

fn object_shape(arena: &mut Arena, schema: &Value, open: bool) -> Shape {
    let properties = schema.get("properties").and_then(Value::as_object);
    match schema.get("additionalProperties") {
        Some(Value::Bool(false)) | None => {}
        Some(values) if properties.is_none_or(serde_json::Map::is_empty) => {
            return Shape::Map(if values.is_object() { compile_node(arena, values) } else { ANY });
        }
        Some(_) => {}
    }
    let fields = properties
        .into_iter()
        .flatten()
        .map(|(name, field)| (name.clone(), compile_node(arena, field)))
        .collect();
    Shape::Object { fields, open }
}

fn compile_rules(arena: &mut Arena, schema: &Value) -> Option<Box<Rules>> {
    let number = |name: &str| schema.get(name).and_then(Value::as_f64);
    let count = |name: &str| schema.get(name).and_then(Value::as_u64);
    let flag = |name: &str| schema.get(name).and_then(Value::as_bool).unwrap_or(false);
    let mut branches = |name: &str| -> Vec<NodeId> {
        let list = schema.get(name).and_then(Value::as_array);
        list.into_iter().flatten().map(|branch| compile_node(arena, branch)).collect()
    };
    let (all_of, any_of, one_of) = (branches("allOf"), branches("anyOf"), branches("oneOf"));
    let not = schema.get("not").map(|branch| compile_node(arena, branch));
    let rules = Rules {
        minimum: number("minimum"),
        exclusive_minimum: flag("exclusiveMinimum"),
        maximum: number("maximum"),
        exclusive_maximum: flag("exclusiveMaximum"),
        multiple_of: number("multipleOf"),
        min_length: count("minLength"),
        max_length: count("maxLength"),
        pattern: schema.get("pattern").and_then(Value::as_str).and_then(|text| Regex::new(text).ok()),
        format: schema.get("format").and_then(Value::as_str).map(str::to_owned),
        min_items: count("minItems"),
        max_items: count("maxItems"),
        min_properties: count("minProperties"),
        max_properties: count("maxProperties"),
        all_of,
        any_of,
        one_of,
        not,
    };
    let empty = rules.minimum.is_none()
        && rules.maximum.is_none()
        && rules.multiple_of.is_none()
        && rules.min_length.is_none()
        && rules.max_length.is_none()
        && rules.pattern.is_none()
        && rules.format.is_none()
        && rules.min_items.is_none()
        && rules.max_items.is_none()
        && rules.min_properties.is_none()
        && rules.max_properties.is_none()
        && rules.all_of.is_empty()
        && rules.any_of.is_empty()
        && rules.one_of.is_empty()
        && rules.not.is_none();
    (!empty).then(|| Box::new(rules))
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
