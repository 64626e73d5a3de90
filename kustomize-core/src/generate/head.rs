//! What ConfigMaps and Secrets have in common: metadata and options.

use crate::error::{BuildError, ErrorKind};
use crate::kustomization::{GeneratorOptions, Metadata};
use crate::resource::{Behavior, Resource};
use crate::yaml::decode::{self, Decode, DecodeError, Rules, fields};
use crate::yaml::{Entry, Key, Map, Node, Pos, Scalar, Style, Tag, Value};

/// Everything but the data.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) kind: &'static str,
    pub(super) name: &'a str,
    pub(super) namespace: &'a str,
    pub(super) behavior: &'a str,
    pub(super) options: Option<&'a GeneratorOptions>,
    pub(super) pos: Pos,
}

impl Head<'_> {
    /// The resource up to its data.
    pub(super) fn root(&self) -> Result<Map, BuildError> {
        if self.name.is_empty() {
            let message = format!("a {} has no name", self.kind);
            return Err(BuildError::new(ErrorKind::Generator, message)
                .at(self.pos)
                .with_help("give the generator a `name`"));
        }
        let mut metadata = Map::new();
        metadata.set_field("name", Node::string(self.name));
        if !self.namespace.is_empty() {
            metadata.set_field("namespace", Node::string(self.namespace));
        }
        let mut root = Map::new();
        root.insert("apiVersion", Node::string("v1"));
        root.insert("kind", Node::string(self.kind));
        root.insert("metadata", Node::map(metadata));
        Ok(root)
    }

    /// The resource with its labels, annotations and history.
    pub(super) fn finish(&self, mut root: Map) -> Resource {
        let options = self.options;
        if options.is_some_and(|options| options.immutable) {
            let on = Scalar::new("true", Tag::Bool, Style::Plain);
            root.set_field("immutable", Node::scalar(on));
        }
        let mut resource = Resource::new(Node { pos: self.pos, value: Value::Map(root) });
        if let Some(options) = options {
            if !options.labels.is_empty() {
                resource.metadata_mut().insert("labels", quoted(&options.labels));
            }
            let pairs = options.annotations.iter();
            resource.set_annotations(pairs.map(|(name, value)| (name.into(), value.into())).collect());
        }
        resource.history.needs_hash = !options.is_some_and(|options| options.disable_name_suffix_hash);
        resource.history.behavior = Behavior::named(self.behavior);
        resource
    }
}

fn quoted(pairs: &std::collections::BTreeMap<String, String>) -> Node {
    let entries = pairs.iter().map(|(name, value)| Entry {
        key: Key::new(name),
        value: Node::scalar(Scalar::new(value, Tag::Str, Style::SingleQuoted)),
    });
    Node::map(Map::from_entries(entries.collect()))
}

/// Decodes the part of a generator's configuration that a kustomization has, too. Unknown fields
/// are ignored, but nothing is coerced.
pub(super) fn decode<T: Decode + Default>(config: &Node) -> Result<T, BuildError> {
    decode::from_node(config, Rules::EMBEDDED).map_err(refused)
}

fn refused(error: DecodeError) -> BuildError {
    let field = error.field_path();
    let refused = BuildError::new(ErrorKind::Generator, error.message).at(error.pos).field(field);
    match error.help {
        Some(help) => refused.with_help(help),
        None => refused,
    }
}

/// Name and namespace from the metadata of a configuration, where it does not give them itself.
pub(super) fn take_identity_from_metadata(
    config: &Node,
    name: &mut String,
    namespace: &mut String,
) -> Result<(), BuildError> {
    #[derive(Default)]
    struct Config {
        metadata: Metadata,
    }

    fields!(Config { metadata });

    let Config { metadata } = decode::from_node(config, Rules::PLUGIN).map_err(refused)?;
    if name.is_empty() {
        *name = metadata.name;
    }
    if namespace.is_empty() {
        *namespace = metadata.namespace;
    }
    Ok(())
}
