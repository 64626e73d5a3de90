//! Where fields of an object were written that an API server refuses.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaPropsOrArray;
use kustomize_core::closest;
use kustomize_core::yaml::{Node, Pos, Value};
use reconciler_api::KustomizationSpec;
use reconciler_core::generator::{self, OverlayHost};
use reconciler_core::ssa::ObjectId;

use super::failure::{excerpt_at, find_directory};
use super::place::{line, relative};
use crate::source::git::GitTree;

/// Where a field was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPlace {
    /// The field, or what it is missing in, with `file:line`.
    pub text: String,
    /// The line with its number, if it can be shown.
    pub excerpt: Option<String>,
}

/// Where fields of an object were written, as far as that can be told. The directory that the spec names is rendered once more
/// for it, without keys: what is encrypted stays so.
#[must_use]
pub fn field_places(
    tree: &GitTree,
    spec: &KustomizationSpec,
    id: &ObjectId,
    fields: &[String],
) -> Vec<FieldPlace> {
    let find = || {
        let directory = find_directory(tree, spec.path.as_deref().unwrap_or("./")).ok()?;
        let host = OverlayHost::new(tree, "/", &directory, spec).ok()?;
        let rendered = generator::build(&host, &tree.cancellation()).ok()?;
        let group = |api_version: &str| api_version.split_once('/').map_or("", |(group, _)| group).to_owned();
        let resource = rendered.resources().iter().find(|resource| {
            resource.kind() == id.kind
                && resource.name() == id.name
                && group(resource.api_version()) == id.group
                && (resource.namespace() == id.namespace || resource.namespace().is_empty())
        })?;
        let places = fields.iter().filter_map(|field| {
            let (pos, known) = locate(&resource.node, field)?;
            // What the spec itself adds stands in no file.
            let found = rendered.location(&Node { pos, ..Node::null() })?;
            if relative(&found.file) == relative(&host.generated().path) {
                return None;
            }
            let verb = if known == field { "is set at" } else { "begins at" };
            let text = format!("{known} {verb} {}", line(&found));
            Some(FieldPlace { text, excerpt: excerpt_at(&found, tree) })
        });
        Some(places.collect())
    };
    find().unwrap_or_default()
}

/// The field of one of Flux's kinds that a field which the kind does not have is most likely a slip of.
#[must_use]
pub fn meant_field(id: &ObjectId, field: &str) -> Option<String> {
    let crds = reconciler_api::crds();
    let crd = crds.iter().find(|crd| crd.spec.group == id.group && crd.spec.names.kind == id.kind)?;
    let mut schema = crd.spec.versions.first()?.schema.as_ref()?.open_api_v3_schema.as_ref()?;
    for part in field.trim_start_matches('.').split('.') {
        let (name, index) = part.split_once('[').unwrap_or((part, ""));
        let properties = schema.properties.as_ref()?;
        let Some(next) = properties.get(name) else {
            return closest(name, properties.keys().map(String::as_str)).map(str::to_owned);
        };
        schema = match &next.items {
            Some(JSONSchemaPropsOrArray::Schema(item)) if !index.is_empty() => item,
            _ => next,
        };
    }
    None
}

/// The position of a field, or of the last part of its path that there is, and that part.
fn locate<'a>(node: &Node, path: &'a str) -> Option<(Pos, &'a str)> {
    let (mut node, mut rest, mut found) = (node, path, None);
    while !rest.is_empty() {
        let Some((pos, next, after)) = step(node, rest) else { break };
        (node, rest) = (next, after);
        if !pos.is_none() {
            found = Some((pos, &path[..path.len() - rest.len()]));
        }
    }
    found
}

/// One step along a path: where the next part stands, what it is, and what is left of the path.
fn step<'a, 'b>(node: &'a Node, path: &'b str) -> Option<(Pos, &'a Node, &'b str)> {
    match &node.value {
        Value::Map(map) => {
            let (entry, rest) = if let Some((key, rest)) = bracketed(path) {
                (map.entry(key)?, rest)
            } else {
                let path = path.strip_prefix('.').unwrap_or(path);
                // Names can have dots in them: the longest is meant.
                let entries = map.iter().filter(|entry| {
                    let rest = path.strip_prefix(entry.key.as_str());
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                });
                let entry = entries.max_by_key(|entry| entry.key.as_str().len())?;
                (entry, &path[entry.key.as_str().len()..])
            };
            // A scalar can come from a patch, and its key from what was patched.
            let is_scalar = matches!(entry.value.value, Value::Scalar(_)) && !entry.value.pos.is_none();
            let pos = if is_scalar { entry.value.pos } else { entry.key.pos };
            Some((pos, &entry.value, rest))
        }
        Value::Seq(seq) => {
            let (which, rest) = bracketed(path)?;
            let item = match which.parse::<usize>() {
                Ok(index) => seq.get(index)?,
                Err(_) => seq.iter().find(|item| is_item(item, which))?,
            };
            Some((item.pos, item, rest))
        }
        Value::Scalar(_) => None,
    }
}

