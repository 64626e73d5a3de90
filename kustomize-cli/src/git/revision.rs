//! A repository as it was at a revision.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kustomize_core::closest;
use kustomize_core::host::{self, EntryKind, Host, HostError, path};
use kustomize_diagnostic::Diagnostic;
use kustomize_golden::Layout;
use kustomize_host::OsHost;

use super::blobs::Blobs;
use super::{Repository, git};
use crate::failure::Failure;

/// Links that are followed in one path.
const MOST_LINKS: usize = 40;

/// The files of a commit, as a host: nothing is checked out. What is not below its top comes from
/// the machine, such as bases that are cloned.
#[derive(Debug)]
pub(crate) struct Revision {
    /// What all paths begin with, such as `/main:`, so that messages name the revision.
    top: String,
    /// The current directory as seen from the top.
    prefix: String,
    /// The top of the working tree.
    tree: String,
    /// By path, seen from the top.
    entries: BTreeMap<String, Entry>,
    blobs: Mutex<Blobs>,
    machine: OsHost,
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    object: String,
}

/// What an entry of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Link,
    Submodule,
}

/// An entry of a tree.
pub(super) struct Object<'t> {
    pub(super) kind: Kind,
    pub(super) object: &'t str,
    /// As seen from the top.
    pub(super) path: &'t str,
}

/// The entries that `git ls-tree -r -z` lists.
pub(super) fn objects(tree: &str) -> impl Iterator<Item = Object<'_>> {
    // `<mode> <type> <object>\t<path>`
    tree.split_terminator('\0').filter_map(|line| {
        let (about, path) = line.split_once('\t')?;
        let mut about = about.split(' ');
        let kind = match about.next()? {
            "120000" => Kind::Link,
            "160000" => Kind::Submodule,
            _ => Kind::File,
        };
        Some(Object { kind, object: about.nth(1)?, path })
    })
}

impl Revision {
    /// Reads the tree of a revision.
    pub(crate) fn open(repository: &Repository, revision: &str, machine: OsHost) -> Result<Self, Failure> {
        let commit = repository.commit(revision)?;
        let tree = git(&repository.top, &["ls-tree", "-r", "-z", "--full-tree", &commit])?;
        let entries = objects(&tree).map(|Object { kind, object, path }| {
            (path.to_owned(), Entry { kind, object: object.to_owned() })
        });
        let blobs = Blobs::start(&repository.top);
        let blobs = blobs.map_err(|error| Failure::new(format!("cannot run git: {error}")))?;
        Ok(Revision {
            top: format!("/{}:", shown(revision, &commit)),
            prefix: repository.prefix.clone(),
            tree: repository.top.clone(),
            entries: entries.collect(),
            blobs: Mutex::new(blobs),
            machine,
        })
    }

    /// What the paths of all its files begin with.
    pub(crate) fn top(&self) -> &str {
        &self.top
    }

    /// The path of a directory as git writes it after `REV:`.
    pub(crate) fn path(&self, written: &str) -> Result<String, Failure> {
        let from_here = matches!(written.split('/').next(), Some("." | ".."));
        let base = if from_here { path::join(&self.top, &self.prefix) } else { self.top.clone() };
        let place = path::join(&base, written);
        if self.own(&place) == Some(EntryKind::Directory) {
            return Ok(place);
        }
        let revision = self.top.trim_start_matches('/').trim_end_matches(':');
        let error = Diagnostic::error(format!("there is no directory {written:?} at revision {revision}"));
        Err(match self.meant(written, &place, from_here) {
            Some(help) => error.with_help(help),
            None => error,
        }
        .into())
    }

    /// What to do about a path that is no directory at the revision.
    fn meant(&self, written: &str, place: &str, from_here: bool) -> Option<String> {
        let revision = self.top.trim_start_matches('/');
        let here = path::join(&path::join(&self.top, &self.prefix), written);
        if !from_here && self.own(&here) == Some(EntryKind::Directory) {
            return Some(format!("to start from the current directory, write {revision}./{written}"));
        }
        if self.own(place).is_some() {
            return Some(format!(
                "it is a file: name a directory, such as {revision}{}",
                path::parent(written)
            ));
        }
        if let Some(below) = self.below(place)
            && self.is_in_tree(below)
        {
            return Some(
                "it is there in the working tree: was it committed later, or not at all?".to_owned(),
            );
        }
        self.own(path::parent(place))?;
        let names = self.list(path::parent(place)).ok()?;
        let name = path::base_name(place);
        // A link out of the revision has the name itself.
        let similar = closest(name, names.iter().map(String::as_str).filter(|other| *other != name))?;
        let before = &written[..written.trim_end_matches('/').rfind('/').map_or(0, |slash| slash + 1)];
        Some(format!("did you mean {revision}{before}{similar}?"))
    }

