//! Where something in an object was written.

use kustomize_core::host::Host;
use kustomize_core::yaml::{self, Location, SourceText, Sources};
use reconciler_api::KustomizationSpec;
use reconciler_core::generator::Generated;

use crate::source::git::GitTree;

/// Where a namespace was written. A place in the generated kustomization file is looked up in the
/// file that it was made from.
pub(super) fn of_namespace(
    place: &Location,
    generated: &Generated,
    tree: &GitTree,
    spec: &KustomizationSpec,
) -> Option<String> {
    if relative(&place.file) != relative(&generated.path) {
        return Some(line(place));
    }
    if spec.target_namespace.is_some() {
        return Some("spec.targetNamespace of the Kustomization".to_owned());
    }
    let text = String::from_utf8(tree.read(&generated.path).ok()?).ok()?;
    let sources = Sources::default();
    let file = sources.add(&generated.path, SourceText::from(text.clone()), None);
    let node = yaml::read_config(&text, file).ok()??;
    let place = sources.location(node.get("namespace")?.pos)?;
    Some(line(&place))
}

/// A place as `file:line`.
pub(super) fn line(place: &Location) -> String {
    format!("{}:{}", relative(&place.file), place.line)
}

/// A path as people know it, without the root of the tree.
pub(super) fn relative(path: &str) -> &str {
    path.trim_start_matches('/')
}
