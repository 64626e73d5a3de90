//! One side of a comparison.

use std::fmt;

use kustomize_core::Rendered;
use kustomize_core::resource::{Resource, split_api_version};
use kustomize_core::schema::Schema;
use kustomize_core::yaml::{self, Node, Seq, Sources};
use kustomize_core::{BuildError, ErrorKind};
use serde::Serialize;

use crate::Value;

/// Which resource: what tells it from all others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct ResourceName {
    /// API group, empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace as written; none for what has none.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

impl fmt::Display for ResourceName {
    /// `Deployment.apps production/web`, `Namespace production`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " {namespace}/{}", self.name),
            None => write!(f, " {}", self.name),
        }
    }
}

/// The resources of one side: of a build ([`Snapshot::of`]) or of a text ([`Snapshot::read`]).
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(crate) entries: Vec<Entry>,
}

/// A resource of a side.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: ResourceName,
    /// What it was called in the file it comes from, where that is known.
    pub(crate) original: Option<ResourceName>,
    pub(crate) value: Value,
}

impl Snapshot {
    /// The resources of a build, as they are printed.
    ///
    /// # Errors
    /// A value that kustomize cannot print, as for [`Rendered::yaml`].
    pub fn of(rendered: &Rendered) -> Result<Self, BuildError> {
        let schema = Schema::default();
        let mut entries = Vec::with_capacity(rendered.resources().len());
        for resource in rendered.resources() {
            // Through its text, so that it is equal to what was once written to a file.
            let text = rendered.resource_yaml(resource)?;
            let original = original_name(resource, &schema);
            let read = Snapshot::read(&text, "the rendered resource")?;
            entries.extend(
                read.entries.into_iter().map(|entry| Entry { original: Some(original.clone()), ..entry }),
            );
        }
        Ok(Snapshot { entries })
    }

    /// The resources of a text: documents separated by `---`. Lists (`List`, `SecretList`, …) give
    /// way to their items. `file` is what errors call it.
    ///
    /// # Errors
    /// Text that is not YAML, and documents that are no maps.
    pub fn read(yaml: &str, file: &str) -> Result<Self, BuildError> {
        let sources = Sources::default();
        let id = sources.add(file, yaml.into(), None);
        let nodes = yaml::read(yaml, id).map_err(|error| BuildError::from(error).located(&sources))?;
        let mut entries = Vec::with_capacity(nodes.len());
        let mut waiting: Vec<(&Node, &str)> = nodes.iter().rev().map(|node| (node, "")).collect();
        while let Some((node, kind)) = waiting.pop() {
            if node.as_map().is_none() {
                let error = BuildError::new(ErrorKind::Resource, "expected a resource, which is a map");
                return Err(error.at(node.pos).located(&sources));
            }
            match list_items(node) {
                Some((items, kind)) => waiting.extend(items.iter().rev().map(|item| (item, kind))),
                None => {
                    let name = written_name(node, kind);
                    entries.push(Entry { name, original: None, value: Value::from(node) });
                }
            }
        }
        Ok(Snapshot { entries })
    }

    /// The resources' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &ResourceName> {
        self.entries.iter().map(|entry| &entry.name)
    }
}

/// The items of a list of resources, and the kind of those that do not say it, as in a `SecretList`.
pub(crate) fn list_items(node: &Node) -> Option<(&Seq, &str)> {
    let kind = node.get("kind")?.text().strip_suffix("List")?;
    Some((node.get("items")?.as_seq()?, kind))
}

/// The name that a resource gives itself; `kind` is that of its list.
fn written_name(node: &Node, kind: &str) -> ResourceName {
    let text = |path: &[&str]| node.at(path).filter(|node| !node.is_null()).map_or("", Node::text);
    let (group, _) = split_api_version(text(&["apiVersion"]));
    let namespace = text(&["metadata", "namespace"]);
    ResourceName {
        group: group.to_owned(),
        kind: Some(text(&["kind"])).filter(|kind| !kind.is_empty()).unwrap_or(kind).to_owned(),
        namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
        name: text(&["metadata", "name"]).to_owned(),
    }
}

fn original_name(resource: &Resource, schema: &Schema) -> ResourceName {
    let id = resource.original_id(schema);
    ResourceName {
        namespace: Some(id.effective_namespace().to_owned()),
        group: id.gvk.group.to_string(),
        kind: id.gvk.kind.to_string(),
        name: id.name.to_string(),
    }
}
