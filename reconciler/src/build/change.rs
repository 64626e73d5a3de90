//! The kustomizations that a change of files makes different.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use kustomize_core::host::Host;
use kustomize_core::kustomization::FILE_NAMES;
use kustomize_core::{BuildOptions, Cancellation, LoadRestrictor, Rendered};
use reconciler_api::KustomizationSpec;
use reconciler_core::generator::{self, OverlayHost};

use super::failure::{BuildFailure, find_directory};
use crate::source::git::GitTree;

/// A change of files in a repository that Kustomizations are rendered from.
#[derive(Clone)]
pub struct Change {
    /// All files before it.
    pub before: GitTree,
    /// All files after it.
    pub after: GitTree,
    /// The paths of the files that change.
    pub files: Vec<String>,
    /// The Kustomizations, with their names.
    pub kustomizations: Vec<(String, KustomizationSpec)>,
}

/// What is rendered, or why nothing is.
pub(super) type Outcome = Result<Rendered, String>;

impl Change {
    /// The same, with builds that are ended by this switch.
    #[must_use]
    pub fn until(self, cancellation: &Cancellation) -> Self {
        Change { before: self.before.until(cancellation), after: self.after.until(cancellation), ..self }
    }

    /// Visits each Kustomization that uses one of the files, with what it renders to before and after. A file that
    /// none of them uses belongs to the kustomization of its own directory, or the closest one above. Nothing is
    /// decrypted, and no variable is replaced.
    pub(super) fn each(&self, mut visit: impl FnMut(&str, Outcome, Outcome) -> ControlFlow<()>) {
        let mut rest: BTreeSet<&str> = self.files.iter().map(String::as_str).collect();
        for (name, spec) in &self.kustomizations {
            let old = render_spec(&self.before, spec);
            let used: Vec<&str> = match &old {
                Ok(rendered) => used(rendered, &self.files),
                Err(_) => below(spec.path.as_deref().unwrap_or_default(), &self.files),
            };
            if used.is_empty() {
                continue;
            }
            rest.retain(|file| !used.contains(file));
            if visit(name, old, render_spec(&self.after, spec)).is_break() {
                return;
            }
        }
        let found = rest.into_iter().filter_map(|file| directory(&self.after, file));
        let directories: BTreeSet<String> = found.collect();
        for directory in directories {
            let name = if directory.is_empty() { "." } else { &*directory };
            let [old, new] = [&self.before, &self.after].map(|tree| render_directory(tree, &directory));
            if visit(name, old, new).is_break() {
                return;
            }
        }
    }
}

fn render_spec(tree: &GitTree, spec: &KustomizationSpec) -> Result<Rendered, String> {
    let tree = &tree.for_build();
    let render = || {
        let directory = find_directory(tree, spec.path.as_deref().unwrap_or("./"))?;
        let host = OverlayHost::new(tree, "/", &directory, spec)
            .map_err(|error| BuildFailure::of_generator(error, tree, &directory))?;
        generator::build(&host, &tree.cancellation())
            .map_err(|error| BuildFailure::of_build(error, host.generated(), tree, &directory))
    };
    render().map_err(|failure: BuildFailure| failure.to_string())
}

fn render_directory(tree: &GitTree, directory: &str) -> Result<Rendered, String> {
    let options = BuildOptions {
        load_restrictor: LoadRestrictor::None,
        cancellation: tree.cancellation(),
        ..BuildOptions::default()
    };
    let rendered = kustomize_core::build(&tree.for_build(), &format!("/{directory}"), &options);
    rendered.map_err(|error| error.to_string())
}

/// Which of the files a build has looked at.
fn used<'a>(rendered: &Rendered, files: &'a [String]) -> Vec<&'a str> {
    let inputs = rendered.inputs();
    let seen: BTreeSet<&str> = inputs.iter().map(|input| input.path.trim_start_matches('/')).collect();
    files.iter().map(String::as_str).filter(|file| seen.contains(file)).collect()
}

/// Which of the files are below a directory.
fn below<'a>(directory: &str, files: &'a [String]) -> Vec<&'a str> {
    let directory = directory.trim_start_matches("./").trim_matches('/');
    let is_below = |file: &&str| {
        directory.is_empty() || file.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
    };
    files.iter().map(String::as_str).filter(is_below).collect()
}

/// The directory of the kustomization that a file belongs to.
fn directory(tree: &GitTree, file: &str) -> Option<String> {
    let mut directory = file;
    while !directory.is_empty() {
        directory = directory.rsplit_once('/').map_or("", |(parent, _)| parent);
        if FILE_NAMES.iter().any(|name| tree.kind(&format!("/{directory}/{name}")).is_ok()) {
            return Some(directory.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_have_the_files_below_them() {
        let files = ["a/b.yaml".to_owned(), "ab/c.yaml".to_owned()];
        assert_eq!(below("./a/", &files), ["a/b.yaml"]);
        assert_eq!(below("./", &files).len(), 2);
    }
}
