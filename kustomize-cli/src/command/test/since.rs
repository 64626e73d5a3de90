//! Which overlays a change has to do with.

use std::collections::BTreeSet;
use std::iter;

use kustomize_core::Input;
use kustomize_core::host::{Host, path};
use kustomize_golden::{CONFIG_FILE, Case, Layout, Sessions};

use crate::failure::Failure;
use crate::git::Repository;

/// What changed since a revision.
#[derive(Debug)]
pub(super) struct Since {
    /// The top of the repository that was asked.
    top: String,
    paths: BTreeSet<String>,
}

impl Since {
    /// Asks git.
    pub(super) fn read(layout: &Layout, revision: &str) -> Result<Self, Failure> {
        let repository = Repository::around(layout.top())?;
        Ok(Since { top: repository.top().to_owned(), paths: repository.changed_since(revision)? })
    }

    /// Whether an overlay that has been built, or its golden file, is made of something that
    /// changed. A golden file without an overlay always counts: it is wrong whatever changed. So
    /// does an overlay elsewhere, of which this repository knows nothing.
    pub(super) fn touches(&self, sessions: &Sessions<'_>, case: &Case) -> bool {
        if case.is_orphan || !path::is_within(&self.top, &case.overlay) || self.moves(case) {
            return true;
        }
        if self.paths.is_empty() {
            return false;
        }
        let Some(session) = sessions.of(case) else { return true };
        let inputs = session.inputs(&case.overlay);
        let options = session.options();
        // What programs read, they do not tell: all that lies with the kustomizations counts.
        let runs_programs = options.enable_helm || options.enable_plugins;
        // If there are none, it is not known any more what it is made of.
        inputs.is_empty()
            || self.has(&case.golden)
            || inputs.iter().any(|input| self.touches_input(session.host(), input))
            || runs_programs && inputs.iter().any(|input| self.touches_kustomization(input))
    }

    /// Whether the file that says where golden files stand changed: each may be another one now.
    fn moves(&self, case: &Case) -> bool {
        iter::successors(Some(case.overlay.as_str()), |path| Some(path.rsplit_once('/')?.0))
            .any(|directory| self.paths.contains(&path::join(directory, CONFIG_FILE)))
    }

    fn touches_input(&self, host: &dyn Host, Input { path, found, .. }: &Input) -> bool {
        self.has(path)
            || if *found {
                // What a link points at has a name of its own.
                host.resolve(path).is_ok_and(|real| real != *path && self.has(&real))
            } else {
                // A whole directory may have gone, or come.
                self.touches_directory(path)
            }
    }

    /// Whether this is a kustomization, and something in or below its directory changed.
    fn touches_kustomization(&self, input: &Input) -> bool {
        let name = path::base_name(&input.path).split('.').next().unwrap_or_default();
        input.found
            && name.eq_ignore_ascii_case("kustomization")
            && self.touches_directory(path::parent(&input.path))
    }

    /// Whether this is a path that changed, or is in a repository of its own that did.
    fn has(&self, path: &str) -> bool {
        iter::successors(Some(path), |path| Some(path.rsplit_once('/')?.0))
            .any(|path| self.paths.contains(path))
    }

    fn touches_directory(&self, directory: &str) -> bool {
        let below = format!("{directory}/");
        self.paths.range(below.clone()..).next().is_some_and(|file| file.starts_with(&below))
    }
}
