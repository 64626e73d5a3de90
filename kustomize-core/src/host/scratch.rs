//! A temporary directory that does not outlive its use.

use super::{Host, HostError, Repository};

/// A scratch directory or checkout; the host is told to remove it when this is dropped.
pub(crate) struct Scratch<'a> {
    host: &'a dyn Host,
    path: String,
}

impl<'a> Scratch<'a> {
    /// A new empty directory.
    #[cfg(feature = "programs")]
    pub(crate) fn new(host: &'a dyn Host) -> Result<Self, HostError> {
        host.scratch_directory().map(|path| Scratch { host, path })
    }

    /// A checkout of a repository.
    pub(crate) fn checkout(host: &'a dyn Host, repository: &Repository) -> Result<Self, HostError> {
        host.clone_repository(repository).map(|path| Scratch { host, path })
    }

    /// The directory.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        self.host.remove_scratch(&self.path);
    }
}

impl std::fmt::Debug for Scratch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").field("path", &self.path).finish_non_exhaustive()
    }
}
