//! Hides the values of Secrets, so that a difference can stand in a log.

use std::borrow::Cow;

use indexmap::IndexMap;
use kustomize_core::BuildError;
use kustomize_core::host::mask as mask_urls;
use kustomize_core::resource::split_api_version;
use kustomize_core::yaml::{self, Node, Scalar, Sources};

use crate::hash_suffix::without_hash;
use crate::snapshot::list_items;
use crate::{Change, Difference, FieldChange, Segment, Value};

/// Stands for a value that is the same on both sides, or on one side only.
const HIDDEN: &str = "***";
/// Stands for the old one of two values that differ.
const BEFORE: &str = "*** (before)";
/// Stands for the new one of two values that differ.
const AFTER: &str = "*** (after)";

/// The fields of a Secret that hold its values.
const DATA: [&str; 2] = ["data", "stringData"];
/// The annotation in which `kubectl apply` keeps the whole Secret.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Whether this is a Secret of the core group.
fn is_secret(api_version: &str, kind: &str) -> bool {
    kind == "Secret" && split_api_version(api_version).0.is_empty()
}

/// Hides the values of all Secrets in a difference, and passwords in URLs.
pub(crate) fn mask(difference: &mut Difference) {
    for change in &mut difference.resources {
        match &mut change.change {
            Change::Added { value } | Change::Removed { value } => mask_passwords(value),
            Change::Changed { fields, .. } => fields.iter_mut().for_each(mask_passwords_of),
        }
        if change.resource.kind != "Secret" || !change.resource.group.is_empty() {
            continue;
        }
        match &mut change.change {
            Change::Added { value } | Change::Removed { value } => mask_below(value, &[], HIDDEN),
            Change::Changed { fields, .. } => fields.iter_mut().for_each(mask_field),
        }
    }
}

fn mask_field(FieldChange { path, old, new }: &mut FieldChange) {
    let steps: Vec<&str> = path
        .segments()
        .iter()
        .map(|step| match step {
            Segment::Field(name) => name.as_str(),
            _ => "",
        })
        .collect();
    let (before, after) = if old.is_some() && new.is_some() { (BEFORE, AFTER) } else { (HIDDEN, HIDDEN) };
    for (value, mark) in [(old, before), (new, after)] {
        if let Some(value) = value {
            mask_below(value, &steps, mark);
        }
    }
}

/// Hides passwords in the URLs of a field. Texts that differ in nothing else are told apart.
fn mask_passwords_of(FieldChange { old, new, .. }: &mut FieldChange) {
    old.iter_mut().chain(new.iter_mut()).for_each(mask_passwords);
    if let (Some(Value::String(old)), Some(Value::String(new))) = (old, new)
        && old == new
    {
        old.push_str(" (before)");
        new.push_str(" (after)");
    }
}

/// Hides passwords in the URLs of a value.
fn mask_passwords(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(masked) = mask_urls(text) {
                *text = masked;
            }
        }
        Value::List(items) => items.iter_mut().for_each(mask_passwords),
        Value::Map(map) => map.values_mut().for_each(mask_passwords),
        _ => {}
    }
}

/// Hides what is secret in the value at a path of a Secret.
fn mask_below(value: &mut Value, path: &[&str], mark: &str) {
    match (path, &mut *value) {
        ([] | ["metadata" | "data" | "stringData"] | ["metadata", "annotations"], Value::Map(map)) => {
            for (name, value) in map {
                let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
                mask_below(value, &path, mark);
            }
        }
        ([], _) | (["data" | "stringData", ..], Value::Null) => {}
        (["data" | "stringData", ..] | ["metadata", "annotations", LAST_APPLIED, ..], _) => {
            *value = Value::String(mark.to_owned());
        }
        _ => {}
    }
}

/// Two texts of resources with the values of their Secrets and passwords in URLs hidden. Documents
/// that hold a Secret are printed anew, others stay as they are.
///
/// # Errors
/// A text is not YAML: what is secret in it cannot be told. The names are what errors call the
/// texts.
pub fn masked_texts(old: (&str, &str), new: (&str, &str)) -> Result<(String, String), BuildError> {
    let (before, after) = (documents(old.0, old.1)?, documents(new.0, new.1)?);
    Ok((masked(&before, &after, BEFORE)?, masked(&after, &before, AFTER)?))
}

/// The names of the Secrets in a text that give values, as `namespace/name`.
///
/// # Errors
/// Text that is not YAML.
pub fn secrets_of(yaml: &str, file: &str) -> Result<Vec<String>, BuildError> {
    let mut names = Vec::new();
    for document in documents(file, yaml)? {
        document.secrets(&mut |secret| {
            if DATA.iter().any(|field| secret.get(field).is_some_and(|data| !data.is_nil_or_empty())) {
                let text = |name| secret.at(&["metadata", name]).map_or("", Node::text);
                let separator = if text("namespace").is_empty() { "" } else { "/" };
                names.push(format!("{}{separator}{}", text("namespace"), text("name")));
            }
        });
    }
    Ok(names)
}

