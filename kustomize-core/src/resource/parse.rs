//! From text to resources.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use super::Resource;
use super::list_items::through_json;
use super::schema_comments::note_schema_comments;
use crate::error::{BuildError, ErrorKind};
use crate::parallel::Threads;
use crate::yaml::{Batch, Documents, FileId, Map, Node, ReadError, Value, read_documents};

/// Reads the resources of a text (kustomize's `Factory.SliceFromBytes`).
///
/// Documents that are null or an empty map or list are dropped. Lists (`List`, `ConfigMapList`, …)
/// give way to their items: in place when the list is all there is in the text, else at the end.
///
/// # Errors
/// [`ErrorKind::Syntax`] for what is not YAML, [`ErrorKind::Resource`] for what is no resource.
pub(crate) fn parse_resources(text: &str, file: FileId) -> Result<Vec<Resource>, BuildError> {
    parse_alone(read_documents(text, file, true)?, text, file)
}

/// Reads the resources of several texts, on several threads when there is enough to read.
pub(crate) fn parse_all_resources(
    texts: &[(FileId, &str)],
    threads: &Threads,
) -> Vec<Result<Vec<Arc<Resource>>, BuildError>> {
    let read = read_all(texts, threads);
    texts.iter().zip(read).map(|((file, text), documents)| parse(documents?, text, *file, threads)).collect()
}

fn read_all(texts: &[(FileId, &str)], threads: &Threads) -> Vec<Result<Documents, ReadError>> {
    /// Fewer bytes are not worth a thread.
    const LEAST: usize = 64 * 1024;

    let is_enough = texts.iter().map(|(_, text)| text.len()).sum::<usize>() >= LEAST;
    if is_enough {
        threads.prepare();
    }
    let mut batch = Batch::new(texts);
    let mut unread = batch.unread();
    if is_enough {
        let Ok(()) = threads.for_each_chunk(&mut unread, 1, |_, documents| {
            Batch::read(documents);
            Ok::<(), Infallible>(())
        });
    } else {
        Batch::read(&mut unread);
    }
    batch.finish()
}

/// Reads the strategic merge patches of a text, as [`parse_resources`] does.
///
/// kustomize notices equal keys when it prints. In a patch the first of them counts and the
/// others are mostly forgotten, so that they must not be refused here.
///
/// # Errors
/// As for [`parse_resources`].
pub(crate) fn parse_patches(text: &str, file: FileId) -> Result<Vec<Resource>, BuildError> {
    parse_alone(read_documents(text, file, false)?, text, file)
}

fn parse_alone(documents: Documents, text: &str, file: FileId) -> Result<Vec<Resource>, BuildError> {
    let resources = parse(documents, text, file, &Threads::one())?;
    Ok(resources.into_iter().map(Arc::unwrap_or_clone).collect())
}

fn parse(
    documents: Documents,
    text: &str,
    file: FileId,
    threads: &Threads,
) -> Result<Vec<Arc<Resource>>, BuildError> {
    /// Fewer resources than this are not worth a thread.
    const LEAST: usize = 64;

    let mut nodes = unwrap_single_list(documents)?;
    if nodes.iter().any(is_list) {
        nodes = inline_lists(keep_resources(nodes)?)?;
    }
    let mut made: Vec<Document> = nodes.into_iter().map(Document::Node).collect();
    threads.for_each_chunk(&mut made, LEAST, |_, chunk| chunk.iter_mut().try_for_each(Document::make))?;
    let mut resources: Vec<_> = made.into_iter().filter_map(Document::resource).collect();
    note_schema_comments(resources.iter_mut().map(Arc::make_mut), text, file);
    Ok(resources)
}

/// A document on its way to a resource.
enum Document {
    Node(Node),
    Resource(Arc<Resource>),
    /// It was empty.
    Nothing,
}

impl Document {
    fn make(&mut self) -> Result<(), BuildError> {
        if let Document::Node(node) = std::mem::replace(self, Document::Nothing)
            && !node.is_nil_or_empty()
        {
            validate(&node)?;
            let mut resource = Resource::new(node);
            resource.absorb_internal_annotations()?;
            *self = Document::Resource(Arc::new(resource));
        }
        Ok(())
    }

