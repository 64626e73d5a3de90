//! Where the text of a patch comes from, and what kind of patch it is.

use super::Files;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::kustomization::Selector;
use crate::merge::JsonPatch;
use crate::resource::{Resource, ResourceSet, parse_patches};
use crate::suggest::closest;
use crate::yaml::decode::Spanned;
use crate::yaml::{FileId, SourceText};

/// The text of a patch, numbered among the sources of the build.
#[derive(Debug)]
pub(super) struct PatchSource {
    file: FileId,
    text: SourceText,
}

impl PatchSource {
    /// A patch that stands in the kustomization file. White space around it does not count.
    pub(super) fn inline(text: &Spanned<String>, cx: &Context) -> Self {
        Self::embedded(text.trim(), text, cx)
    }

    /// A patch that stands in the kustomization file, taken as it is.
    pub(super) fn verbatim(text: &Spanned<String>, cx: &Context) -> Self {
        Self::embedded(text, text, cx)
    }

    fn embedded(text: &str, written: &Spanned<String>, cx: &Context) -> Self {
        let parent = written.pos.file().and_then(|file| cx.sources.get(file));
        let name = parent.map_or_else(|| "patch".to_owned(), |parent| format!("patch in {}", parent.name));
        let text = SourceText::from(text);
        let file = cx.sources.add(name, text.clone(), Some(written.pos));
        PatchSource { file, text }
    }

    /// A patch in a file of its own.
    pub(super) fn file(path: &Spanned<String>, files: &dyn Files) -> Result<Self, BuildError> {
        let (file, text) = files.text(path).map_err(|error| error.at(path.pos))?;
        Ok(PatchSource { file, text })
    }

    /// The strategic merge patches that the text holds.
    pub(super) fn resources(&self) -> Result<Vec<Resource>, BuildError> {
        parse_patches(&self.text, self.file)
    }

    /// The JSON patch that the text holds.
    pub(super) fn json_patch(&self) -> Result<JsonPatch, BuildError> {
        JsonPatch::read(&self.text, self.file)
    }

    /// The text is no patch at all: which of the two failures says why?
    pub(super) fn more_telling(&self, not_strategic: BuildError, not_json: BuildError) -> BuildError {
        let looks_like_list = self
            .text
            .lines()
            .map(str::trim_start)
            .find(|line| !line.is_empty() && !line.starts_with(['#', '%']) && !line.starts_with("---"))
            .is_some_and(|line| line.starts_with('[') || line == "-" || line.starts_with("- "));
        if looks_like_list {
            return not_json;
        }
        not_strategic.with_help(
            "a patch is either part of a resource, with at least `apiVersion`, `kind` and `metadata.name`, or a \
             list of operations (JSON patch)",
        )
    }
}

/// Tells of a target that nothing matches: kustomize says nothing, which leaves people
/// wondering.
pub(super) fn warn_unmatched(target: &Spanned<Selector>, set: &ResourceSet, cx: &Context) {
    let selector = &target.value;
    let message = format!("this patch changes nothing: no resource matches {}", shown(selector));
    match hint(selector, set) {
        Some(hint) => cx.warn_with_help(message, target.pos, hint),
        None => cx.warn(message, target.pos),
    }
}

/// A selector as a person would write it.
fn shown(selector: &Selector) -> String {
    let parts = [
        ("group", &selector.group),
        ("version", &selector.version),
        ("kind", &selector.kind),
        ("name", &selector.name),
        ("namespace", &selector.namespace),
        ("labelSelector", &selector.label_selector),
        ("annotationSelector", &selector.annotation_selector),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(field, text)| format!("{field}: {text}"))
        .collect();
    format!("{{{}}}", parts.join(", "))
}

fn hint(selector: &Selector, set: &ResourceSet) -> Option<String> {
    let kinds = || set.iter().map(Resource::kind);
    if !selector.kind.is_empty()
        && !kinds().any(|kind| kind == selector.kind)
        && let Some(kind) = closest(&selector.kind, kinds())
    {
        return Some(format!("did you mean `kind: {kind}`?"));
    }
    let of_kind = || set.iter().filter(|r| selector.kind.is_empty() || r.kind() == selector.kind);
    if !selector.name.is_empty()
        && let Some(name) = closest(&selector.name, of_kind().map(Resource::name))
    {
        return (name != selector.name).then(|| format!("did you mean `name: {name}`?"));
    }
    let names: Vec<&str> = of_kind().map(Resource::name).take(6).collect();
    match names.as_slice() {
        [] => None,
        names if names.len() > 5 || selector.kind.is_empty() => None,
        names => Some(format!("resources of that kind are called {}", names.join(", "))),
    }
}

/// An error about a patch that is empty where one is required.
pub(super) fn empty(text: &Spanned<String>) -> BuildError {
    BuildError::new(ErrorKind::Patch, "the patch is empty").at(text.pos)
}