/// A part of a text between two `---`.
struct Document<'t> {
    text: &'t str,
    nodes: Vec<Node>,
}

/// The documents of a text, each with the `---` before it.
fn documents<'t>(file: &str, text: &'t str) -> Result<Vec<Document<'t>>, BuildError> {
    let sources = Sources::default();
    let mut found = Vec::new();
    for text in split(text) {
        let id = sources.add(file, text.into(), None);
        let nodes = yaml::read(text, id).map_err(|error| BuildError::from(error).located(&sources))?;
        found.push(Document { text, nodes });
    }
    Ok(found)
}

fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let is_mark = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.trim_start().len() < rest.len() || rest.is_empty());
        if is_mark && at > start {
            parts.push(&text[start..at]);
            start = at;
        }
        at += line.len();
    }
    parts.push(&text[start..]);
    parts
}

impl Document<'_> {
    /// Calls for each Secret, those in lists among them.
    fn secrets<'n>(&'n self, found: &mut impl FnMut(&'n Node)) {
        let mut waiting: Vec<(&Node, &str)> = self.nodes.iter().rev().map(|node| (node, "")).collect();
        while let Some((node, kind)) = waiting.pop() {
            if is_secret_node(node, kind) {
                found(node);
            } else if let Some((items, kind)) = list_items(node) {
                waiting.extend(items.iter().rev().map(|item| (item, kind)));
            }
        }
    }

    fn has_secrets(&self) -> bool {
        let mut any = false;
        self.secrets(&mut |_| any = true);
        any
    }
}

/// Whether this is a Secret; `kind` is that of its list.
fn is_secret_node(node: &Node, kind: &str) -> bool {
    let text = |name| node.get(name).map(Node::text).filter(|text| !text.is_empty());
    is_secret(text("apiVersion").unwrap_or_default(), text("kind").unwrap_or(kind))
}

/// Which Secret: namespace, and name without the hash of its content.
fn identity(secret: &Node) -> (Cow<'_, str>, Cow<'_, str>) {
    let text = |name| secret.at(&["metadata", name]).map_or("", Node::text);
    let name = text("name");
    (Cow::Borrowed(text("namespace")), Cow::Borrowed(without_hash(name).unwrap_or(name)))
}

/// One side's text; `mark` stands for values that are others on the other side.
fn masked(side: &[Document<'_>], other: &[Document<'_>], mark: &str) -> Result<String, BuildError> {
    let mut others = IndexMap::default();
    for document in other {
        document.secrets(&mut |secret| {
            others.entry(identity(secret)).or_insert(secret);
        });
    }
    let mut out = String::new();
    for document in side {
        if !document.has_secrets() {
            out.push_str(document.text);
            continue;
        }
        if document.text.starts_with("---") {
            out.push_str("---\n");
        }
        for node in &document.nodes {
            let mut node = node.clone();
            mask_node(&mut node, "", &others, mark);
            yaml::print(&node, &mut out)?;
        }
    }
    Ok(mask_urls(&out).into_owned())
}

/// Hides what is secret in a document, whose items may be of this kind.
fn mask_node(
    node: &mut Node,
    kind: &str,
    others: &IndexMap<(Cow<'_, str>, Cow<'_, str>), &Node>,
    mark: &str,
) {
    if is_secret_node(node, kind) {
        let other = others.get(&identity(node)).copied();
        for path in DATA.iter().map(std::slice::from_ref).chain([&["metadata", "annotations"][..]]) {
            let other = other.and_then(|other| other.at(path));
            let Some(place) = at_mut(node, path) else { continue };
            let only = (path.len() > 1).then_some(LAST_APPLIED);
            mask_entries(place, other, only, mark);
        }
    } else if let Some(kind) = list_items(node).map(|(_, kind)| kind.to_owned())
        && let Some(items) = node.get_mut("items").and_then(Node::as_seq_mut)
    {
        items.iter_mut().for_each(|item| mask_node(item, &kind, others, mark));
    }
}

/// Hides the values of a map, or of one of its keys only.
fn mask_entries(place: &mut Node, other: Option<&Node>, only: Option<&str>, mark: &str) {
    let hide = |value: &mut Node, other: Option<&Node>| {
        let differs = other.is_some_and(|other| !other.same(value));
        *value = Node { pos: value.pos, ..Node::scalar(Scalar::string(if differs { mark } else { HIDDEN })) };
    };
    if place.is_nil_or_empty() {
        return;
    }
    if let Some(map) = place.as_map_mut() {
        for entry in map.iter_mut().filter(|entry| only.is_none_or(|only| entry.key.as_str() == only)) {
            hide(&mut entry.value, other.and_then(|other| other.get(entry.key.as_str())));
        }
    } else if only.is_none() {
        hide(place, other);
    }
}

