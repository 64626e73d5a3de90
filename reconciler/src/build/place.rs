//! Where something in an object was written.

use kustomize_core::host::Host;
use kustomize_core::yaml::{self, Location, SourceText, Sources};
use reconciler_api::KustomizationSpec;
use reconciler_core::generator::Generated;

use crate::source::git::GitTree;

/// The namespace that a spec, or the kustomization file of its directory, puts all objects into, and where it says so. It
/// wins over what the objects and other kustomizations say.
pub(super) fn common_namespace(
    generated: &Generated,
    tree: &GitTree,
    spec: &KustomizationSpec,
) -> Option<(String, String)> {
    if let Some(namespace) = &spec.target_namespace {
        return Some((namespace.clone(), "spec.targetNamespace of the Kustomization".to_owned()));
    }
    let text = String::from_utf8(tree.read(&generated.path).ok()?).ok()?;
    let sources = Sources::default();
    let file = sources.add(&generated.path, SourceText::from(text.clone()), None);
    let node = yaml::read_config(&text, file).ok()??;
    let namespace = node.get("namespace")?;
    let place = sources.location(namespace.pos)?;
    Some((namespace.as_scalar()?.text().to_owned(), line(&place)))
}

/// A place as `file:line`.
pub(super) fn line(place: &Location) -> String {
    format!("{}:{}", relative(&place.file), place.line)
}

/// A path as people know it, without the root of the tree.
pub(super) fn relative(path: &str) -> &str {
    path.trim_start_matches('/')
}
