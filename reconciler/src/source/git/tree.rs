//! The files of a commit as a host for builds.
//!
//! Every file and directory is read by its object id when it is asked for. Symbolic links are
//! followed inside the tree and nowhere else.
//!
//! A tree of a few kilobytes can stand for any number of files, since directories may be in it many times.
//! Whoever reads it therefore has a budget.

mod budget;
mod left_out;
mod objects;

use std::sync::Arc;
use std::{fmt, io};

use gix::object::tree::EntryKind as GitKind;
use gix::{ObjectId, ThreadSafeRepository};
use kustomize_core::Cancellation;
use kustomize_core::host::{EntryKind, Host, HostError, path};
use reconciler_core::source::{Archive, ArchiveSummary};

pub(super) use budget::Budget;
use left_out::LeftOut;
pub(super) use left_out::PlainDirectories;
use objects::{Entry, Objects};

/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 16 << 20;
/// The largest file that goes into an archive, in bytes.
const LARGEST_PACKED: u64 = 64 << 20;
/// How deep directories may be in each other.
pub(super) const DEEPEST: usize = 255;
/// Links that are followed on the way to one path.
const MOST_LINKS: usize = 40;

/// The files of a commit.
#[derive(Clone)]
pub struct GitTree {
    store: Arc<Objects>,
    root: ObjectId,
    /// What is left out, if anything may be.
    left_out: Option<Arc<LeftOut>>,
    /// What this build may still read.
    budget: Arc<Budget>,
}

/// What stands at a path, links followed.
struct Found {
    path: String,
    kind: GitKind,
    id: ObjectId,
}

impl GitTree {
    pub(in crate::source) fn new(repository: Arc<ThreadSafeRepository>, root: ObjectId) -> Self {
        GitTree { store: Arc::new(Objects::new(repository)), root, left_out: None, budget: Arc::default() }
    }

    /// The same tree without what its files `.sourceignore`, and then these lines, leave out; or, if there are no
    /// rules, without what Flux leaves out by default. What belongs to Git is left out in any case.
    pub(super) fn without(&self, lines: &str, plain: &PlainDirectories) -> Result<Self, HostError> {
        let left_out = LeftOut::of(&self.store, self.root, lines, plain)?;
        Ok(GitTree { left_out: Some(Arc::new(left_out)), ..self.clone() })
    }

    /// Whether these lines are what leaves out files, besides those in the tree.
    #[must_use]
    pub fn is_without(&self, lines: &str) -> bool {
        self.left_out.as_ref().is_some_and(|left_out| left_out.lines() == lines)
    }

    /// The id of the tree with what is left out.
    pub(super) fn root(&self) -> ObjectId {
        self.root
    }

    /// Whether this is the same tree, whatever is left out of it.
    #[must_use]
    pub fn has_root_of(&self, other: &GitTree) -> bool {
        self.root == other.root
    }

    /// Copies what an archive would have of a path into another repository.
    pub(super) fn copy(
        &self,
        into: &gix::Repository,
        path: &str,
        budget: &Budget,
    ) -> Result<(GitKind, ObjectId), HostError> {
        let found = self.find(&path::clean(&format!("/{path}")))?;
        let at = found.path.trim_matches('/');
        let copied = self.copy_entry(into, budget, at, found.kind, found.id, 0)?;
        let id = match copied {
            Some(id) => id,
            None => into.write_object(gix::objs::Tree::empty()).map_err(storage)?.detach(),
        };
        Ok((found.kind, id))
    }