/// What a path has in brackets at its start, and what follows.
fn bracketed(path: &str) -> Option<(&str, &str)> {
    let inside = path.strip_prefix('[')?;
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, letter) in inside.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ']' if !is_quoted => return Some((&inside[..at], &inside[at + 1..])),
            _ => {}
        }
    }
    None
}

/// Whether an item of a list has the keys `name="a",port=80`, or is the value `="a"`. A key that it does not have was
/// added by the server.
fn is_item(item: &Node, keys: &str) -> bool {
    let mut rest = keys;
    let mut matches_one = false;
    while !rest.is_empty() {
        let Some((name, after)) = rest.split_once('=') else { return false };
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<serde_json::Value>();
        let Some(Ok(value)) = values.next() else { return false };
        rest = after[values.byte_offset()..].trim_start_matches(',');
        let value = match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        let found = if name.is_empty() { Some(item) } else { item.get(name) };
        match found {
            Some(found) if found.text() == value => matches_one = true,
            Some(_) => return false,
            None => {}
        }
    }
    matches_one
}

#[cfg(test)]
mod tests {
    use kustomize_core::yaml::{SourceText, Sources, read_config};

    use super::*;

    const TEXT: &str = "metadata:
  labels:
    app.kubernetes.io/name: b c
spec:
  replicas: one
  template:
    spec:
      containers:
      - name: other
      - name: web
        ports:
        - containerPort: x
        - containerPort: 81
data:
  a b: x
";

    #[test]
    fn fields_of_fluxs_kinds_have_names_that_were_meant() {
        let id = |kind: &str, group: &str| ObjectId {
            name: "a".to_owned(),
            namespace: "b".to_owned(),
            kind: kind.to_owned(),
            group: group.to_owned(),
        };
        let ours = id("Kustomization", "kustomize.toolkit.fluxcd.io");
        assert_eq!(meant_field(&ours, ".spec.pathh").as_deref(), Some("path"));
        assert_eq!(meant_field(&ours, ".spec.patches[0].ptach").as_deref(), Some("patch"));
        assert_eq!(meant_field(&ours, ".spec.path"), None);
        assert_eq!(meant_field(&ours, ".spec.something-else"), None);
        assert_eq!(meant_field(&id("Deployment", "apps"), ".spec.replics"), None);
    }

    #[test]
    fn paths_lead_to_lines() -> Result<(), Box<dyn std::error::Error>> {
        let sources = Sources::default();
        let file = sources.add("a.yaml", SourceText::from(TEXT.to_owned()), None);
        let node = read_config(TEXT, file)?.ok_or("no node")?;
        let containers = "spec.template.spec.containers";
        for (path, line, known) in [
            ("spec.replicas", 5, "spec.replicas"),
            ("spec.template.spec.containers[1].name", 10, "spec.template.spec.containers[1].name"),
            (
                &*format!(
                    "{containers}[name=\"web\"].ports[containerPort=\"x\",protocol=\"TCP\"].containerPort"
                ),
                12,
                "",
            ),
            (&*format!("{containers}[name=\"web\"].ports[containerPort=81,protocol=\"TCP\"]"), 13, ""),
            (&*format!("{containers}[0].image"), 9, "spec.template.spec.containers[0]"),
            ("spec.selector.matchLabels", 4, "spec"),
            ("metadata.labels.app.kubernetes.io/name", 3, ""),
            ("metadata.labels[app.kubernetes.io/name]", 3, ""),
            ("data[a b]", 15, ""),
        ] {
            let (pos, found) = locate(&node, path).ok_or(path)?;
            let known = if known.is_empty() { path } else { known };
            assert_eq!((sources.location(pos).map(|place| place.line), found), (Some(line), known));
        }
        assert_eq!(locate(&node, "status.phase"), None);
        Ok(())
    }
}