    fn resource(self) -> Option<Arc<Resource>> {
        match self {
            Document::Resource(resource) => Some(resource),
            Document::Node(_) | Document::Nothing => None,
        }
    }
}

/// The items of a `List` or `ResourceList` that is the only document; other documents as they are.
fn unwrap_single_list(documents: Documents) -> Result<Vec<Node>, BuildError> {
    let Documents { mut nodes, parts } = documents;
    let is_list = parts == 1
        && nodes.len() == 1
        && nodes.iter().all(|node| {
            matches!(node.get("kind").map_or("", Node::text), "List" | "ResourceList")
                && (node.get("items").is_some() || node.get("functionConfig").is_some())
        });
    if !is_list {
        return Ok(nodes);
    }
    match nodes.pop().and_then(take_items).map(|items| (items.pos, items.value)) {
        Some((_, Value::Seq(items))) => Ok(items.into_items()),
        Some((pos, Value::Map(map))) if !map.is_empty() => {
            Err(BuildError::new(ErrorKind::Resource, "the items of this list are not a list")
                .at(pos)
                .field("items"))
        }
        _ => Ok(Vec::new()),
    }
}

fn take_items(mut list: Node) -> Option<Node> {
    list.as_map_mut()?.remove("items").map(|entry| entry.value)
}

/// Drops what is empty and refuses what is no resource.
fn keep_resources(nodes: Vec<Node>) -> Result<Vec<Node>, BuildError> {
    let mut kept = Vec::with_capacity(nodes.len());
    for node in nodes {
        if !node.is_nil_or_empty() {
            validate(&node)?;
            kept.push(node);
        }
    }
    Ok(kept)
}

/// Checks for a kind and, unless it is a list, a name (kustomize's `GetValidatedMetadata`).
fn validate(node: &Node) -> Result<(), BuildError> {
    let refuse = |message: String| BuildError::new(ErrorKind::Resource, message).at(node.pos);
    let map = match &node.value {
        Value::Map(map) => map,
        Value::Seq(_) => {
            return Err(refuse("expected a Kubernetes resource, found a list".to_owned())
                .with_help("write each resource as a document of its own, separated by '---'"));
        }
        Value::Scalar(_) => {
            return Err(refuse("expected a Kubernetes resource, found a single value".to_owned())
                .with_help("a resource is a map with 'apiVersion', 'kind' and 'metadata'"));
        }
    };
    let kind = given(map, "kind").map_or("", Node::text);
    if kind.is_empty() {
        let error = refuse("this resource has no kind".to_owned()).field("kind");
        return Err(error.with_help(kind_help(map)));
    }
    if kind.ends_with("List") {
        return Ok(());
    }
    let metadata = given(map, "metadata").and_then(Node::as_map);
    let name = metadata.and_then(|metadata| given(metadata, "name")).map_or("", Node::text);
    if name.is_empty() {
        let message = format!("this {kind} has no name");
        if let Some(text) =
            given(map, "metadata").filter(|metadata| matches!(metadata.value, Value::Scalar(_)))
        {
            let error = BuildError::new(ErrorKind::Resource, message).at(text.pos).field("metadata.name");
            return Err(error.with_help("this is a text, and 'metadata' is a map: is a ':' missing?"));
        }
        let error = refuse(message).field("metadata.name");
        let generates = metadata.is_some_and(|metadata| metadata.contains("generateName"));
        return Err(error.with_help(if generates {
            "give it a 'metadata.name': resources are told apart by their names, and 'generateName' is none"
        } else {
            "give it a 'metadata.name'"
        }));
    }
    Ok(())
}

/// The value of a field, unless it is null or empty.
fn given<'a>(map: &'a Map, field: &str) -> Option<&'a Node> {
    map.get(field).filter(|value| !value.is_nil_or_empty())
}

