//! Where the value of a replacement comes from.

use std::sync::Arc;

use super::index::Index;
use super::path::Path;
use crate::error::{BuildError, ErrorKind};
use crate::kustomization::{FieldOptions, Replacement, SourceSelector};
use crate::resource::{Resource, split_api_version};
use crate::suggest::closest;
use crate::transform::lookup;
use crate::yaml::{Node, Scalar};

/// The field that a selector means when it names none.
pub(super) const DEFAULT_FIELD: &str = "metadata.name";

/// The value of a replacement.
#[derive(Debug)]
pub(super) struct SourceValue {
    /// The value.
    pub(super) node: Node,
    /// Where it stands, when it is the field itself and not a part of it: a replacement that
    /// changes it goes on with the changed value, as in kustomize.
    origin: Option<(usize, Path)>,
}

impl SourceValue {
    /// Whether it is a map or list in this resource.
    pub(super) fn is_tree_of(&self, resource: usize) -> bool {
        self.node.as_scalar().is_none() && self.origin.as_ref().is_some_and(|(at, _)| *at == resource)
    }

    /// Looks the value up again after a resource was changed.
    pub(super) fn refresh(&mut self, changed: usize, resource: &Resource) {
        if let Some((at, path)) = &self.origin
            && *at == changed
            && let Ok(Some(node)) =
                lookup::get(&resource.node, path.parts.iter().map(|part| part.text.as_str()))
        {
            self.node = node.clone();
        }
    }
}

/// Finds the value of a replacement.
pub(super) fn value(
    replacement: &Replacement,
    resources: &[Arc<Resource>],
    index: &Index,
) -> Result<SourceValue, BuildError> {
    let source = match (&replacement.source, &replacement.source_value) {
        (Some(_), Some(_)) => {
            return Err(error("a replacement has either a source or a source value, not both"));
        }
        (None, Some(value)) => return Ok(SourceValue { node: Node::untyped(value), origin: None }),
        (None, None) => return Err(error("a replacement needs a source")),
        (Some(source), None) => source,
    };
    let (at, resource) = select(source, resources, index)?;
    field(source, at, resource).map_err(|error| error.at(source.field_path.pos).about(resource.written_id()))
}

fn field(source: &SourceSelector, at: usize, resource: &Resource) -> Result<SourceValue, BuildError> {
    let text = match source.field_path.as_str() {
        "" => DEFAULT_FIELD,
        text => text,
    };
    let path = Path::parse(text).ok_or_else(|| error("the path has too many parts"))?;
    let found = lookup::get(&resource.node, path.parts.iter().map(|part| part.text.as_str()))
        .map_err(|error| error.field(text))?;
    let Some(node) = found.filter(|node| !node.is_nil_or_empty()) else {
        return Err(missing(&path, resource));
    };
    match &source.options {
        Some(options) if !options.delimiter.is_empty() => {
            let node = part_of(node, options).map_err(|error| error.field(text))?;
            Ok(SourceValue { node, origin: None })
        }
        _ => Ok(SourceValue { node: node.clone(), origin: Some((at, path)) }),
    }
}

/// The part of a scalar that an index means.
fn part_of(node: &Node, options: &FieldOptions) -> Result<Node, BuildError> {
    let Some(scalar) = node.as_scalar() else {
        return Err(error("only a scalar can be split by a delimiter").at(node.pos));
    };
    let mut parts = scalar.text().split(&options.delimiter);
    let part = usize::try_from(options.index).ok().and_then(|index| parts.nth(index));
    let Some(part) = part else {
        let message =
            format!("`{}` split by `{}` has no part {}", scalar.text(), options.delimiter, options.index);
        return Err(error(&message).at(node.pos));
    };
    Ok(Node::scalar(Scalar::new(part, scalar.tag(), scalar.style())))
}

