//! Where the resources of a build come from and what was done to them.

use std::sync::Arc;

use crate::resource::Change;
use crate::yaml::FileId;

/// The way of resources through one kustomization: what it was gathered from, and the changes that
/// were made to all of that.
#[derive(Clone, Default)]
pub(crate) struct Lineage {
    /// Files of resources.
    pub(crate) files: Vec<FileId>,
    /// Other kustomizations.
    pub(crate) bases: Vec<Arc<Lineage>>,
    /// The changes, in order.
    pub(crate) changes: Vec<Arc<dyn Change>>,
    /// Whether anything else was done, so that what becomes of one resource may depend on others.
    pub(crate) is_opaque: bool,
}

impl Lineage {
    /// The changes that the resources of a file go through; none when that is not all that becomes
    /// of them, or the file is not there just once.
    pub(crate) fn changes_to(&self, file: FileId) -> Option<Vec<Arc<dyn Change>>> {
        let mut found = Vec::new();
        let mut ways = Vec::new();
        self.search(file, &mut ways, &mut found);
        match found.as_slice() {
            [_] => found.pop().flatten(),
            _ => None,
        }
    }

    /// Collects one way, or none if it is opaque, for each time that the file is found.
    fn search<'l>(
        &'l self,
        file: FileId,
        above: &mut Vec<&'l Lineage>,
        found: &mut Vec<Option<Vec<Arc<dyn Change>>>>,
    ) {
        above.push(self);
        for _ in self.files.iter().filter(|own| **own == file) {
            let is_clear = above.iter().all(|lineage| !lineage.is_opaque);
            let changes = above.iter().rev().flat_map(|lineage| lineage.changes.iter().cloned());
            found.push(is_clear.then(|| changes.collect()));
        }
        for base in &self.bases {
            base.search(file, above, found);
        }
        above.pop();
    }
}

impl std::fmt::Debug for Lineage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lineage")
            .field("files", &self.files)
            .field("bases", &self.bases)
            .field("is_opaque", &self.is_opaque)
            .finish_non_exhaustive()
    }
}