fn kind_help(map: &Map) -> String {
    match map.iter().map(|entry| entry.key.as_str()).find(|key| key.eq_ignore_ascii_case("kind")) {
        Some(key) if key != "kind" => format!("write 'kind' instead of '{key}'"),
        _ if map.contains("resources") || map.contains("patches") => {
            "if this is a kustomization, refer to its directory instead of this file".to_owned()
        }
        _ => {
            "add one, such as 'kind: ConfigMap'; a file that holds no resources cannot stand here".to_owned()
        }
    }
}

/// Puts the items of lists at the end of the line, until no lists are left (kustomize's
/// `inlineAnyEmbeddedLists`).
fn inline_lists(nodes: Vec<Node>) -> Result<Vec<Node>, BuildError> {
    let mut queue = VecDeque::from(nodes);
    let mut resources = Vec::with_capacity(queue.len());
    while let Some(node) = queue.pop_front() {
        if !is_list(&node) {
            resources.push(node);
            continue;
        }
        let pos = node.pos;
        let kind = node.get("kind").map(|kind| kind.text().to_owned()).unwrap_or_default();
        let Some(items) = take_items(node) else { continue };
        let Value::Seq(seq) = items.value else {
            if items.is_null() {
                continue;
            }
            return Err(BuildError::new(
                ErrorKind::Resource,
                format!("the items of this {kind} are not a list"),
            )
            .at(items.pos)
            .at(pos)
            .field("items"));
        };
        for item in seq.into_items() {
            // Each item is a text of its own for kustomize.
            let item = Documents { nodes: vec![through_json(item)?], parts: 1 };
            queue.extend(keep_resources(unwrap_single_list(item)?)?);
        }
    }
    Ok(resources)
}

/// Whether a resource is a list that has items. Other kinds may end in `List` as well.
fn is_list(node: &Node) -> bool {
    node.get("kind").is_some_and(|kind| kind.text().ends_with("List")) && node.get("items").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of the resources of a text, or why there are none.
    fn names(text: &str) -> String {
        match parse_resources(text, FileId::new(0)) {
            Ok(resources) => resources.iter().map(Resource::name).collect::<Vec<_>>().join(" "),
            Err(error) => format!("error: {error}"),
        }
    }

    fn resource(name: &str) -> String {
        format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}}}")
    }

    #[test]
    fn documents_become_resources() {
        let (a, b, c) = (resource("a"), resource("b"), resource("c"));
        for (text, wanted) in [
            (format!("{a}\n---\n{b}\n---\n{{}}\n---\n[]\n---\nnull\n"), "a b"),
            // The only document: unwrapped as it stands. Else items go to the end.
            (format!("kind: List\nitems: [{a}, {b}]\n"), "a b"),
            (format!("kind: List\nitems: [{a}, {{kind: XList, items: [{b}]}}, {c}]\n"), "a c b"),
            (format!("kind: List\nitems: [{a}, {b}]\n---\n{c}\n"), "c a b"),
            (format!("kind: List\nitems: [{a}]\n---\n"), "a"),
            (format!("kind: ConfigMapList\nitems: [{a}, null, {{}}]\n"), "a"),
            ("kind: List\nitems:\n".to_owned(), ""),
            ("kind: List\nfunctionConfig: {a: b}\n".to_owned(), ""),
            ("kind: AllowList\nmetadata: {name: x}\n".to_owned(), "x"),
            ("metadata: {name: x}\n".to_owned(), "error: this resource has no kind"),
            ("kind: Job\nmetadata: {generateName: x}\n".to_owned(), "error: this Job has no name"),
            ("kind: Job\nmetadata: {name: }\n".to_owned(), "error: this Job has no name"),
            ("- a\n".to_owned(), "error: expected a Kubernetes resource, found a list"),
            ("hello\n".to_owned(), "error: expected a Kubernetes resource, found a single value"),
            ("kind: XList\nitems: {a: b}\n".to_owned(), "error: the items of this XList are not a list"),
            ("kind: XList\nitems: [{a: b}]\n".to_owned(), "error: this resource has no kind"),
        ] {
            assert_eq!(names(&text), wanted, "{text}");
        }
    }
}
