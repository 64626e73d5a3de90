//! A resource.

use super::id::{IdRef, effective_namespace, split_api_version};
use super::{Gvk, History, Link, NodeStep, PreviousId, ResId};
use crate::schema::Schema;
use crate::yaml::{Data, Map, Node, Str};

/// A Kubernetes resource: its tree and what happened to it.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The tree; a map at its root.
    pub node: Node,
    /// Earlier names, prefixes, behaviour.
    pub history: History,
    /// Fields of the tree that share a value.
    pub links: Vec<Link>,
}

impl Resource {
    /// A resource without a history.
    #[must_use]
    pub fn new(node: Node) -> Self {
        Resource { node, history: History::default(), links: Vec::new() }
    }

    /// The tree as data that serde can make anything of: what a reader of the resource's YAML gets.
    #[must_use]
    pub fn data(&self) -> Data<'_> {
        Data::of(&self.node)
    }

    /// `apiVersion`, empty when there is none.
    #[must_use]
    pub fn api_version(&self) -> &str {
        self.node.get("apiVersion").map_or("", Node::text)
    }

    /// `kind`, empty when there is none.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.node.get("kind").map_or("", Node::text)
    }

    /// `metadata.name`, empty when there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata_text("name")
    }

    /// `metadata.namespace` as written, empty when there is none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.metadata_text("namespace")
    }

    fn metadata_text(&self, field: &str) -> &str {
        match self.node.get("metadata").and_then(|metadata| metadata.get(field)) {
            Some(value) if !value.is_null() => value.text(),
            _ => "",
        }
    }

    /// Group, version and kind.
    #[must_use]
    pub fn gvk(&self) -> Gvk {
        Gvk::new(self.api_version(), self.kind())
    }

    /// Current identity.
    #[must_use]
    pub fn id(&self, schema: &Schema) -> ResId {
        ResId::new(self.gvk(), self.name(), self.namespace(), schema)
    }

    /// What tells the resource from others now: [`Resource::id`] without a copy.
    pub(crate) fn id_ref(&self, schema: &Schema) -> IdRef<'_> {
        let (mut api_version, mut kind, mut metadata) = (None, None, None);
        for entry in self.node.as_map().map_or(&[][..], Map::as_slice) {
            match entry.key.as_str() {
                "apiVersion" if api_version.is_none() => api_version = Some(&entry.value),
                "kind" if kind.is_none() => kind = Some(&entry.value),
                "metadata" if metadata.is_none() => metadata = entry.value.as_map(),
                _ => {}
            }
        }
        let text = |field: &str| match metadata.and_then(|metadata| metadata.get(field)) {
            Some(value) if !value.is_null() => value.text(),
            _ => "",
        };
        let (group, version) = split_api_version(api_version.map_or("", Node::text));
        let kind = kind.map_or("", Node::text);
        let cluster_scoped = schema.is_cluster_scoped(group, version, kind);
        let namespace = effective_namespace(text("namespace"), cluster_scoped);
        IdRef { name: text("name"), namespace, kind, group, version }
    }

    /// What told the resource from others, oldest first, and what does now.
    pub(crate) fn id_refs<'a>(&'a self, schema: &Schema) -> impl Iterator<Item = IdRef<'a>> {
        let (group, version) = split_api_version(self.api_version());
        let previous = self.history.previous.iter().map(move |id| id.as_ref(group, version));
        previous.chain([self.id_ref(schema)])
    }

    /// Identity as written, for messages: nothing is looked up.
    pub(crate) fn written_id(&self) -> ResId {
        ResId {
            gvk: self.gvk(),
            name: self.name().into(),
            namespace: self.namespace().into(),
            cluster_scoped: false,
        }
    }

    /// Whether the schema says that resources of this kind are in no namespace.
    pub(crate) fn gvk_is_cluster_scoped(&self, schema: &Schema) -> bool {
        let (group, version) = split_api_version(self.api_version());
        schema.is_cluster_scoped(group, version, self.kind())
    }

    /// First identity: the oldest previous one, else the current.
    #[must_use]
    pub fn original_id(&self, schema: &Schema) -> ResId {
        self.previous_ids().next().unwrap_or_else(|| self.id(schema))
    }

    /// Earlier identities, oldest first.
    pub fn previous_ids(&self) -> impl Iterator<Item = ResId> + '_ {
        let (group, version) = split_api_version(self.api_version());
        let (group, version) = (Str::from(group), Str::from(version));
        self.history.previous.iter().map(move |previous| previous.with_group_version(&group, &version))
    }

    /// Notes the current identity as a previous one (kustomize's `StorePreviousId`).
    pub fn remember_id(&mut self, schema: &Schema) {
        let id = self.id_ref(schema);
        let (kind, name, namespace) = (id.kind.into(), id.name.into(), id.namespace.into());
        let previous = &mut self.history.previous;
        let id = PreviousId { kind, name, namespace };
        // The same id once more says nothing new, and many patches of one resource would note it each time.
        if previous.last() == Some(&id) {
            self.clear_empty_annotations();
            return;
        }
        if previous.len() == previous.capacity() {
            // Hardly any resource is renamed more than twice.
            previous.reserve_exact(2);
        }
        previous.push(id);
        self.clear_empty_annotations();
    }

    /// Removes annotations without entries, as kustomize does before it writes its history
    /// there, and then metadata that has nothing else.
    fn clear_empty_annotations(&mut self) {
        let Some(root) = self.node.as_map_mut() else { return };
        let Some(metadata) = root.get_mut("metadata").and_then(Node::as_map_mut) else { return };
        let is_empty = |node: &Node| node.as_scalar().is_some() || node.is_nil_or_empty();
        if metadata.get("annotations").is_some_and(is_empty) {
            metadata.remove("annotations");
        }
        if metadata.is_empty() {
            root.remove("metadata");
        }
    }

    /// Brings fields that share a value in line. To be called whenever fields were written in
    /// place, as patches do. Returns whether anything was to be done.
    pub(crate) fn settle_links(&mut self) -> bool {
        Link::settle_all(&mut self.links, &mut self.node)
    }

    /// Makes the fields of some maps independent. To be called when these maps are made anew; it is
    /// given the tree and the place of a map.
    pub(crate) fn leave_links(&mut self, is_it: impl Fn(&Node, &[NodeStep]) -> bool) {
        self.links.iter_mut().for_each(|link| link.leave(|place| is_it(&self.node, place)));
    }

    /// Makes all fields independent of each other. To be called whenever the tree was made anew.
    pub(crate) fn forget_links(&mut self) {
        self.links.clear();
    }

    /// Sets `metadata.name`.
    pub fn set_name(&mut self, name: &str) {
        self.metadata_mut().set_field("name", Node::untyped(name));
    }

    /// Sets `metadata.namespace`; an empty one clears the field.
    pub fn set_namespace(&mut self, namespace: &str) {
        if namespace.is_empty() {
            if let Some(metadata) = self.node.get_mut("metadata").and_then(Node::as_map_mut) {
                metadata.remove("namespace");
            }
        } else {
            self.metadata_mut().set_field("namespace", Node::untyped(namespace));
        }
    }

    /// Sets `kind`.
    pub fn set_kind(&mut self, kind: &str) {
        self.root_mut().set_field("kind", Node::untyped(kind));
    }

    /// The root map; made when the root is anything else.
    pub fn root_mut(&mut self) -> &mut Map {
        ensure_map(&mut self.node)
    }

    /// `metadata`, made when it is missing.
    pub fn metadata_mut(&mut self) -> &mut Map {
        ensure_map(self.root_mut().get_or_insert_with("metadata", || Node::map(Map::new())))
    }

    /// Keys and values of `metadata.labels`, in the order written.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.metadata_pairs("labels")
    }

    /// Keys and values of `metadata.annotations`, in the order written.
    pub fn annotations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.metadata_pairs("annotations")
    }

    fn metadata_pairs(&self, field: &str) -> impl Iterator<Item = (&str, &str)> {
        self.node
            .at(&["metadata", field])
            .and_then(Node::as_map)
            .into_iter()
            .flat_map(|map| map.iter().map(|entry| (entry.key.as_str(), entry.value.text())))
    }

    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Replaces all of `metadata.labels`: sorted, all values strings, no field when empty
    /// (kustomize's `SetLabels`).
    pub fn set_labels(&mut self, pairs: Vec<(Str, Str)>) {
        self.set_metadata_pairs("labels", pairs);
    }

    /// Replaces all of `metadata.annotations`: sorted, all values strings, no field when empty
    /// (kustomize's `SetAnnotations`).
    pub fn set_annotations(&mut self, pairs: Vec<(Str, Str)>) {
        self.set_metadata_pairs("annotations", pairs);
    }

    fn set_metadata_pairs(&mut self, field: &str, mut pairs: Vec<(Str, Str)>) {
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        let place = ["metadata", field].map(|name| NodeStep::Field(name.into()));
        self.leave_links(|_, other| *other == place);
        let metadata = self.metadata_mut();
        metadata.remove(field);
        if pairs.is_empty() {
            return;
        }
        let mut map = Map::new();
        for (key, value) in pairs {
            map.set_field(&key, Node::string(value));
        }
        metadata.insert(field, Node::map(map));
    }
}

fn ensure_map(node: &mut Node) -> &mut Map {
    if node.as_map().is_none() {
        let pos = node.pos;
        *node = Node { pos, value: crate::yaml::Value::Map(Map::new()) };
    }
    match &mut node.value {
        crate::yaml::Value::Map(map) => map,
        _ => unreachable!("made a map above"),
    }
}
