//! How the outside comes in. The library itself does no I/O: whoever calls it hands it a [`Host`].
//!
//! Paths are UTF-8 with `/` between their parts, absolute, on every platform.

mod error;
mod memory;
pub mod path;
mod program;
mod repository;
mod scratch;
mod secret;
#[cfg(test)]
#[cfg(unix)]
mod test_host;
mod with_file;

pub use error::HostError;
pub use memory::MemoryHost;
pub use program::{Command, LocalRepositories, Output, Repository};
#[cfg(feature = "programs")]
pub(crate) use repository::parse_bool;
pub use repository::repository_url;
pub(crate) use repository::{RepositorySpec, is_url};
pub(crate) use scratch::Scratch;
pub use secret::mask;
pub(crate) use secret::mask_in_place;
#[cfg(test)]
#[cfg(unix)]
pub(crate) use test_host::TestHost;
pub use with_file::WithFile;

/// What a build needs from outside.
///
/// Reading is all that is required. Fetching and running are refused unless a host offers them,
/// and builds ask for them only when their options allow it.
pub trait Host: Sync {
    /// The whole content of a file.
    ///
    /// # Errors
    /// [`HostError::NotFound`], [`HostError::IsDirectory`], [`HostError::Denied`], …
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError>;

    /// The same for a path that no symbolic link may lead to, even if one takes the place of a
    /// directory meanwhile. Only hosts with such links need to do anything about it.
    ///
    /// # Errors
    /// As [`read`](Self::read), and when there is a link.
    fn read_unlinked(&self, path: &str) -> Result<Vec<u8>, HostError> {
        self.read(path)
    }

    /// The same path with every symbolic link resolved.
    ///
    /// # Errors
    /// [`HostError::NotFound`] when there is nothing at the path.
    fn resolve(&self, path: &str) -> Result<String, HostError>;

    /// The same for a path below a directory that is known to have no symbolic links in it, for
    /// hosts that can save themselves looking at that part again.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    fn resolve_below(&self, directory: &str, path: &str) -> Result<String, HostError> {
        let _ = directory;
        self.resolve(path)
    }

    /// What stands at a path, links followed.
    ///
    /// # Errors
    /// [`HostError::NotFound`] when there is nothing at the path.
    fn kind(&self, path: &str) -> Result<EntryKind, HostError>;

    /// Names in a directory that no symbolic link may lead to, as for
    /// [`read_unlinked`](Self::read_unlinked), sorted.
    ///
    /// # Errors
    /// As [`list`](Self::list), and when there is a link.
    fn list_unlinked(&self, directory: &str) -> Result<Vec<String>, HostError> {
        self.list(directory)
    }

    /// Names in a directory, sorted.
    ///
    /// # Errors
    /// [`HostError::NotFound`], [`HostError::Denied`], …
    fn list(&self, directory: &str) -> Result<Vec<String>, HostError>;

    /// The directory that relative paths are taken from and messages name paths from.
    ///
    /// # Errors
    /// There is none, such as when it has been removed.
    fn current_directory(&self) -> Result<String, HostError> {
        Ok("/".to_owned())
    }

    /// The body of a document at an `http` or `https` URL.
    ///
    /// # Errors
    /// [`HostError::Refused`] unless the host fetches.
    fn fetch(&self, url: &str) -> Result<Vec<u8>, HostError> {
        Err(HostError::refused(format!("fetching {url}")))
    }

    /// A checkout of a git repository in a new scratch directory, which is returned.
    ///
    /// # Errors
    /// [`HostError::Refused`] unless the host clones.
    fn clone_repository(&self, repository: &Repository) -> Result<String, HostError> {
        Err(HostError::refused(format!("cloning {}", repository.url)))
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// [`HostError::Refused`] unless the host runs programs.
    fn run(&self, command: &Command) -> Result<Output, HostError> {
        Err(HostError::refused(format!("running {}", command.program)))
    }

    /// A new empty directory for a program's files, with links resolved.
    ///
    /// # Errors
    /// [`HostError::Refused`] unless the host has a place to write.
    fn scratch_directory(&self) -> Result<String, HostError> {
        Err(HostError::refused("writing temporary files".to_owned()))
    }

    /// Writes a file below a scratch directory.
    ///
    /// # Errors
    /// [`HostError::Refused`] unless the host has a place to write.
    fn write_scratch(&self, path: &str, content: &[u8]) -> Result<(), HostError> {
        let _ = content;
        Err(HostError::refused(format!("writing {path}")))
    }

    /// Removes a scratch directory or checkout with all that is in it; builds call it as soon as
    /// they are done with one, also when they fail. Anything else is left alone.
    fn remove_scratch(&self, directory: &str) {
        let _ = directory;
    }

    /// The value of an environment variable, for exec functions.
    fn environment(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A device, socket or pipe: never read.
    Other,
}