    /// Copies a file, or what is left of a directory. Nothing of links and submodules.
    fn copy_entry(
        &self,
        into: &gix::Repository,
        budget: &Budget,
        path: &str,
        kind: GitKind,
        id: ObjectId,
        depth: usize,
    ) -> Result<Option<ObjectId>, HostError> {
        if depth > DEEPEST {
            return Err(too_deep());
        }
        match kind {
            GitKind::Link | GitKind::Commit => Ok(None),
            GitKind::Blob | GitKind::BlobExecutable => {
                let content = self.store.blob(id, LARGEST_PACKED)?;
                budget.read(content.len())?;
                Ok(Some(into.write_blob(content).map_err(storage)?.detach()))
            }
            GitKind::Tree => {
                let directory = self.store.directory(id)?;
                budget.list(directory.len())?;
                let mut entries = Vec::with_capacity(directory.len());
                for Entry { name, kind, id } in directory.iter() {
                    let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                    let is_left_out = match &self.left_out {
                        Some(left_out) => left_out.holds(&self.store, budget, &below, *kind, *id)?,
                        None => false,
                    };
                    if is_left_out {
                        continue;
                    }
                    if let Some(oid) = self.copy_entry(into, budget, &below, *kind, *id, depth + 1)? {
                        let mode = (*kind).into();
                        entries.push(gix::objs::tree::Entry { mode, filename: name.as_str().into(), oid });
                    }
                }
                if entries.is_empty() {
                    return Ok(None);
                }
                entries.sort();
                let tree = gix::objs::Tree { entries };
                Ok(Some(into.write_object(tree).map_err(storage)?.detach()))
            }
        }
    }

    fn is_left_out(&self, path: &str, kind: GitKind, id: ObjectId) -> Result<bool, HostError> {
        match &self.left_out {
            Some(left_out) => left_out.holds(&self.store, &self.budget, path, kind, id),
            None => Ok(false),
        }
    }

    /// The same tree for another build, which may read as much again.
    #[must_use]
    pub fn for_build(&self) -> Self {
        self.until(&self.cancellation())
    }

    /// The same tree for builds that are ended by this switch: nothing is read any more after that.
    #[must_use]
    pub fn until(&self, cancellation: &Cancellation) -> Self {
        GitTree { budget: Arc::new(Budget::of_build(cancellation.clone())), ..self.clone() }
    }

    /// What ends builds of this tree early.
    #[must_use]
    pub fn cancellation(&self) -> Cancellation {
        self.budget.cancellation().clone()
    }

