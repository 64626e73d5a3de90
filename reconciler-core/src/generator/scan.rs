//! The manifests of a directory without a kustomization file.

use kustomize_core::host::{EntryKind, Host, HostError, path};
use kustomize_core::kustomization::FILE_NAMES;
use kustomize_core::yaml::{self, Node, SourceText, Sources, Value};

use super::GenerateError;

/// The kustomization file of a directory, if it has one.
pub(super) fn kustomization_file(host: &dyn Host, directory: &str) -> Option<String> {
    FILE_NAMES
        .iter()
        .map(|name| path::join(directory, name))
        .find(|file| matches!(host.kind(file), Ok(EntryKind::File)))
}

/// All manifests below a directory, as resources of it. A subdirectory with a kustomization file of its
/// own is one resource; linked directories are not entered. `is_skipped` gets paths below the directory.
///
/// # Errors
/// A manifest that is no Kubernetes object, and a link that leads out of the root.
pub(super) fn manifests(
    host: &dyn Host,
    root: &str,
    directory: &str,
    is_skipped: &dyn Fn(&str) -> bool,
) -> Result<Vec<String>, GenerateError> {
    let mut found = Vec::new();
    // What is below the root `/` begins with a slash as well.
    let above = directory.trim_end_matches('/');
    let below = |file: &str| file.strip_prefix(above).unwrap_or(file).to_owned();
    walk(host, root, directory, &|file| is_skipped(&below(file)), &mut found)?;
    Ok(found.iter().map(|file| format!(".{}", below(file))).collect())
}

fn walk(
    host: &dyn Host,
    root: &str,
    directory: &str,
    is_skipped: &dyn Fn(&str) -> bool,
    found: &mut Vec<String>,
) -> Result<(), GenerateError> {
    let unreadable = |path: &str| {
        let path = path.to_owned();
        move |source| GenerateError::Unreadable { path, source }
    };
    for name in host.list(directory).map_err(unreadable(directory))? {
        let file = path::join(directory, &name);
        let is_link = match host.resolve(&file) {
            Ok(resolved) if !path::is_within(root, &resolved) => {
                return Err(GenerateError::Outside { path: file, root: root.to_owned() });
            }
            Ok(resolved) => resolved != file,
            // A link to nothing.
            Err(HostError::NotFound) => true,
            Err(failure) => return Err(unreadable(&file)(failure)),
        };
        if !is_link && host.kind(&file).map_err(unreadable(&file))? == EntryKind::Directory {
            if kustomization_file(host, &file).is_some() {
                found.push(file);
            } else {
                walk(host, root, &file, is_skipped, found)?;
            }
            continue;
        }
        if !matches!(name.rsplit_once('.'), Some((_, "yaml" | "yml"))) || is_skipped(&file) {
            continue;
        }
        let content = host.read(&file).map_err(unreadable(&file))?;
        check(&file, &content).map_err(|message| GenerateError::Manifest { path: file.clone(), message })?;
        found.push(file);
    }
    Ok(())
}

/// Whether a file holds Kubernetes objects and nothing else.
fn check(file: &str, content: &[u8]) -> Result<(), String> {
    let text = str::from_utf8(content).map_err(|_| "yaml: control characters are not allowed".to_owned())?;
    let sources = Sources::default();
    let id = sources.add(file, SourceText::from(text.to_owned()), None);
    let documents = yaml::read(text, id).map_err(|failure| {
        let line = sources.location(failure.pos()).map_or(0, |place| place.line);
        format!("MalformedYAMLError: yaml: line {line}: {failure}")
    })?;
    documents.iter().try_for_each(check_object)
}

fn check_object(object: &Node) -> Result<(), String> {
    let Value::Map(map) = &object.value else { return Err("missing Resource metadata".to_owned()) };
    if ["apiVersion", "kind", "metadata"].iter().all(|field| map.get(field).is_none_or(Node::is_null)) {
        return Err("missing Resource metadata".to_owned());
    }
    let kind = map.get("kind").map_or("", Node::text);
    if kind.ends_with("List") {
        return Ok(());
    }
    let name = object.at(&["metadata", "name"]).map_or("", Node::text);
    let version = map.get("apiVersion").map_or("", Node::text);
    if kind.is_empty() {
        return Err(format!("missing kind in object {{{{{version} }} {{{{{name} }} map[] map[]}}}}"));
    }
    if name.is_empty() {
        return Err(format!(
            "missing metadata.name in object {{{{{version} {kind}}} {{{{ }} map[] map[]}}}}"
        ));
    }
    Ok(())
}
