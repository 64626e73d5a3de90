//! A custom OpenAPI document (`openapi: {path: …}`): definitions and paths, as they stand.

use std::borrow::Cow;

use super::Layers;
use super::builtin::{self, is_api_version};
use crate::collections::IndexMap;
use crate::error::{BuildError, ErrorKind};
use crate::yaml::{Map, Node, Str};

const GROUP_VERSION_KIND: &str = "x-kubernetes-group-version-kind";
const PATCH_STRATEGY: &str = "x-kubernetes-patch-strategy";
const PATCH_MERGE_KEY: &str = "x-kubernetes-patch-merge-key";
const LIST_MAP_KEYS: &str = "x-kubernetes-list-map-keys";

/// `$ref`s that lead to `$ref`s are followed this far.
const MAX_REFERENCES: usize = 64;

/// The document, with indexes by name of definition and by kind.
#[derive(Debug)]
pub(super) struct Custom {
    layers: Layers,
    definitions: Map,
    by_name: IndexMap<Str, usize>,
    by_kind: IndexMap<Str, Vec<(Str, usize)>>,
    cluster_scoped: IndexMap<Str, Vec<(Str, bool)>>,
}

/// What a schema leads to.
pub(super) enum SchemaRef<'a> {
    /// Another schema of the document.
    Node(&'a Node),
    /// A type of the built-in table, which the document refers to and does not hold itself.
    Builtin(u8),
}

impl Custom {
    /// Indexes a document.
    ///
    /// # Errors
    /// The document, its definitions or one of them is no map, or a kind is given without its parts.
    pub(super) fn new(document: &Node, layers: Layers) -> Result<Self, BuildError> {
        // An empty file defines nothing.
        let empty = Map::default();
        let nothing = document.is_null().then_some(&empty);
        let root = document.as_map().or(nothing).ok_or_else(|| {
            invalid("a custom schema must be a map with `definitions`", document)
                .with_help("give an OpenAPI v2 document, such as `kustomize openapi fetch` prints")
        })?;
        let definitions = match root.get("definitions") {
            None => Map::new(),
            Some(node) if node.is_null() => Map::new(),
            Some(node) => node.as_map().ok_or_else(|| invalid("`definitions` must be a map", node))?.clone(),
        };
        let mut custom = Custom {
            layers,
            by_name: IndexMap::with_capacity_and_hasher(definitions.len(), Default::default()),
            by_kind: IndexMap::default(),
            cluster_scoped: IndexMap::default(),
            definitions,
        };
        custom.index_definitions()?;
        if let Some(paths) = root.get("paths").and_then(Node::as_map) {
            custom.index_scopes(paths)?;
        }
        Ok(custom)
    }

    fn index_definitions(&mut self) -> Result<(), BuildError> {
        for (at, entry) in self.definitions.iter().enumerate() {
            let definition = entry.value.as_map().ok_or_else(|| {
                invalid(format!("the definition {} must be a map", entry.key.as_str()), &entry.value)
            })?;
            self.by_name.insert(entry.key.as_str().into(), at);
            for kind in definition.get(GROUP_VERSION_KIND).and_then(Node::as_seq).into_iter().flatten() {
                if let Some((api_version, kind)) = type_meta(kind)? {
                    self.by_kind.entry(kind).or_default().push((api_version, at));
                }
            }
        }
        Ok(())
    }

    /// A kind with a path through a namespace is namespaced, whatever its other paths.
    fn index_scopes(&mut self, paths: &Map) -> Result<(), BuildError> {
        for entry in paths {
            let Some(kind) = entry.value.at(&["get", GROUP_VERSION_KIND]) else { continue };
            let Some((api_version, kind)) = type_meta(kind)? else { continue };
            let cluster = !entry.key.as_str().contains("namespaces/{namespace}");
            let scopes = self.cluster_scoped.entry(kind).or_default();
            match scopes.iter_mut().find(|(other, _)| *other == api_version) {
                Some((_, known)) => *known &= cluster,
                None => scopes.push((api_version, cluster)),
            }
        }
        Ok(())
    }

    /// Whether the document's paths show the kind to be cluster-scoped.
    pub(super) fn is_cluster_scoped(&self, group: &str, version: &str, kind: &str) -> bool {
        self.cluster_scoped
            .get(kind)
            .into_iter()
            .flatten()
            .any(|(api_version, cluster)| *cluster && is_api_version(api_version, group, version))
    }

    /// Definition of a kind; the last one when there are several.
    pub(super) fn root(&self, api_version: &str, kind: &str) -> Option<&Node> {
        let (_, at) = self.by_kind.get(kind)?.iter().rev().find(|(other, _)| other == api_version)?;
        self.definition(*at)
    }

