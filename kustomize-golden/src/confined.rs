//! What a test may read while it renders: the repository, except for git's own files.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kustomize_core::host::{
    Command, EntryKind, Host, HostError, LocalRepositories, Output, Repository, path, repository_url,
};
use kustomize_core::{BuildOptions, LoadRestrictor};

use crate::git::{GitDirectories, is_gits};
use crate::place::{first_link, root_around};

/// Links to follow at most when looking for the reason why a path is hidden.
const MOST_LINKS: usize = 40;

/// A host that hides everything outside of an overlay's repository.
///
/// A build reads more than tests of an untrusted repository should: a base may be any directory of
/// the machine, a file may be `.git/config` with the credentials of a checkout, and a repository to
/// clone may be a local one. What a build reads, a test shows.
///
/// The repository of an overlay is the nearest directory above it with `.git`, or else with
/// `kustomize-golden.yaml`; where there is neither, everything can be seen but what git keeps. Options that trust the kustomizations, because they
/// let them run programs or load files from anywhere, lift these limits.
pub struct Confined<'a> {
    host: &'a dyn Host,
    /// The directory that is visible, with everything below it; none if everything is.
    root: Option<String>,
    /// Temporary directories of the build.
    scratch: Mutex<BTreeSet<String>>,
    /// The URL of a repository that may be cloned from this machine.
    given: Option<String>,
    /// The directories of git below the root.
    of_git: GitDirectories,
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
        let root = (!is_trusted).then(|| directory.to_owned());
        Confined { host, root, scratch: Mutex::default(), given: None, of_git: GitDirectories::default() }
    }

    /// Lets a repository be cloned even from this machine, since whoever runs the build has named it.
    #[must_use]
    pub fn with_repository(mut self, path: &str) -> Self {
        self.given = repository_url(path);
        self
    }

    /// Whether a path is visible. Its links are resolved already.
    fn is_visible(&self, path: &str) -> bool {
        let Some(root) = &self.root else { return true };
        path::is_within(root, path) && !self.of_git.keep(self.host, root, path) || self.is_scratch(path)
    }

    /// Whether a path is in a temporary directory. git's own files in a clone have its URL, which may
    /// contain a password.
    fn is_scratch(&self, path: &str) -> bool {
        let scratch = self.scratch();
        let around = path::ancestors(path).find(|directory| scratch.contains(*directory));
        around.is_some_and(|directory| !is_gits(&path::relative(directory, path)))
    }

    /// The path with links resolved, if it is visible.
    fn visible(&self, path: &str) -> Result<String, HostError> {
        let found = self.host.resolve(path);
        self.only_visible(path, found)
    }

    /// What was found at a path, if it is visible. Otherwise the error does not tell whether the path
    /// exists.
    fn only_visible(&self, path: &str, found: Result<String, HostError>) -> Result<String, HostError> {
        match found {
            Ok(real) if self.is_visible(&real) => Ok(real),
            Ok(_) => Err(self.refuse(path, HostError::NotFound)),
            Err(_) if self.root.is_none() => found,
            Err(error) => Err(self.refuse(path, error)),
        }
    }

    /// Why there is nothing to see at a path: `error`, unless it is elsewhere, or a link leads there.
    fn refuse(&self, path: &str, error: HostError) -> HostError {
        let Some(root) = &self.root else { return error };
        let mut path = path::clean(path);
        for _ in 0..MOST_LINKS {
            let is_inside = path::is_within(root, &path);
            if !self.is_visible(&path) {
                let why = if is_inside { "git keeps for itself" } else { "is outside of the repository" };
                return HostError::refused(format!("reading {path}, which {why},"));
            }
            let Some((link, real)) = first_link(self.host, root, &path) else { return error };
            match real.filter(|real| self.is_visible(real)) {
                Some(real) => path = path::join(&real, path.get(link.len() + 1..).unwrap_or_default()),
                None => {
                    return HostError::refused(format!(
                        "following {link}, a link out of the repository, to what git keeps, or to nothing,"
                    ));
                }
            }
        }
        error
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

impl Host for Confined<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        let real = self.visible(path)?;
        // A link may have taken the place of something on the way meanwhile.
        if self.root.is_some() { self.host.read_unlinked(&real) } else { self.host.read(&real) }
    }

    fn read_unlinked(&self, path: &str) -> Result<Vec<u8>, HostError> {
        let clean = path::clean(path);
        if !self.is_visible(&clean) {
            return Err(self.refuse(&clean, HostError::NotFound));
        }
        self.host.read_unlinked(path)
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        let found = self.host.resolve(path);
        // The current directory may be above it.
        let is_above = |root: &String| found.as_ref().is_ok_and(|real| path::is_within(real, root));
        if self.root.as_ref().is_some_and(is_above) { found } else { self.only_visible(path, found) }
    }

    fn resolve_below(&self, directory: &str, path: &str) -> Result<String, HostError> {
        let found = self.host.resolve_below(directory, path);
        self.only_visible(path, found)
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        self.host.kind(&self.resolve(path)?)
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        let real = self.visible(directory)?;
        if self.root.is_some() { self.host.list_unlinked(&real) } else { self.host.list(&real) }
    }

    fn current_directory(&self) -> Result<String, HostError> {
        self.host.current_directory()
    }

    fn fetch(&self, url: &str) -> Result<Vec<u8>, HostError> {
        self.host.fetch(url)
    }

    fn clone_repository(&self, repository: &Repository) -> Result<String, HostError> {
        let is_given = self.given.as_ref() == Some(&repository.url);
        if self.root.is_some() && is_local(&repository.url) && !is_given {
            return Err(HostError::refused(format!("cloning {}, which is on this machine,", repository.url)));
        }
        let mut repository = repository.clone();
        repository.local = match &self.root {
            None => repository.local,
            Some(_) if is_given && is_local(&repository.url) => LocalRepositories::ThisOne,
            Some(_) => LocalRepositories::None,
        };
        self.host.clone_repository(&repository).map(|directory| self.note_scratch(directory))
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
    use kustomize_core::host::MemoryHost;

    use super::*;

    /// A host in which links take the places of all files after they have been resolved.
    struct Swapped(MemoryHost);

    impl Host for Swapped {
        fn read(&self, _: &str) -> Result<Vec<u8>, HostError> {
            Ok(b"what the link leads to".to_vec())
        }

        fn read_unlinked(&self, _: &str) -> Result<Vec<u8>, HostError> {
            Err(HostError::NotDirectory)
        }

        fn resolve(&self, path: &str) -> Result<String, HostError> {
            self.0.resolve(path)
        }

        fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
            self.0.kind(path)
        }

        fn list(&self, _: &str) -> Result<Vec<String>, HostError> {
            Ok(vec!["what is elsewhere".to_owned()])
        }

        fn list_unlinked(&self, _: &str) -> Result<Vec<String>, HostError> {
            Err(HostError::NotDirectory)
        }
    }

    #[test]
    fn links_that_appear_meanwhile_are_not_followed() {
        let host = Swapped(MemoryHost::from_iter([("/r/a", "x")]));
        let confined = Confined::below(&host, "/r", &BuildOptions::default());
        assert_eq!(confined.read("/r/a"), Err(HostError::NotDirectory));
        assert_eq!(confined.list("/r"), Err(HostError::NotDirectory));
    }

    #[test]
    fn the_configuration_is_at_the_top_where_there_is_no_git() {
        let host =
            MemoryHost::from_iter([("/a/r/kustomize-golden.yaml", ""), ("/a/r/b/c", "x"), ("/a/d", "y")]);
        let confined = Confined::around(&host, "/a/r/b", &BuildOptions::default());
        assert_eq!(confined.read("/a/r/b/c"), Ok(b"x".to_vec()));
        assert!(confined.read("/a/d").is_err());
    }

    #[test]
    fn the_url_of_a_clone_is_not_shown() {
        let host = MemoryHost::from_iter([("/r/a", "x"), ("/tmp/c/.git/config", "url"), ("/tmp/c/b", "y")]);
        let confined = Confined::below(&host, "/r", &BuildOptions::default());
        confined.note_scratch("/tmp/c".to_owned());
        assert_eq!(confined.read("/tmp/c/b"), Ok(b"y".to_vec()));
        assert!(confined.read("/tmp/c/.git/config").is_err());
    }

    #[test]
    fn git_may_call_its_directory_otherwise() {
        let host = MemoryHost::from_iter([
            ("/r/a", "x"),
            ("/r/git/HEAD", ""),
            ("/r/git/config", "url"),
            ("/r/git/objects/a", ""),
            ("/r/git/refs/a", ""),
            ("/r/b/HEAD/refs/objects", "y"),
        ]);
        let confined = Confined::below(&host, "/r", &BuildOptions::default());
        assert_eq!(confined.read("/r/a"), Ok(b"x".to_vec()));
        assert_eq!(confined.read("/r/b/HEAD/refs/objects"), Ok(b"y".to_vec()));
        for place in ["/r/git/config", "/r/git", "/r/git/refs/a"] {
            assert!(matches!(confined.resolve(place), Err(HostError::Refused { .. })), "{place}");
        }
        assert!(confined.read("/r/git/config").is_err() && confined.list("/r/git").is_err());
    }

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
