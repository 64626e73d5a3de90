//! Submodules: repositories whose files a commit has in it. They are fetched into the same bare repository, and their
//! trees written in place of the names of their commits.

use gix::ObjectId;
use gix::object::tree::EntryKind;
use gix::refs::transaction::PreviousValue;
use reconciler_api::git_repository::GitReference;

use super::compose::{find, parts, put_tree};
use super::{Commit, GitError, GitProgram, Mirror, storage};

/// Where the commits of submodules are kept, below it by their id.
pub(super) const KEPT: &str = "refs/reconciler/submodules/";
/// The file that says where submodules are.
const LIST: &str = ".gitmodules";
/// The largest of these files, in bytes.
const LARGEST_LIST: u64 = 1 << 20;
/// How deep submodules may be in each other.
const DEEPEST: usize = 10;
/// How many submodules a commit may have, with those in each other.
const MOST: usize = 100;

/// A submodule of a commit.
struct Submodule {
    /// Where its files are to be.
    path: String,
    /// Where they come from, as the commit has it.
    address: String,
    id: ObjectId,
}

/// A tree whose submodules are wanted.
struct Waiting {
    tree: ObjectId,
    path: String,
    remote: GitProgram,
    depth: usize,
}

impl Mirror {
    /// Puts the files of all submodules into a commit; with `only`, of those that have to do with these paths.
    ///
    /// # Errors
    /// A submodule cannot be fetched, or they are too many or too large.
    pub async fn add_submodules(
        &self,
        remote: &GitProgram,
        commit: &mut Commit,
        only: &[String],
    ) -> Result<(), GitError> {
        let _writing = self.writing.lock().await;
        let mut found: Vec<(String, ObjectId)> = Vec::new();
        let mut waiting =
            vec![Waiting { tree: commit.tree.root(), path: String::new(), remote: remote.clone(), depth: 0 }];
        commit.submodules.clear();
        while let Some(at) = waiting.pop() {
            for module in self.submodules(at.tree)? {
                let path = format!("{}{}", at.path, module.path);
                if !is_wanted(&path, only) {
                    continue;
                }
                let named = |error: GitError| error.of_submodule(&path);
                if at.depth >= DEEPEST {
                    let message = format!("submodules are more than {DEEPEST} deep in each other");
                    return Err(named(GitError::Failed(message)));
                }
                if found.len() >= MOST {
                    return Err(GitError::Failed(format!("the commit has more than {MOST} submodules")));
                }
                let remote = at.remote.submodule(&module.address).map_err(named)?;
                let tree = self.fetch_submodule(&remote, module.id).await.map_err(named)?;
                commit.submodules.push(module.id);
                found.push((path.clone(), tree));
                waiting.push(Waiting { tree, path: format!("{path}/"), remote, depth: at.depth + 1 });
            }
        }
        // Now that nothing is removed any more. Those in others come after these.
        let (repository, mut root) = (self.repository.to_thread_local(), commit.tree.root());
        for (path, tree) in found {
            root = put_tree(&repository, root, &parts(&path), tree)?;
        }
        commit.tree = self.tree(root);
        Ok(())
    }

    /// The submodules that a tree names and has.
    fn submodules(&self, tree: ObjectId) -> Result<Vec<Submodule>, GitError> {
        let repository = self.repository.to_thread_local();
        let Some((EntryKind::Blob | EntryKind::BlobExecutable, list)) = find(&repository, tree, &[LIST])?
        else {
            return Ok(Vec::new());
        };
        if repository.find_header(list).map_err(storage)?.size() > LARGEST_LIST {
            return Err(GitError::Failed(format!("{LIST} is larger than {LARGEST_LIST} bytes")));
        }
        let text = repository.find_object(list).map_err(storage)?.detach().data;
        let unreadable = |error: &dyn std::fmt::Display| GitError::Failed(format!("{LIST}: {error}"));
        let list = gix::config::File::from_bytes_no_includes(
            &text,
            gix::config::file::Metadata::api(),
            gix::config::file::init::Options::default(),
        )
        .map_err(|error| unreadable(&error))?;
        let mut submodules: Vec<Submodule> = Vec::new();
        for section in list.sections_by_name("submodule").into_iter().flatten() {
            let value = |key: &str| section.value(key).map(|value| value.to_string());
            let (Some(path), Some(address)) = (value("path"), value("url")) else { continue };
            let path = parts(&path).join("/");
            // What is listed and not there was removed. What is there and not listed stays empty, as with Flux.
            if let Some((EntryKind::Commit, id)) = find(&repository, tree, &parts(&path))?
                && submodules.iter().all(|known| known.path != path)
            {
                submodules.push(Submodule { path, address, id });
            }
        }
        Ok(submodules)
    }

    /// Fetches the commit of a submodule, unless it is here, and returns the id of its tree.
    async fn fetch_submodule(&self, remote: &GitProgram, id: ObjectId) -> Result<ObjectId, GitError> {
        let name = format!("{KEPT}{id}");
        let is_kept = || self.repository.to_thread_local().find_reference(&name).is_ok();
        if is_kept()
            && let Ok(tree) = self.tree_of(id)
        {
            return Ok(tree);
        }
        let limited = remote.within_room(&self.directory).await?;
        self.fetch_commit(&limited, &GitReference::default(), id, &name).await?;
        if !is_kept() {
            // It came with the history of a branch.
            let repository = self.repository.to_thread_local();
            repository.reference(&*name, id, PreviousValue::Any, "submodule").map_err(storage)?;
        }
        self.tree_of(id)
    }

    /// Keeps these commits of submodules, and no others.
    pub(super) fn keep_submodules(&self, ids: &[ObjectId]) -> Result<(), GitError> {
        let repository = self.repository.to_thread_local();
        let kept: Vec<String> = ids.iter().map(|id| format!("{KEPT}{id}")).collect();
        let references = repository.references().map_err(storage)?;
        for old in references.prefixed(KEPT).map_err(storage)? {
            let old = old.map_err(storage)?;
            if !kept.iter().any(|name| old.name().as_bstr() == name.as_str()) {
                old.delete().map_err(storage)?;
            }
        }
        Ok(())
    }
}

/// Whether a submodule has files at paths that begin with one of these, or these may be in it.
fn is_wanted(path: &str, only: &[String]) -> bool {
    let path = format!("{path}/");
    only.is_empty()
        || only.iter().any(|start| {
            let start = start.strip_prefix("./").unwrap_or(start);
            path.starts_with(start) || start.starts_with(&path)
        })
}

impl GitError {
    /// The same of a submodule.
    fn of_submodule(self, path: &str) -> Self {
        match self {
            GitError::Authentication(said) => GitError::Authentication(format!("submodule '{path}': {said}")),
            GitError::Storage(_) | GitError::NoProgram(_) => self,
            other => GitError::Failed(format!("submodule '{path}': {other}")),
        }
    }
}