    /// The id of the whole tree in hexadecimal digits. With rules for what is left out, it is another one.
    #[must_use]
    pub fn id(&self) -> String {
        let id = self.content_id("/").unwrap_or_default();
        id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// An id of the content at a path, which is the same as long as the content is. None if there
    /// is nothing at the path.
    #[must_use]
    pub fn content_id(&self, path: &str) -> Option<[u8; 20]> {
        let found = self.find(path).ok()?;
        let id = found.id.as_slice().try_into().ok()?;
        Some(match &self.left_out {
            Some(left_out) if found.kind == GitKind::Tree => left_out.id(id),
            _ => id,
        })
    }

    /// Writes all files into an archive, which is always the same for the same files. Links and submodules
    /// are left out.
    ///
    /// # Errors
    /// An object cannot be read, or the archive cannot be written.
    pub fn pack<W: io::Write>(&self, writer: W) -> io::Result<(W, ArchiveSummary)> {
        let (mut archive, budget) = (Archive::new(writer)?, Budget::of_archive());
        self.pack_directory(&mut archive, &budget, self.root, "", 0)?;
        archive.finish()
    }

    fn pack_directory(
        &self,
        archive: &mut Archive<impl io::Write>,
        budget: &Budget,
        id: ObjectId,
        path: &str,
        depth: usize,
    ) -> io::Result<()> {
        if depth > DEEPEST {
            return Err(io::Error::other(too_deep()));
        }
        let directory = self.store.directory(id).map_err(io::Error::other)?;
        budget.list(directory.len()).map_err(io::Error::other)?;
        for entry in directory.iter() {
            let path = if path.is_empty() { entry.name.clone() } else { format!("{path}/{}", entry.name) };
            let is_left_out = match &self.left_out {
                Some(left_out) => left_out.holds(&self.store, budget, &path, entry.kind, entry.id),
                None => Ok(false),
            };
            if is_left_out.map_err(io::Error::other)? {
                continue;
            }
            match entry.kind {
                GitKind::Tree => {
                    archive.directory(&path)?;
                    self.pack_directory(archive, budget, entry.id, &path, depth + 1)?;
                }
                GitKind::Blob | GitKind::BlobExecutable => {
                    let content = self.store.blob(entry.id, LARGEST_PACKED).map_err(|error| match error {
                        HostError::TooLarge { .. } => io::Error::other(format!("{path} {error}")),
                        error => io::Error::other(error),
                    })?;
                    budget.read(content.len()).map_err(io::Error::other)?;
                    let is_executable = entry.kind == GitKind::BlobExecutable;
                    archive.file(&path, is_executable, content.len() as u64, &*content)?;
                }
                GitKind::Link | GitKind::Commit => {}
            }
        }
        Ok(())
    }

    /// Follows a path from the root.
    fn find(&self, path: &str) -> Result<Found, HostError> {
        let root = || Found { path: "/".to_owned(), kind: GitKind::Tree, id: self.root };
        let mut rest: Vec<String> = parts(path);
        let mut way: Vec<Found> = Vec::new();
        let mut links = 0;
        while let Some(part) = rest.pop() {
            if part == ".." {
                way.pop();
                continue;
            }
            if way.len() > DEEPEST {
                return Err(too_deep());
            }
            let parent = way.last().map_or((GitKind::Tree, self.root), |found| (found.kind, found.id));
            if parent.0 != GitKind::Tree {
                return Err(HostError::NotDirectory);
            }
            let directory = self.store.directory(parent.1)?;
            let at = directory
                .binary_search_by(|entry| entry.name.as_str().cmp(&part))
                .map_err(|_| HostError::NotFound)?;
            let Entry { name, kind, id } = directory[at].clone();
            let path = format!("{}/{name}", way.last().map_or("", |found| found.path.as_str()));
            if (rest.is_empty() || kind == GitKind::Link) && self.is_left_out(&path, kind, id)? {
                return Err(HostError::NotFound);
            }
            if kind == GitKind::Link {
                links += 1;
                if links > MOST_LINKS {
                    return Err(HostError::Other("too many levels of symbolic links".to_owned()));
                }
                let target = self.store.blob(id, 4096)?;
                let target = String::from_utf8(target)
                    .map_err(|_| HostError::Other("is a link to a path that is not UTF-8".to_owned()))?;
                if target.starts_with('/') || leaves(way.len(), &target) {
                    return Err(HostError::refused(format!(
                        "following a link out of the repository ({target})"
                    )));
                }
                rest.extend(parts(&target));
                continue;
            }
            way.push(Found { path, kind, id });
        }
        Ok(way.pop().unwrap_or_else(root))
    }
}

fn storage(error: impl fmt::Display) -> HostError {
    HostError::Other(error.to_string())
}

fn too_deep() -> HostError {
    HostError::Other(format!("directories are more than {DEEPEST} deep in each other"))
}

/// The parts of a path, the last one first.
fn parts(path: &str) -> Vec<String> {
    path.split('/').rev().filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect()
}

/// Whether a relative path leads out of the root from a directory at a depth.
fn leaves(depth: usize, path: &str) -> bool {
    let mut depth = depth;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

impl Host for GitTree {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        let found = self.find(path)?;
        match found.kind {
            GitKind::Tree => Err(HostError::IsDirectory),
            // A submodule, of which only the name is here.
            GitKind::Commit => Err(HostError::NotRegular),
            _ => {
                let content = self.store.blob(found.id, LARGEST_FILE)?;
                self.budget.load(found.path.rsplit('/').next().unwrap_or_default())?;
                self.budget.read(content.len())?;
                Ok(content)
            }
        }
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        Ok(self.find(path)?.path)
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        Ok(match self.find(path)?.kind {
            GitKind::Tree => EntryKind::Directory,
            GitKind::Commit => EntryKind::Other,
            _ => EntryKind::File,
        })
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        let found = self.find(&path::clean(directory))?;
        if found.kind != GitKind::Tree {
            return Err(HostError::NotDirectory);
        }
        let entries = self.store.directory(found.id)?;
        self.budget.list(entries.len())?;
        let below = found.path.trim_end_matches('/');
        let mut names = Vec::with_capacity(entries.len());
        for entry in entries.iter() {
            if !self.is_left_out(&format!("{below}/{}", entry.name), entry.kind, entry.id)? {
                names.push(entry.name.clone());
            }
        }
        Ok(names)
    }
}

impl fmt::Debug for GitTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitTree({})", self.root)
    }
}
