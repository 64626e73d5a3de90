//! Trees that are put together: parts of a commit, and files of other repositories in it.
//!
//! What is put together is written into the bare repository as any tree is, so that whoever reads it need not know.

use gix::ObjectId;
use gix::object::tree::EntryKind;
use gix::objs::{Tree, tree::Entry};

use super::tree::{Budget, DEEPEST, GitTree};
use super::{GitError, Mirror, storage};

/// The files at a path of another source, to be put into a tree.
pub struct Inclusion {
    /// The other files.
    pub tree: GitTree,
    /// Their path there; all of them if it is empty.
    pub from: String,
    /// Their path in the new tree.
    pub to: String,
}

impl Mirror {
    /// The files whose paths begin with one of these, and no others.
    ///
    /// # Errors
    /// A path does not exist, or the repository cannot be read or written.
    pub fn sparse(&self, tree: &GitTree, paths: &[String]) -> Result<GitTree, GitError> {
        let repository = self.repository.to_thread_local();
        for path in paths {
            if find(&repository, tree.root(), &parts(path))?.is_none() {
                let message = format!("sparse checkout dir '{path}' does not exist in repository");
                return Err(GitError::Failed(format!("failed to sparse checkout directories : {message}")));
            }
        }
        let starts: Vec<&str> = paths.iter().map(|path| path.strip_prefix("./").unwrap_or(path)).collect();
        let root = match pick(&repository, tree.root(), "", &starts, 0)? {
            Some(root) => root,
            None => repository.write_object(Tree::empty()).map_err(storage)?.detach(),
        };
        Ok(self.tree(root))
    }

    /// A tree with files of others in it.
    ///
    /// # Errors
    /// There are no such files, something is in their way, they are too many, or the repository cannot be written.
    pub fn include(&self, tree: &GitTree, inclusions: &[Inclusion]) -> Result<GitTree, (usize, GitError)> {
        let repository = self.repository.to_thread_local();
        let (mut root, budget) = (tree.root(), Budget::of_archive());
        for (number, inclusion) in inclusions.iter().enumerate() {
            let one = || {
                let entry = inclusion
                    .tree
                    .copy(&repository, &inclusion.from, &budget)
                    .map_err(|error| GitError::Failed(format!("'{}' {error}", inclusion.from)))?;
                graft(&repository, Some(root), &parts(&inclusion.to), entry, 0)
            };
            root = one().map_err(|error| (number, error))?;
        }
        Ok(self.tree(root))
    }
}

/// The names that a path consists of. It does not lead out of the root.
pub(super) fn parts(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts
}

fn read(repository: &gix::Repository, id: ObjectId) -> Result<Vec<Entry>, GitError> {
    let tree = repository.find_tree(id).map_err(storage)?;
    let decoded = tree.decode().map_err(storage)?;
    Ok(decoded
        .entries
        .iter()
        .map(|entry| Entry {
            mode: entry.mode,
            filename: entry.filename.to_owned(),
            oid: entry.oid.to_owned(),
        })
        .collect())
}

fn write(repository: &gix::Repository, mut entries: Vec<Entry>) -> Result<ObjectId, GitError> {
    entries.sort();
    Ok(repository.write_object(Tree { entries }).map_err(storage)?.detach())
}

/// What stands at a path, if anything does. Links are not followed.
pub(super) fn find(
    repository: &gix::Repository,
    root: ObjectId,
    parts: &[&str],
) -> Result<Option<(EntryKind, ObjectId)>, GitError> {
    let mut found = (EntryKind::Tree, root);
    for part in parts {
        if found.0 != EntryKind::Tree {
            return Ok(None);
        }
        let entries = read(repository, found.1)?;
        match entries.into_iter().find(|entry| entry.filename == *part) {
            Some(entry) => found = (entry.mode.kind(), entry.oid),
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// What is left of a directory if only the paths remain that begin with one of these.
fn pick(
    repository: &gix::Repository,
    id: ObjectId,
    path: &str,
    starts: &[&str],
    depth: usize,
) -> Result<Option<ObjectId>, GitError> {
    if depth > DEEPEST {
        return Err(GitError::Failed(format!("directories are more than {DEEPEST} deep in each other")));
    }
    let mut picked = Vec::new();
    for mut entry in read(repository, id)? {
        let name = format!("{path}{}", entry.filename);
        let is_directory = entry.mode.is_tree();
        let whole = if is_directory { format!("{name}/") } else { name };
        if starts.iter().any(|start| whole.starts_with(start)) {
            picked.push(entry);
        } else if is_directory
            && starts.iter().any(|start| start.starts_with(&whole))
            && let Some(below) = pick(repository, entry.oid, &whole, starts, depth + 1)?
        {
            entry.oid = below;
            picked.push(entry);
        }
    }
    if picked.is_empty() { Ok(None) } else { write(repository, picked).map(Some) }
}

/// Puts a directory where a commit of another repository is named.
pub(super) fn put_tree(
    repository: &gix::Repository,
    directory: ObjectId,
    parts: &[&str],
    tree: ObjectId,
) -> Result<ObjectId, GitError> {
    let Some((name, below)) = parts.split_first() else { return Ok(tree) };
    let mut entries = read(repository, directory)?;
    if let Some(entry) = entries.iter_mut().find(|entry| entry.filename == *name) {
        entry.oid = put_tree(repository, entry.oid, below, tree)?;
        entry.mode = EntryKind::Tree.into();
    }
    write(repository, entries)
}

/// Puts something into a directory, which is made if there is none. A file takes the place of a file.
fn graft(
    repository: &gix::Repository,
    directory: Option<ObjectId>,
    parts: &[&str],
    (kind, id): (EntryKind, ObjectId),
    depth: usize,
) -> Result<ObjectId, GitError> {
    let Some((name, below)) = parts.split_first() else {
        return Err(GitError::Failed("the root of the repository is not empty".to_owned()));
    };
    if depth > DEEPEST {
        return Err(GitError::Failed(format!("directories are more than {DEEPEST} deep in each other")));
    }
    if *name == ".git" {
        return Err(GitError::Failed("'.git' is not a name for files".to_owned()));
    }
    let mut entries = match directory {
        Some(directory) => read(repository, directory)?,
        None => Vec::new(),
    };
    let there = entries.iter().position(|entry| entry.filename == *name);
    let old = there.map(|at| entries.remove(at));
    let is_file = |kind: EntryKind| matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable);
    let (kind, oid) = match (&old, below) {
        (None, []) => (kind, id),
        (Some(old), []) if is_file(old.mode.kind()) && is_file(kind) => (kind, id),
        (Some(_), []) => return Err(GitError::Failed(format!("'{name}' exists already"))),
        (Some(old), _) if !old.mode.is_tree() => {
            return Err(GitError::Failed(format!("'{name}' is not a directory")));
        }
        (old, below) => {
            let directory = old.as_ref().map(|old| old.oid);
            (EntryKind::Tree, graft(repository, directory, below, (kind, id), depth + 1)?)
        }
    };
    entries.push(Entry { mode: kind.into(), filename: (*name).into(), oid });
    write(repository, entries)
}
