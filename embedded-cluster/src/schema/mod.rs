//! Types of objects: what fields there are, how lists and maps merge, what validation demands.
//!
//! Built-in kinds and custom resources share this model, so that merging, pruning, validation and
//! OpenAPI are written once.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::Value;

pub(crate) mod builtin;
pub(crate) mod custom;
pub(crate) mod expression;

/// The place of a type in its [`Arena`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(u32);

/// The type of a value about which nothing is known. Every arena has it at the same place.
pub(crate) const ANY: NodeId = NodeId(0);

/// All types of one schema. Types refer to each other by [`NodeId`], so that they may recurse.
#[derive(Debug)]
pub(crate) struct Arena {
    nodes: Vec<Node>,
    names: HashMap<String, NodeId>,
}

/// What a value looks like.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// Another type, under a field's own merge flags.
    Alias(NodeId),
    /// Anything: JSON without a type.
    Any,
    /// A map with named fields. `open` says that unknown fields are kept.
    Object { fields: IndexMap<String, NodeId>, open: bool },
    /// A map with arbitrary keys.
    Map(NodeId),
    /// A list.
    List(NodeId),
    /// Text.
    String,
    /// Base64 text.
    Bytes,
    /// A whole number of that many bits.
    Integer(u8),
    /// A number.
    Number,
    /// A truth value.
    Boolean,
    /// A whole number or text.
    IntOrString,
    /// A quantity such as `100m`; numbers become text.
    Quantity,
    /// A time to the second.
    Time,
    /// A time to the microsecond.
    MicroTime,
}

/// How a list merges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Merge {
    /// As a whole.
    #[default]
    Atomic,
    /// Item by item, each being its own key.
    Set,
    /// Item by item, by these keys.
    Keys(Vec<String>),
}

/// What a strategic merge patch does with a field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strategy {
    /// Lists merge rather than being replaced.
    pub(crate) merge: bool,
    /// The key by which lists of maps merge.
    pub(crate) key: Option<String>,
}

/// One type.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) shape: Shape,
    pub(crate) merge: Merge,
    /// A map that merges as a whole.
    pub(crate) atomic: bool,
    pub(crate) strategy: Strategy,
    pub(crate) required: Vec<String>,
    pub(crate) allowed: Vec<Value>,
    pub(crate) default: Option<Value>,
    pub(crate) nullable: bool,
    /// The field is a struct that is always present, if only empty.
    pub(crate) always: bool,
    /// A whole object with `apiVersion`, `kind` and `metadata`.
    pub(crate) embedded: bool,
    /// Further rules of a custom resource's schema.
    pub(crate) rules: Option<Box<custom::Rules>>,
    /// Its rules in CEL.
    pub(crate) expressions: Vec<expression::Rule>,
}

impl Node {
    pub(crate) fn new(shape: Shape) -> Node {
        Node {
            shape,
            merge: Merge::Atomic,
            atomic: false,
            strategy: Strategy::default(),
            required: Vec::new(),
            allowed: Vec::new(),
            default: None,
            nullable: false,
            always: false,
            embedded: false,
            rules: None,
            expressions: Vec::new(),
        }
    }
}

impl Arena {
    pub(crate) fn new() -> Arena {
        Arena { nodes: vec![Node::new(Shape::Any)], names: HashMap::new() }
    }

    pub(crate) fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        id
    }

    /// Reserves a place for a type that is described later.
    pub(crate) fn declare(&mut self, name: &str) -> NodeId {
        if let Some(&id) = self.names.get(name) {
            return id;
        }
        let id = self.add(Node::new(Shape::Any));
        self.names.insert(name.to_owned(), id);
        id
    }

    pub(crate) fn define(&mut self, id: NodeId, node: Node) {
        if let Some(place) = self.nodes.get_mut(id.0 as usize) {
            *place = node;
        }
    }

    /// The type of that name.
    pub(crate) fn named(&self, name: &str) -> Option<Type<'_>> {
        self.names.get(name).map(|&id| self.at(id))
    }

    /// The names of all types that have one.
    pub(crate) fn names(&self) -> impl Iterator<Item = (NodeId, &str)> {
        self.names.iter().map(|(name, id)| (*id, name.as_str()))
    }

    pub(crate) fn at(&self, id: NodeId) -> Type<'_> {
        Type { arena: self, id }
    }
}

/// A type together with its arena.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Type<'a> {
    arena: &'a Arena,
    id: NodeId,
}

impl<'a> Type<'a> {
    pub(crate) fn id(self) -> NodeId {
        self.id
    }

    /// Another type of the same arena.
    pub(crate) fn sibling(self, id: NodeId) -> Type<'a> {
        self.arena.at(id)
    }

    /// The names of the types of the same arena.
    pub(crate) fn names(self) -> HashMap<NodeId, &'a str> {
        self.arena.names().collect()
    }

    pub(crate) fn any(self) -> Type<'a> {
        self.arena.at(ANY)
    }

    /// The node itself: its flags are those of the field.
    pub(crate) fn node(self) -> &'a Node {
        let nodes = &self.arena.nodes;
        nodes.get(self.id.0 as usize).unwrap_or(&nodes[0])
    }

    /// The node that an alias stands for.
    pub(crate) fn target(self) -> &'a Node {
        match self.node().shape {
            Shape::Alias(id) => self.arena.at(id).node(),
            _ => self.node(),
        }
    }

    pub(crate) fn shape(self) -> &'a Shape {
        &self.target().shape
    }

    /// The type of a field of that name, if the type declares it.
    pub(crate) fn declared(self, name: &str) -> Option<Type<'a>> {
        match self.shape() {
            Shape::Object { fields, .. } => fields.get(name).map(|&id| self.arena.at(id)),
            _ => None,
        }
    }

    /// The type of what stands under that key, declared or not.
    pub(crate) fn field(self, name: &str) -> Type<'a> {
        match self.shape() {
            Shape::Object { fields, .. } => fields.get(name).map_or(self.any(), |&id| self.arena.at(id)),
            Shape::Map(id) => self.arena.at(*id),
            _ => self.any(),
        }
    }

    pub(crate) fn fields(self) -> impl Iterator<Item = (&'a str, Type<'a>)> {
        let fields = match self.shape() {
            Shape::Object { fields, .. } => Some(fields),
            _ => None,
        };
        fields.into_iter().flatten().map(move |(name, &id)| (name.as_str(), self.arena.at(id)))
    }

    /// The type of a list's items.
    pub(crate) fn items(self) -> Type<'a> {
        match self.shape() {
            Shape::List(id) => self.arena.at(*id),
            _ => self.any(),
        }
    }

    pub(crate) fn is_any(self) -> bool {
        matches!(self.shape(), Shape::Any)
    }

    /// How a list of this type merges.
    pub(crate) fn merge(self) -> &'a Merge {
        &self.node().merge
    }

    /// Whether a map of this type merges as a whole.
    pub(crate) fn is_atomic(self) -> bool {
        self.node().atomic || self.target().atomic
    }
}