fn at_mut<'n>(node: &'n mut Node, path: &[&str]) -> Option<&'n mut Node> {
    path.iter().try_fold(node, |node, name| node.get_mut(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Snapshot;

    fn secret(name: &str, fields: &str) -> String {
        format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n{fields}")
    }

    fn masked_difference(old: &str, new: &str) -> Difference {
        let read = |text| Snapshot::read(text, "test.yaml").unwrap();
        Difference::between(&read(old), &read(new)).mask_secrets()
    }

    #[test]
    fn values_are_hidden_and_keys_are_not() {
        let old = secret("s", "data:\n  same: c2Ft\n  changed: b2xk\n  gone: Z29uZQ==\n");
        let new = secret("s", "data:\n  same: c2Ft\n  changed: bmV3\nstringData:\n  come: clear\n");
        let wanted = "changed Secret s\n    data.changed: \"*** (before)\" → \"*** (after)\"\n    \
                      - data.gone: \"***\"\n    + stringData: {come: \"***\"}\n";
        assert_eq!(masked_difference(&old, &new).to_string(), wanted);
        // What is not of the core group is something else.
        let sealed = |text: &str| text.replace("apiVersion: v1", "apiVersion: example.com/v1");
        assert!(masked_difference(&sealed(&old), &sealed(&new)).to_string().contains("bmV3"));
    }

    #[test]
    fn no_shape_of_a_secret_shows_its_values() {
        for fields in [
            "data:\n  key: hunter2\n",
            "data: {a: {b: hunter2}, c: [hunter2]}\n",
            "stringData: hunter2\n",
            "data: [hunter2]\n",
            "stringData:\n  key: |\n    ---\n    hunter2\n",
            "stringData:\n  key: &a hunter2\ndata: {other: *a}\n",
        ] {
            let text = secret("s", fields);
            let list =
                format!("apiVersion: v1\nkind: List\nitems:\n- {}", text.trim_end().replace('\n', "\n  "));
            let annotated = text.replace(
                "  name: s\n",
                &format!("  name: s\n  annotations:\n    {LAST_APPLIED}: '{{\"data\":\"hunter2\"}}'\n"),
            );
            let typed = list.replace("kind: List", "kind: SecretList").replace("\n  kind: Secret", "");
            for text in [&text, &list, &annotated, &typed] {
                for (old, new) in [("", text.as_str()), (text.as_str(), ""), (text.as_str(), "kind: Pod\n")] {
                    let shown = serde_json::to_string(&masked_difference(old, new)).unwrap();
                    assert!(!shown.contains("hunter2"), "{shown}");
                    let (old, new) = masked_texts(("old", old), ("new", new)).unwrap();
                    assert!(!old.contains("hunter2") && !new.contains("hunter2"), "{old}{new}");
                }
                let changed = text.replace("hunter2", "hunter3");
                let (old, new) = masked_texts(("old", text), ("new", &changed)).unwrap();
                assert!(old.contains(BEFORE) && new.contains(AFTER), "{old}{new}");
                assert!(!format!("{old}{new}").contains("hunter"), "{old}{new}");
                let shown = serde_json::to_string(&masked_difference(text, &changed)).unwrap();
                assert!(!shown.contains("hunter") && shown.contains(AFTER), "{shown}");
            }
        }
    }

    #[test]
    fn passwords_in_urls_are_hidden() {
        let text = |password: &str| {
            let url = format!("https://me:{password}@example.com/a");
            format!(
                "kind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  url: {url}\n  list: |\n    a\n    {url}\n"
            )
        };
        let (old, new) = (text("hunter2"), text("hunter3"));
        let shown = masked_difference(&old, &new);
        let json = serde_json::to_string(&shown).unwrap();
        assert!(!shown.to_string().contains("hunter") && !json.contains("hunter"), "{shown}{json}");
        let wanted = "data.url: https://me:***@example.com/a (before) → https://me:***@example.com/a (after)";
        assert!(shown.to_string().contains(wanted), "{shown}");
        assert!(!masked_difference("", &old).to_string().contains("hunter"));
        let (old, new) = masked_texts(("old", &old), ("new", &new)).unwrap();
        assert!(old == new && !old.contains("hunter"), "{old}{new}");
    }

    #[test]
    fn texts_of_other_resources_stay_as_they_are() {
        let old =
            format!("# by hand\nkind: Pod\nmetadata:   {{name: a}}\n---\n{}", secret("s", "data: {a: b}\n"));
        let (masked, same) = masked_texts(("old", &old), ("new", &old)).unwrap();
        let wanted = format!(
            "# by hand\nkind: Pod\nmetadata:   {{name: a}}\n---\n{}",
            secret("s", "").replacen("kind", "data:\n  a: '***'\nkind", 1)
        );
        assert_eq!(masked, wanted);
        assert_eq!(same, wanted);
        assert!(masked_texts(("old", "a: ["), ("new", "")).is_err());
    }

    #[test]
    fn secrets_with_values_are_named() {
        let text = format!(
            "{}---\n{}---\nkind: ConfigMap\ndata: {{a: b}}\n",
            secret("one", "  namespace: prod\ndata: {a: b}\n"),
            secret("empty", "data: {}\n")
        );
        assert_eq!(secrets_of(&text, "x").unwrap(), ["prod/one"]);
    }
}
