//! What rendering for a test may read: the repository, without what git keeps in it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kustomize_core::host::{Command, EntryKind, Host, HostError, Output, Repository, path};
use kustomize_core::{BuildOptions, LoadRestrictor};

use super::layout::is_gits;
use super::place::above;

/// Another host, of which only the repository of an overlay can be seen.
///
/// A build reads more than tests of an untrusted repository should: a base may be any directory of
/// the machine, a file may be `.git/config` with the credentials of a checkout, and a repository to
/// clone may be a local one. What a build reads, a test shows.
///
/// The repository of an overlay is the nearest directory above it with `.git`; where there is none,
/// everything can be seen but what git keeps. Options that trust the kustomizations, because they
/// let them run programs or load files from anywhere, lift all of this.
pub struct Confined<'a> {
    host: &'a dyn Host,
    /// What can be seen, with all that is below; none when that is everything.
    root: Option<String>,
    /// Directories that were made for the build.
    scratch: Mutex<BTreeSet<String>>,
}

impl<'a> Confined<'a> {
    /// Confines what is rendered to the repository around a directory, which has its links resolved.
    #[must_use]
    pub fn around(host: &'a dyn Host, directory: &str, options: &BuildOptions) -> Self {
        Confined::below(host, root_around(host, directory), options)
    }

    /// Confines what is rendered to a directory, which has its links resolved.
    #[must_use]
    pub fn below(host: &'a dyn Host, directory: &str, options: &BuildOptions) -> Self {
        let is_trusted = options.load_restrictor == LoadRestrictor::None
            || options.enable_helm
            || options.enable_plugins
            || options.enable_exec;
        Confined { host, root: (!is_trusted).then(|| directory.to_owned()), scratch: Mutex::default() }
    }

    /// Refuses a path, which has its links resolved, that cannot be seen.
    fn expect_visible(&self, path: &str) -> Result<(), HostError> {
        let Some(root) = &self.root else { return Ok(()) };
        let is_inside = path::is_within(root, path);
        if is_inside && !is_gits(&path::relative(root, path)) {
            return Ok(());
        }
        let scratch = self.scratch();
        if above(path).any(|directory| scratch.contains(directory)) {
            return Ok(());
        }
        let why = if is_inside { "git keeps for itself" } else { "is outside of the repository" };
        Err(HostError::refused(format!("reading {path}, which {why},")))
    }

    /// The path with links resolved, if it can be seen.
    fn visible(&self, path: &str) -> Result<String, HostError> {
        let real = self.host.resolve(path)?;
        self.expect_visible(&real)?;
        Ok(real)
    }

    fn scratch(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_scratch(&self, directory: String) -> String {
        self.scratch().insert(directory.clone());
        directory
    }
}

/// Whether git takes this for a path of this machine.
fn is_local(url: &str) -> bool {
    let is_path = !url.split('/').next().is_some_and(|start| start.contains(':'));
    is_path || url.starts_with("file:")
}

/// What can be seen of a host around a directory: the nearest directory above it with `.git`.
pub(crate) fn root_around<'p>(host: &dyn Host, directory: &'p str) -> &'p str {
    let is_repository = |directory: &&str| host.kind(&path::join(directory, ".git")).is_ok();
    above(directory).find(is_repository).unwrap_or("/")
}

impl Host for Confined<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        self.host.read(&self.visible(path)?)
    }

    fn read_unlinked(&self, path: &str) -> Result<Vec<u8>, HostError> {
        self.expect_visible(&path::clean(path))?;
        self.host.read_unlinked(path)
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        let real = self.host.resolve(path)?;
        // The current directory may be above.
        if !self.root.as_ref().is_some_and(|root| path::is_within(&real, root)) {
            self.expect_visible(&real)?;
        }
        Ok(real)
    }

    fn resolve_below(&self, directory: &str, path: &str) -> Result<String, HostError> {
        let real = self.host.resolve_below(directory, path)?;
        self.expect_visible(&real)?;
        Ok(real)
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        self.host.kind(&self.resolve(path)?)
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        self.host.list(&self.visible(directory)?)
    }

    fn current_directory(&self) -> Result<String, HostError> {
        self.host.current_directory()
    }

    fn fetch(&self, url: &str) -> Result<Vec<u8>, HostError> {
        self.host.fetch(url)
    }

    fn clone_repository(&self, repository: &Repository) -> Result<String, HostError> {
        if self.root.is_some() && is_local(&repository.url) {
            return Err(HostError::refused(format!("cloning {}, which is on this machine,", repository.url)));
        }
        self.host.clone_repository(repository).map(|directory| self.note_scratch(directory))
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        self.host.run(command)
    }

    fn scratch_directory(&self) -> Result<String, HostError> {
        self.host.scratch_directory().map(|directory| self.note_scratch(directory))
    }

    fn write_scratch(&self, path: &str, content: &[u8]) -> Result<(), HostError> {
        self.host.write_scratch(path, content)
    }

    fn remove_scratch(&self, directory: &str) {
        self.scratch().remove(directory);
        self.host.remove_scratch(directory);
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.host.environment(name)
    }
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn repositories_on_this_machine_are_told_from_others() {
        for url in ["file:///a", "/a:b", "a@/b:c", "../a", "a@b"] {
            assert!(is_local(url), "{url}");
        }
        for url in ["https://a/b", "ssh://a@b/c", "git@a:b/c", "git@a:/b"] {
            assert!(!is_local(url), "{url}");
        }
    }
}