fn missing(path: &Path, resource: &Resource) -> BuildError {
    let mut node = &resource.node;
    let mut error =
        error(&format!("the source of a replacement has no field `{}`", path.text)).field(path.text.as_str());
    for part in &path.parts {
        match lookup::find(node, &part.text).ok().flatten().and_then(|found| found.of(node)) {
            Some(next) => node = next,
            None => break,
        }
    }
    error = error.at(node.pos);
    let fields: Vec<&str> =
        node.as_map().into_iter().flatten().map(|entry| entry.key.as_str()).take(20).collect();
    if fields.is_empty() { error } else { error.with_help(format!("there is: {}", fields.join(", "))) }
}

/// The only resource that the selector picks.
fn select<'a>(
    source: &SourceSelector,
    resources: &'a [Arc<Resource>],
    index: &Index,
) -> Result<(usize, &'a Resource), BuildError> {
    let given = |text: &'_ str| if text.is_empty() { None } else { Some(text.to_owned()) };
    let (name, kind) = (given(&source.name), given(&source.kind));
    let candidates = index.candidates(name.as_deref(), kind.as_deref());
    let mut picked = candidates
        .iter()
        .filter_map(|at| resources.get(*at).map(|resource| (*at, &**resource)))
        .filter(|(_, resource)| picks(source, resource));
    match (picked.next(), picked.next()) {
        (None, _) => Err(nothing(source, resources, index)),
        (Some(found), None) => Ok(found),
        (Some((_, first)), Some((_, second))) => {
            let both = [first, second].into_iter();
            let further = picked.take(8).map(|(_, resource)| resource);
            let all: Vec<_> =
                both.chain(further).map(|resource| format!("{:#}", resource.written_id())).collect();
            let message = format!("several resources match the source of a replacement ({})", show(source));
            Err(error(&message)
                .with_note("the first", first.node.pos)
                .with_note("the second", second.node.pos)
                .with_help(format!("say more of the one that is meant; these match: {}", all.join(", "))))
        }
    }
}

/// Whether any id of a resource, current or earlier, is the one that is looked for.
fn picks(source: &SourceSelector, resource: &Resource) -> bool {
    fn is(wanted: &str, found: &str) -> bool {
        wanted.is_empty() || wanted == found
    }
    fn effective(namespace: &str) -> &str {
        if namespace.is_empty() { "default" } else { namespace }
    }
    let (group, version) = split_api_version(resource.api_version());
    let fits = |kind: &str, name: &str, namespace: &str| {
        is(&source.kind, kind)
            && is(&source.name, name)
            && (source.namespace.is_empty() || effective(&source.namespace) == effective(namespace))
    };
    is(&source.group, group)
        && is(&source.version, version)
        && (fits(resource.kind(), resource.name(), resource.namespace())
            || resource
                .history
                .previous
                .iter()
                .any(|previous| fits(&previous.kind, &previous.name, &previous.namespace)))
}

fn nothing(source: &SourceSelector, resources: &[Arc<Resource>], index: &Index) -> BuildError {
    let error = error(&format!("no resource matches the source of a replacement ({})", show(source)));
    let kind = Some(source.kind.as_str()).filter(|kind| !kind.is_empty());
    let candidates: Vec<&Resource> = index
        .candidates(None, kind)
        .iter()
        .filter_map(|at| resources.get(*at))
        .map(|resource| &**resource)
        .collect();
    let names = || candidates.iter().map(|resource| resource.name());
    if let Some(name) = closest(&source.name, names()) {
        return error.with_help(format!("did you mean `{name}`?"));
    }
    match kind {
        Some(kind) if candidates.is_empty() => {
            error.with_help(format!("there is no resource of kind {kind}"))
        }
        Some(kind) => {
            let names: Vec<&str> = names().take(10).collect();
            error.with_help(format!("of kind {kind} there is: {}", names.join(", ")))
        }
        None => error,
    }
}

/// A selector as a person reads it.
fn show(source: &SourceSelector) -> String {
    let parts: Vec<String> = [
        ("group", &source.group),
        ("version", &source.version),
        ("kind", &source.kind),
        ("name", &source.name),
        ("namespace", &source.namespace),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(field, value)| format!("{field} {value}"))
    .collect();
    if parts.is_empty() { "any".to_owned() } else { parts.join(", ") }
}

fn error(message: &str) -> BuildError {
    BuildError::new(ErrorKind::Replacement, message)
}