    /// What is at a path, unless links lead out of the revision: messages tell nothing of the machine.
    fn own(&self, path: &str) -> Option<EntryKind> {
        let real = self.without_links(path).ok()?;
        self.below(&real)?;
        self.kind(&real).ok()
    }

    /// Whether there is such a directory in the working tree, with no link out of it on the way.
    fn is_in_tree(&self, below: &str) -> bool {
        let found = Layout::found_within(&self.machine, &path::join(&self.tree, below));
        found.is_ok_and(|place| self.machine.kind(&place) == Ok(EntryKind::Directory))
    }

    /// A path as seen from the top; none for what is not below it.
    fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(&self.top)?;
        if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
    }

    fn is_directory(&self, below: &str) -> bool {
        let prefix = format!("{below}/");
        below.is_empty()
            || self.entries.range(prefix.clone()..).next().is_some_and(|(path, _)| path.starts_with(&prefix))
    }

    fn blob(&self, object: &str) -> Result<Vec<u8>, HostError> {
        let mut blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        match blobs.read(object, OsHost::MAX_FILE_SIZE) {
            Ok(Some(content)) => Ok(content),
            Ok(None) => Err(HostError::TooLarge { limit: OsHost::MAX_FILE_SIZE }),
            Err(error) => Err(HostError::Other(error.to_string())),
        }
    }

    /// The path without links.
    fn without_links(&self, path: &str) -> Result<String, HostError> {
        let mut path = path::clean(path);
        for _ in 0..MOST_LINKS {
            let Some(below) = self.below(&path) else { return self.machine.resolve(&path) };
            match self.follow(below)? {
                Some(next) => path = next,
                None => return Ok(path),
            }
        }
        Err(HostError::Other("too many symbolic links".to_owned()))
    }

    /// The path that the first link on a path leads to; none when there is none and the path exists.
    fn follow(&self, below: &str) -> Result<Option<String>, HostError> {
        for (at, _) in below.match_indices('/').chain([(below.len(), "")]) {
            let (done, rest) = below.split_at(at);
            match self.entries.get(done) {
                Some(Entry { kind: Kind::Link, object }) => {
                    let target = String::from_utf8(self.blob(object)?);
                    let target =
                        target.map_err(|_| HostError::Other("a link that is not UTF-8".to_owned()))?;
                    let place = match path::is_absolute(&target) {
                        true => target,
                        false => path::join(path::parent(&path::join(&self.top, done)), &target),
                    };
                    return Ok(Some(path::join(&place, rest)));
                }
                Some(_) if rest.is_empty() => {}
                Some(Entry { kind: Kind::File, .. }) => return Err(HostError::NotDirectory),
                Some(Entry { kind: Kind::Submodule, .. }) => {
                    let message = format!("{done} is a submodule, of which only the commit is known here");
                    return Err(HostError::Other(message));
                }
                None if self.is_directory(done) => {}
                _ => return Err(HostError::NotFound),
            }
        }
        Ok(None)
    }
}

/// A revision as messages call it: as it was given, unless that would not do as a part of a path.
fn shown<'a>(revision: &'a str, commit: &'a str) -> &'a str {
    let fits = |letter: char| letter.is_alphanumeric() || "-_.@~^/".contains(letter);
    let is_path = revision.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if revision.chars().all(fits) && is_path { revision } else { commit.get(..12).unwrap_or(commit) }
}

impl Host for Revision {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        let path = self.without_links(path)?;
        let Some(below) = self.below(&path) else { return self.machine.read(&path) };
        match self.entries.get(below) {
            Some(Entry { kind: Kind::File, object }) => self.blob(object),
            _ => Err(HostError::IsDirectory),
        }
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        self.without_links(path)
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        let path = self.without_links(path)?;
        let Some(below) = self.below(&path) else { return self.machine.kind(&path) };
        match self.entries.get(below) {
            Some(Entry { kind: Kind::File, .. }) => Ok(EntryKind::File),
            _ => Ok(EntryKind::Directory),
        }
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        let directory = self.without_links(directory)?;
        let Some(below) = self.below(&directory) else { return self.machine.list(&directory) };
        if self.entries.get(below).is_some_and(|entry| entry.kind == Kind::File) {
            return Err(HostError::NotDirectory);
        }
        let prefix = if below.is_empty() { String::new() } else { format!("{below}/") };
        let paths = self.entries.range(prefix.clone()..).map_while(|(path, _)| path.strip_prefix(&prefix));
        let mut names: Vec<String> =
            paths.map(|rest| rest.split('/').next().unwrap_or(rest).to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn fetch(&self, url: &str) -> Result<Vec<u8>, HostError> {
        self.machine.fetch(url)
    }

    fn clone_repository(&self, repository: &host::Repository) -> Result<String, HostError> {
        self.machine.clone_repository(repository)
    }

    fn remove_scratch(&self, directory: &str) {
        self.machine.remove_scratch(directory);
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.machine.environment(name)
    }
}