    /// Schema of a field, its references followed.
    pub(super) fn field<'a>(&'a self, schema: &'a Node, name: &str) -> Option<SchemaRef<'a>> {
        self.resolve(field(schema, name)?)
    }

    /// Schema of a list's elements, its references followed.
    pub(super) fn elements<'a>(&'a self, schema: &'a Node) -> Option<SchemaRef<'a>> {
        self.resolve(elements(schema)?)
    }

    /// What a schema leads to: itself, unless it is a reference.
    pub(super) fn resolve<'a>(&'a self, mut schema: &'a Node) -> Option<SchemaRef<'a>> {
        for _ in 0..MAX_REFERENCES {
            let Some(reference) = reference(schema) else { return Some(SchemaRef::Node(schema)) };
            let custom = self.pointed_at(reference);
            let builtin = || builtin_at(reference);
            schema = match (self.layers, custom) {
                (Layers::BuiltinThenCustom, custom) => match (builtin(), custom) {
                    (Some(at), _) => return Some(SchemaRef::Builtin(at)),
                    (None, custom) => custom?,
                },
                (Layers::CustomThenBuiltin, None) => return builtin().map(SchemaRef::Builtin),
                (_, custom) => custom?,
            };
        }
        None
    }

    /// What `#/definitions/NAME`, or a pointer further into a definition, leads to.
    fn pointed_at(&self, reference: &str) -> Option<&Node> {
        let mut parts = reference.strip_prefix("#/definitions/")?.split('/').map(unescape);
        let first = self.definition(*self.by_name.get(parts.next()?.as_ref())?)?;
        parts.try_fold(first, |node, part| match node.as_seq() {
            Some(items) => items.get(part.parse().ok()?),
            None => node.get(&part),
        })
    }

    fn definition(&self, at: usize) -> Option<&Node> {
        self.definitions.as_slice().get(at).map(|entry| &entry.value)
    }
}

/// Schema of a field, as it stands.
pub(super) fn field<'a>(schema: &'a Node, name: &str) -> Option<&'a Node> {
    match schema.get("properties").and_then(|properties| properties.get(name)) {
        Some(field) => Some(field),
        None => schema.get("additionalProperties").filter(|values| values.as_map().is_some()),
    }
}

/// Schema of a list's elements, as it stands.
pub(super) fn elements(schema: &Node) -> Option<&Node> {
    let kind = schema.get("type")?;
    let kind = match kind.as_seq() {
        Some(kinds) if kinds.len() == 1 => kinds.get(0)?,
        _ => kind,
    };
    if kind.text() != "array" {
        return None;
    }
    schema.get("items").filter(|items| items.as_map().is_some())
}

/// Where a schema points, when it is a reference.
pub(super) fn reference(schema: &Node) -> Option<&str> {
    schema.get("$ref").map(Node::text).filter(|text| !text.is_empty())
}

/// The built-in type that a reference leads to.
pub(super) fn builtin_at(reference: &str) -> Option<u8> {
    reference.strip_prefix("#/definitions/").and_then(builtin::definition)
}

/// Merge keys of a list, none when it does not merge (kustomize's `PatchStrategyAndKeyList`).
pub(super) fn merge_keys(schema: &Node) -> Option<Vec<&str>> {
    let strategy = schema.get(PATCH_STRATEGY)?.text();
    if !strategy.split(',').any(|part| part == "merge") {
        return None;
    }
    let keys = match schema.get(LIST_MAP_KEYS).and_then(Node::as_seq) {
        Some(keys) => keys.iter().map(Node::text).collect(),
        None => schema.get(PATCH_MERGE_KEY).map(Node::text).into_iter().collect(),
    };
    Some(keys)
}

/// `apiVersion` and kind of one `x-kubernetes-group-version-kind` entry; entries of another shape
/// do not count.
fn type_meta(entry: &Node) -> Result<Option<(Str, Str)>, BuildError> {
    let Some(map) = entry.as_map() else { return Ok(None) };
    let part = |name: &str| match map.get(name).and_then(Node::as_scalar) {
        Some(scalar) => Ok(scalar.text()),
        None => Err(invalid(format!("{GROUP_VERSION_KIND} needs `{name}`"), entry)),
    };
    let (version, kind) = (part("version")?, part("kind")?);
    let group = map.get("group").filter(|group| !group.is_null()).map_or("", Node::text);
    let api_version = match group {
        "" => Str::from(version),
        group => Str::from(format!("{group}/{version}")),
    };
    Ok(Some((api_version, kind.into())))
}

fn unescape(part: &str) -> Cow<'_, str> {
    if part.contains('~') {
        Cow::Owned(part.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(part)
    }
}

fn invalid(message: impl Into<String>, node: &Node) -> BuildError {
    BuildError::new(ErrorKind::Schema, message).at(node.pos)
}
