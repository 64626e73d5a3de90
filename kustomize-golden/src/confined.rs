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
                Some(real) => path = path::join(&real, path.get(link.len()..).unwrap_or_default()),
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

    #[test]
    fn options_that_trust_the_kustomizations_lift_the_limits() {
        let host = MemoryHost::from_iter([("/r/a", "x"), ("/b", "y")]);
        let read = |trust: &dyn Fn(&mut BuildOptions)| {
            let mut options = BuildOptions::default();
            trust(&mut options);
            let confined = Confined::below(&host, "/r", &options);
            // What is missing is only hidden where something could be.
            assert_eq!(confined.root.is_none(), confined.read("/c") == Err(HostError::NotFound));
            confined.read("/b").is_ok()
        };
        assert!(!read(&|_| {}));
        assert!(read(&|options| options.load_restrictor = LoadRestrictor::None));
        assert!(read(&|options| options.enable_helm = true));
        assert!(read(&|options| options.enable_plugins = true));
        assert!(read(&|options| options.enable_exec = true));
    }

    #[test]
    fn reading_without_links_is_confined_as_well() {
        let host = MemoryHost::from_iter([("/r/a", "xy"), ("/b", "z"), ("/r/.git/config", "url")]);
        let confined = Confined::below(&host, "/r", &BuildOptions::default());
        assert_eq!(confined.read_unlinked("/r/a"), Ok(b"xy".to_vec()));
        for (path, why) in [
            ("/b", "reading /b, which is outside of the repository,"),
            ("/r/../c", "reading /c, which is outside of the repository,"),
            ("/r/.git/config", "reading /r/.git/config, which git keeps for itself,"),
        ] {
            assert_eq!(confined.read_unlinked(path), Err(HostError::refused(why.to_owned())));
        }
    }

    #[cfg(unix)]
    #[test]
    fn errors_name_the_link_that_leads_out_of_the_repository() {
        let tree = crate::test_tree::Tree::new();
        tree.git(&["init", "--quiet", "r"]);
        tree.write("r/a/file", "x");
        tree.write("elsewhere/file", "y");
        for (link, target) in [
            ("r/in", "a"),
            ("r/a/out", "../../elsewhere"),
            ("r/a/nothing", "../../nothing"),
            ("r/a/circle", "circle"),
        ] {
            tree.link(link, target);
        }
        let confined = Confined::around(&tree, &tree.path("r/a"), &BuildOptions::default());
        assert_eq!(confined.read(&tree.path("r/in/file")), Ok(b"x".to_vec()));
        assert_eq!(confined.read(&tree.path("r/in/new")), Err(HostError::NotFound));
        for link in ["out", "nothing", "circle"] {
            let link_itself = tree.path(&format!("r/a/{link}"));
            let wanted = format!(
                "following {link_itself}, a link out of the repository, to what git keeps, or to nothing,"
            );
            for path in [format!("r/in/{link}/file"), format!("r/in/{link}")] {
                assert_eq!(confined.read(&tree.path(&path)), Err(HostError::refused(wanted.clone())));
            }
        }
    }

    /// A host that does everything, and says what it was asked for.
    #[derive(Default)]
    struct Obliging {
        asked: Mutex<Vec<String>>,
    }

    impl Obliging {
        fn note(&self, asked: String) {
            self.asked.lock().unwrap().push(asked);
        }
    }

    impl Host for Obliging {
        fn read(&self, _: &str) -> Result<Vec<u8>, HostError> {
            Ok(b"content".to_vec())
        }

        fn resolve(&self, path: &str) -> Result<String, HostError> {
            Ok(path.to_owned())
        }

        fn kind(&self, _: &str) -> Result<EntryKind, HostError> {
            Ok(EntryKind::File)
        }

        fn list(&self, _: &str) -> Result<Vec<String>, HostError> {
            Ok(Vec::new())
        }

        fn current_directory(&self) -> Result<String, HostError> {
            Ok("/here".to_owned())
        }

        fn fetch(&self, url: &str) -> Result<Vec<u8>, HostError> {
            Ok(format!("document at {url}").into_bytes())
        }

        fn clone_repository(&self, repository: &Repository) -> Result<String, HostError> {
            self.note(format!("clone {} {:?}", repository.url, repository.local));
            Ok("/tmp/clone".to_owned())
        }

        fn run(&self, command: &Command) -> Result<Output, HostError> {
            let mut output = Output::default();
            output.stdout = command.program.clone().into_bytes();
            Ok(output)
        }

        fn scratch_directory(&self) -> Result<String, HostError> {
            Ok("/tmp/scratch".to_owned())
        }

        fn write_scratch(&self, path: &str, _: &[u8]) -> Result<(), HostError> {
            self.note(format!("write {path}"));
            Ok(())
        }

        fn remove_scratch(&self, directory: &str) {
            self.note(format!("remove {directory}"));
        }

        fn environment(&self, name: &str) -> Option<String> {
            Some(format!("value of {name}"))
        }
    }

    #[test]
    fn everything_but_reading_is_left_to_the_host() {
        let host = Obliging::default();
        let confined = Confined::below(&host, "/r", &BuildOptions::default());
        assert_eq!(confined.current_directory().as_deref(), Ok("/here"));
        assert_eq!(confined.fetch("https://x").unwrap(), b"document at https://x");
        assert_eq!(confined.run(&Command::new("program", "/")).unwrap().stdout, b"program");
        assert_eq!(confined.environment("NAME").as_deref(), Some("value of NAME"));
        assert_eq!(confined.scratch_directory().as_deref(), Ok("/tmp/scratch"));
        confined.write_scratch("/tmp/scratch/file", b"").unwrap();
        // Temporary directories of the build are visible, as long as there are any.
        assert_eq!(confined.read("/tmp/scratch/file").unwrap(), b"content");
        assert!(confined.read("/tmp/other").is_err());
        confined.remove_scratch("/tmp/scratch");
        assert!(confined.read("/tmp/scratch/file").is_err());
        assert_eq!(*host.asked.lock().unwrap(), ["write /tmp/scratch/file", "remove /tmp/scratch"]);
    }

    #[test]
    fn only_the_repository_that_was_named_is_cloned_from_this_machine() {
        use LocalRepositories::{AsConfigured, None as Never, ThisOne};
        let trusting = BuildOptions { enable_helm: true, ..BuildOptions::default() };
        for (given, url, options, wanted) in [
            (None, "https://example.com/x", BuildOptions::default(), Some(Never)),
            (None, "/local/x", BuildOptions::default(), None),
            (None, "/local/x", trusting.clone(), Some(AsConfigured)),
            (Some("/local/x"), "/local/x", BuildOptions::default(), Some(ThisOne)),
            (Some("/local/x"), "/local/y", BuildOptions::default(), None),
            (Some("/local/x"), "https://example.com/x", BuildOptions::default(), Some(Never)),
            (Some("https://example.com/x"), "https://example.com/x", BuildOptions::default(), Some(Never)),
            (Some("/local/x"), "/local/x", trusting, Some(AsConfigured)),
        ] {
            let host = Obliging::default();
            let mut confined = Confined::below(&host, "/r", &options);
            // As `kustomize_core::host::repository_url` writes it.
            confined.given = given.map(str::to_owned);
            let cloned = confined.clone_repository(&Repository::new(url));
            let asked = host.asked.lock().unwrap();
            match wanted {
                Some(local) => {
                    assert_eq!(cloned.as_deref(), Ok("/tmp/clone"), "{given:?} {url}");
                    assert_eq!(*asked, [format!("clone {url} {local:?}")], "{given:?}");
                    assert_eq!(confined.read("/tmp/clone/file").unwrap(), b"content");
                }
                None => {
                    let why = format!("cloning {url}, which is on this machine,");
                    assert_eq!(cloned, Err(HostError::refused(why)), "{given:?}");
                    assert!(asked.is_empty());
                }
            }
        }
    }
}
