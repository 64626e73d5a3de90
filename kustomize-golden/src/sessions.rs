//! Sessions for overlays of several repositories.

use std::collections::BTreeMap;

use kustomize_core::BuildOptions;
use kustomize_core::Session;
use kustomize_core::host::Host;

use crate::place::root_around;
use crate::{Case, Confined};

/// A session for each repository with overlays. With a single one, an overlay could read the other
/// repositories.
pub struct Sessions<'a> {
    host: &'a dyn Host,
    options: BuildOptions,
    /// By the top directory of the repository.
    by_root: BTreeMap<String, Session<Confined<'a>>>,
}

impl<'a> Sessions<'a> {
    /// No sessions yet. All of them will use these options.
    #[must_use]
    pub fn new(host: &'a dyn Host, options: BuildOptions) -> Self {
        Sessions { host, options, by_root: BTreeMap::new() }
    }

    /// The session that has rendered the overlay of a case.
    #[must_use]
    pub fn of(&self, case: &Case) -> Option<&Session<Confined<'a>>> {
        self.by_root.get(self.root(case))
    }

    /// The session for the overlay of a case.
    pub(crate) fn open(&mut self, case: &Case) -> &Session<Confined<'a>> {
        let root = self.root(case);
        let open = || Session::new(Confined::below(self.host, root, &self.options), self.options.clone());
        self.by_root.entry(root.to_owned()).or_insert_with(open)
    }

    /// The top of the repository around the overlay of a case.
    fn root<'c>(&self, case: &'c Case) -> &'c str {
        root_around(self.host, &case.overlay)
    }

    /// The host itself, without limits.
    pub(crate) fn host(&self) -> &'a dyn Host {
        self.host
    }
}
