//! OpenAPI documents, one for each group and version, as `kubectl` asks for them: to learn whether the
//! server validates fields, to make patches, and to explain kinds.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use crate::kinds::{Kind, Registry};
use crate::schema::{Merge, NodeId, Shape, Type};

/// The list of all documents.
pub(crate) fn index(registry: &Registry) -> Value {
    let mut paths = Map::new();
    for (group, versions) in registry.groups() {
        for version in versions {
            let path = path_of(group, version);
            let address = json!({"serverRelativeURL": format!("/openapi/v3/{path}")});
            paths.insert(path, address);
        }
    }
    json!({"paths": paths})
}

/// The document of a group and version. None if there is nothing of them.
pub(crate) fn document(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let kinds = registry.kinds(group, version);
    if kinds.is_empty() {
        return None;
    }
    let mut paths = Map::new();
    let mut schemas = BTreeMap::new();
    for kind in kinds {
        let name = format!("{}.{}", kind.api_version().replace('/', "."), kind.kind);
        let mut writer = Writer { names: kind.root().names(), schemas: &mut schemas };
        let mut schema = writer.shape_of(kind.root());
        schema["x-kubernetes-group-version-kind"] = json!([identity(kind)]);
        writer.schemas.insert(name.clone(), schema);
        for (path, item) in path_items(kind, &name) {
            paths.insert(path, item);
        }
    }
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.3"},
        "paths": paths,
        "components": {"schemas": schemas},
    }))
}

fn path_of(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

fn identity(kind: &Kind) -> Value {
    json!({"group": kind.group, "version": kind.version, "kind": kind.kind})
}

/// The paths of a kind: of all its objects, and of one.
fn path_items(kind: &Kind, schema: &str) -> [(String, Value); 2] {
    let namespace = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    let all = format!("/{}{namespace}/{}", path_of(&kind.group, &kind.version), kind.plural);
    let body = json!({"schema": {"$ref": format!("#/components/schemas/{schema}")}});
    let answer = json!({"200": {"description": "OK", "content": {"application/json": body}}});
    let operation = |action: &str, parameters: &[&str], content: &[&str]| {
        let parameters: Vec<Value> = parameters
            .iter()
            .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
            .collect();
        let mut operation = json!({
            "parameters": parameters,
            "responses": answer,
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": identity(kind),
        });
        if !content.is_empty() {
            let content: Map<String, Value> =
                content.iter().map(|&content| (content.to_owned(), body.clone())).collect();
            operation["requestBody"] = json!({"required": true, "content": content});
        }
        operation
    };
    let written = ["dryRun", "fieldManager", "fieldValidation"];
    let mut patches =
        vec!["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];
    if !kind.custom {
        patches.push("application/strategic-merge-patch+json");
    }
    let can = |verb: &str| kind.verbs.iter().any(|known| known == verb);
    let (mut list, mut one) = (Map::new(), Map::new());
    let add = |item: &mut Map<String, Value>, verb: &str, method: &str, operation: Value| {
        if can(verb) {
            item.insert(method.to_owned(), operation);
        }
    };
    let json = ["application/json"];
    add(&mut list, "list", "get", operation("list", &["labelSelector", "fieldSelector", "watch"], &[]));
    add(&mut list, "create", "post", operation("post", &written, &json));
    add(&mut one, "get", "get", operation("get", &[], &[]));
    add(&mut one, "update", "put", operation("put", &written, &json));
    add(&mut one, "patch", "patch", operation("patch", &[&written[..], &["force"]].concat(), &patches));
    add(&mut one, "delete", "delete", operation("delete", &["dryRun", "propagationPolicy"], &[]));
    [(format!("{all}/{{name}}"), Value::Object(one)), (all, Value::Object(list))]
}

/// Writes types as schemas; those with a name stand once and are referred to.
struct Writer<'a> {
    names: HashMap<NodeId, &'a str>,
    schemas: &'a mut BTreeMap<String, Value>,
}

impl Writer<'_> {
    /// The schema of a field: a reference if its type has a name, under the field's own flags.
    fn field(&mut self, of: Type<'_>) -> Value {
        let id = match of.node().shape {
            Shape::Alias(id) => id,
            _ => of.id(),
        };
        let Some(name) = self.names.get(&id).map(|name| (*name).to_owned()) else { return self.shape_of(of) };
        if !self.schemas.contains_key(&name) {
            // Types may contain themselves.
            self.schemas.insert(name.clone(), Value::Null);
            let schema = self.shape_of(of.sibling(id));
            self.schemas.insert(name.clone(), schema);
        }
        let reference = json!({"$ref": format!("#/components/schemas/{name}")});
        let flags = flags(of);
        if flags.is_empty() {
            return reference;
        }
        let mut schema = json!({"allOf": [reference]});
        if let Some(schema) = schema.as_object_mut() {
            schema.extend(flags);
        }
        schema
    }

    fn shape_of(&mut self, of: Type<'_>) -> Value {
        let mut schema = match of.shape() {
            Shape::Alias(_) | Shape::Any => json!({}),
            Shape::Object { open, .. } => {
                let properties: Map<String, Value> =
                    of.fields().map(|(name, field)| (name.to_owned(), self.field(field))).collect();
                let mut schema = json!({"type": "object", "properties": properties});
                let required = &of.target().required;
                if !required.is_empty() {
                    schema["required"] = required.clone().into();
                }
                if *open {
                    schema["x-kubernetes-preserve-unknown-fields"] = true.into();
                }
                schema
            }
            Shape::Map(values) => {
                json!({"type": "object", "additionalProperties": self.field(of.sibling(*values))})
            }
            Shape::List(_) => json!({"type": "array", "items": self.field(of.items())}),
            Shape::String => json!({"type": "string"}),
            Shape::Bytes => json!({"type": "string", "format": "byte"}),
            Shape::Integer(bits) => json!({"type": "integer", "format": format!("int{bits}")}),
            Shape::Number => json!({"type": "number", "format": "double"}),
            Shape::Boolean => json!({"type": "boolean"}),
            Shape::IntOrString => {
                json!({"x-kubernetes-int-or-string": true, "oneOf": [{"type": "integer"}, {"type": "string"}]})
            }
            Shape::Quantity => json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
            Shape::Time | Shape::MicroTime => json!({"type": "string", "format": "date-time"}),
        };
        if let Some(schema) = schema.as_object_mut() {
            schema.extend(flags(of));
        }
        schema
    }
}

/// What a field says beside its type.
fn flags(of: Type<'_>) -> Map<String, Value> {
    let node = of.node();
    let mut flags = Map::new();
    let mut set = |name: &str, value: Value| flags.insert(name.to_owned(), value);
    if !node.allowed.is_empty() {
        set("enum", node.allowed.clone().into());
    }
    if let Some(default) = &node.default {
        set("default", default.clone());
    }
    if node.nullable {
        set("nullable", true.into());
    }
    if node.atomic {
        set("x-kubernetes-map-type", "atomic".into());
    }
    match &node.merge {
        Merge::Atomic => {}
        Merge::Set => {
            set("x-kubernetes-list-type", "set".into());
        }
        Merge::Keys(keys) => {
            set("x-kubernetes-list-type", "map".into());
            set("x-kubernetes-list-map-keys", keys.clone().into());
        }
    }
    if node.strategy.merge {
        set("x-kubernetes-patch-strategy", "merge".into());
    }
    if let Some(key) = &node.strategy.key {
        set("x-kubernetes-patch-merge-key", key.clone().into());
    }
    flags
}
