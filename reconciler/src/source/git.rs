//! Git repositories: what a reference means, fetching it, and reading the files of a commit.
//!
//! A repository is fetched into a bare repository, one commit deep, and read by object id. There is
//! no checkout.

mod address;
mod compose;
mod credentials;
mod error;
mod github_app;
mod program;
mod remote;
mod signing;
mod submodules;
mod tree;
mod working_copy;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::refs::transaction::PreviousValue;
use gix::{ObjectId, ThreadSafeRepository};
use kustomize_core::closest;
use reconciler_api::git_repository::GitReference;
use reconciler_core::semver;
use sha2::{Digest as _, Sha256};

pub use compose::Inclusion;
pub use credentials::{Credentials, CredentialsError, shown_url};
pub use error::GitError;
pub use github_app::{GithubApp, GithubError, GithubTokens, InstallationToken};
pub use program::GitProgram;
pub use remote::{Reference, Remote};
pub use signing::{SigningError, SigningKey};
pub use tree::GitTree;
use tree::PlainDirectories;
pub use working_copy::{Author, Branch, WorkingCopy};

/// The branch of a GitRepository that names none.
const DEFAULT_BRANCH: &str = "master";
/// Where the wanted commit is kept in the bare repository.
const KEPT: &str = "refs/reconciler/wanted";
/// Where earlier commits are held that someone may want again.
const HELD: &str = "refs/reconciler/held";
/// Where the commit is kept that is offered to others, which may be an older one.
const OFFERED: &str = "refs/reconciler/offered";
/// Where the files are kept that are offered, below it by the id of the commit.
const FILES: &str = "refs/reconciler/files/";
/// The largest commit or tag that is read, in bytes.
const LARGEST_COMMIT: u64 = 16 << 20;

/// A commit that was fetched.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The revision as status writes it: `main@sha1:…`.
    pub revision: String,
    /// The commit's id in hexadecimal digits.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    /// The name of its author.
    pub author: String,
    /// The tag that led to it, if one was asked for.
    pub tag: Option<Tag>,
    /// The commits of the submodules whose files it has.
    pub submodules: Vec<ObjectId>,
    /// Its files.
    pub tree: GitTree,
}

/// A tag that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its name, without `refs/tags/`.
    pub name: String,
    /// The object with its message; none if the tag is a mere name for the commit.
    pub object: Option<ObjectId>,
}

/// A bare repository on disk that follows a remote one.
pub struct Mirror {
    directory: PathBuf,
    repository: Arc<ThreadSafeRepository>,
    plain: PlainDirectories,
    /// Held while a git program writes to the directory.
    writing: tokio::sync::Mutex<()>,
    /// Held while trees are written that no reference keeps yet.
    composing: tokio::sync::Mutex<()>,
}

impl Mirror {
    /// Opens the repository in a directory, or makes a new one. What cannot be opened is removed
    /// and fetched anew: it is a copy.
    pub fn open(directory: &Path) -> Result<Self, GitError> {
        let repository = open_or_make(directory).map_err(storage)?;
        // A git that was killed with an earlier process may have left something.
        program::remove_halves(directory);
        Ok(Mirror {
            directory: directory.to_owned(),
            repository,
            plain: PlainDirectories::default(),
            writing: tokio::sync::Mutex::default(),
            composing: tokio::sync::Mutex::default(),
        })
    }

    /// Whether it is still where it was opened.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.directory.join("HEAD").is_file()
    }

    /// Finds out what a reference means now, and fetches it unless it is here already.
    pub async fn fetch(&self, remote: &dyn Remote, wanted: &GitReference) -> Result<Commit, GitError> {
        let target = resolve(remote, wanted).await?;
        let _writing = self.writing.lock().await;
        if self.kept_object() != Some(target.object) || self.tree_of(target.id).is_err() {
            // Before the fetch, what is read at the moment is what is kept.
            remote.tidy(&self.directory).await?;
            match &target.name {
                Some(name) => remote.fetch(&self.directory, name, KEPT).await?,
                None => self.fetch_commit(remote, wanted, target.id, KEPT).await?,
            }
        }
        // The remote may have moved on since it was asked.
        let id = match target.name {
            Some(_) => self.kept().unwrap_or(target.id),
            None => target.id,
        };
        let mut commit = self.commit(id, &target.label)?;
        let tag = target.name.as_deref().and_then(|name| name.strip_prefix("refs/tags/"));
        commit.tag = tag.map(|name| Tag {
            name: name.to_owned(),
            object: self.kept_object().filter(|object| *object != id),
        });
        Ok(commit)
    }

    /// Has to be held from fetching a commit until it is offered if other trees are added to it, because others may
    /// remove objects that no reference keeps.
    pub async fn composing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.composing.lock().await
    }

    /// A commit or tag as git stores it.
    pub fn read(&self, id: ObjectId) -> Result<Vec<u8>, GitError> {
        let repository = self.repository.to_thread_local();
        if repository.find_header(id).map_err(storage)?.size() > LARGEST_COMMIT {
            let what = "has a message or a signature with";
            return Err(GitError::TooLarge { what, limit: LARGEST_COMMIT });
        }
        Ok(repository.find_object(id).map_err(storage)?.detach().data)
    }

    /// Keeps a commit and the files that it is offered with, until another one is offered.
    pub fn offer(&self, commit: &Commit) -> Result<(), GitError> {
        let id = commit.id.parse::<ObjectId>().map_err(storage)?;
        let repository = self.repository.to_thread_local();
        let files = format!("{FILES}{id}");
        let point = |name: &str, id: ObjectId| {
            repository.reference(name, id, PreviousValue::Any, "offered").map_err(storage).map(|_| ())
        };
        // The files first: a commit that is offered has them.
        point(&files, commit.tree.root())?;
        point(OFFERED, id)?;
        let references = repository.references().map_err(storage)?;
        for old in references.prefixed(FILES).map_err(storage)? {
            let old = old.map_err(storage)?;
            if old.name().as_bstr() != files {
                old.delete().map_err(storage)?;
            }
        }
        self.keep_submodules(&commit.submodules)
    }

    /// The files that a commit was offered with.
    fn files(&self, commit: ObjectId) -> Option<ObjectId> {
        let repository = self.repository.to_thread_local();
        let files = repository.find_reference(&format!("{FILES}{commit}")).ok()?;
        files.target().try_id().map(ToOwned::to_owned)
    }

    fn tree(&self, root: ObjectId) -> GitTree {
        GitTree::new(Arc::clone(&self.repository), root)
    }

    /// The commit of a revision, as status writes it, if it was fetched before.
    #[must_use]
    pub fn recall(&self, revision: &str) -> Option<Commit> {
        let (label, id) = match revision.rsplit_once("@sha1:") {
            Some(parts) => parts,
            None => ("", revision.strip_prefix("sha1:")?),
        };
        let id = id.parse().ok()?;
        let mut commit = self.commit(id, label).ok()?;
        if let Some(files) = self.files(id) {
            commit.tree = self.tree(files);
        }
        Some(commit)
    }

    /// Holds the commit of a revision for someone, in place of the one that was held before.
    pub fn hold(&self, holder: &str, revision: &str) -> Result<(), GitError> {
        let Some(commit) = self.recall(revision) else {
            return Err(GitError::CommitNotFound { commit: revision.to_owned() });
        };
        let path = self.directory.join(held(holder));
        let directory = path.parent().unwrap_or(&self.directory);
        std::fs::create_dir_all(directory).map_err(storage)?;
        // A reference is a file with an id, which is never seen half written.
        let file = tempfile::NamedTempFile::new_in(&self.directory).map_err(storage)?;
        std::fs::write(file.path(), format!("{}\n", commit.id)).map_err(storage)?;
        file.persist(path).map_err(storage)?;
        Ok(())
    }

    /// Lets go of the commit that is held for someone, if there is one.
    pub fn release(&self, holder: &str) -> Result<(), GitError> {
        match std::fs::remove_file(self.directory.join(held(holder))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(storage(error)),
            _ => Ok(()),
        }
    }

    /// The commit of an earlier revision, which is fetched once more if it is not here, and then held for someone.
    pub async fn recall_or_fetch(
        &self,
        remote: &dyn Remote,
        wanted: &GitReference,
        revision: &str,
        holder: &str,
    ) -> Result<Commit, GitError> {
        if let Some(commit) = self.recall(revision) {
            return Ok(commit);
        }
        let missing = || GitError::CommitNotFound { commit: revision.to_owned() };
        let id = revision.rsplit_once("sha1:").and_then(|(_, id)| id.parse().ok()).ok_or_else(missing)?;
        let _writing = self.writing.lock().await;
        self.fetch_commit(remote, wanted, id, &held(holder)).await?;
        self.recall(revision).ok_or_else(missing)
    }

    /// The tree of a commit without what its files `.sourceignore`, and then these lines, leave out; or, if there
    /// are no rules, without what Flux leaves out by default. This reads all directories that other commits do not
    /// have.
    pub fn leave_out(&self, tree: &GitTree, lines: &str) -> Result<GitTree, GitError> {
        let fail = |error| GitError::Failed(format!("cannot tell which files are left out: {error}"));
        tree.without(lines, &self.plain).map_err(fail)
    }

    /// Fetches a commit by its id to a reference, or, from a server that refuses that, the branch with its history.
    async fn fetch_commit(
        &self,
        remote: &dyn Remote,
        wanted: &GitReference,
        id: ObjectId,
        name: &str,
    ) -> Result<(), GitError> {
        let by_id = remote.fetch(&self.directory, &id.to_string(), name).await;
        if by_id.is_ok() {
            return Ok(());
        }
        let heads = match &wanted.branch {
            Some(branch) => format!("refs/heads/{branch}"),
            None => "refs/heads/*".to_owned(),
        };
        remote.fetch_history(&self.directory, &heads).await?;
        self.tree_of(id).map(|_| ()).map_err(|_| GitError::CommitNotFound { commit: id.to_string() })
    }

    /// The commit that was fetched last.
    fn kept(&self) -> Option<ObjectId> {
        let repository = self.repository.to_thread_local();
        let id = repository.find_reference(KEPT).ok()?.into_fully_peeled_id().ok()?;
        Some(id.detach())
    }

    /// The object that was fetched last: a commit, or a tag that leads to it.
    fn kept_object(&self) -> Option<ObjectId> {
        let repository = self.repository.to_thread_local();
        repository.find_reference(KEPT).ok()?.target().try_id().map(ToOwned::to_owned)
    }

    fn tree_of(&self, id: ObjectId) -> Result<ObjectId, GitError> {
        tree_of(&self.repository.to_thread_local(), id)
    }

    fn commit(&self, id: ObjectId, label: &str) -> Result<Commit, GitError> {
        let tree = self.tree_of(id)?;
        let repository = self.repository.to_thread_local();
        let commit = repository.find_commit(id).map_err(storage)?;
        let message = commit.message_raw().map_err(storage)?.to_string();
        let subject = message.lines().next().unwrap_or_default().to_owned();
        let author = commit.author().map_err(storage)?.name.to_string();
        let revision = if label.is_empty() { format!("sha1:{id}") } else { format!("{label}@sha1:{id}") };
        Ok(Commit {
            revision,
            id: id.to_string(),
            subject,
            author,
            tag: None,
            submodules: Vec::new(),
            tree: self.tree(tree),
        })
    }
}

/// The reference that holds a commit for someone, whose name may have characters that no reference has.
fn held(holder: &str) -> String {
    let digest = Sha256::digest(holder);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{HELD}/{hex}")
}

/// The id of a commit's tree, which is there.
fn tree_of(repository: &gix::Repository, id: ObjectId) -> Result<ObjectId, GitError> {
    let commit = repository.find_commit(id).map_err(storage)?;
    let tree = commit.tree_id().map_err(storage)?.detach();
    repository.find_header(tree).map_err(storage)?;
    Ok(tree)
}

/// Opens the bare repository in a directory. What cannot be opened is removed and made anew: it is a copy.
pub(super) fn open_or_make(directory: &Path) -> io::Result<Arc<ThreadSafeRepository>> {
    let open = || {
        let repository =
            gix::open_opts(directory, gix::open::Options::isolated()).map_err(io::Error::other)?;
        // Git takes nothing for a repository that does not say which branch it is on.
        repository.head_ref().map_err(io::Error::other)?;
        Ok::<_, io::Error>(repository)
    };
    let repository = match open() {
        Ok(repository) => repository,
        Err(_) => {
            if directory.exists() {
                std::fs::remove_dir_all(directory)?;
            }
            std::fs::create_dir_all(directory)?;
            gix::init_bare(directory).map_err(io::Error::other)?;
            open()?
        }
    };
    Ok(Arc::new(repository.into_sync()))
}

fn storage(error: impl std::fmt::Display) -> GitError {
    GitError::Storage(error.to_string())
}

/// What a reference means at the remote.
struct Target {
    /// How a revision names it: a branch, a tag, or nothing for a bare commit.
    label: String,
    /// The full name of the reference, unless it is a bare commit.
    name: Option<String>,
    id: ObjectId,
    /// The object of the reference: the commit, or a tag that leads to it.
    object: ObjectId,
}

async fn resolve(remote: &dyn Remote, wanted: &GitReference) -> Result<Target, GitError> {
    if let Some(commit) = wanted.commit.as_deref().filter(|commit| !commit.is_empty()) {
        let id = commit
            .parse::<ObjectId>()
            .map_err(|_| GitError::InvalidReference(format!("{commit:?} is not a whole commit id")))?;
        return Ok(Target { label: wanted.branch.clone().unwrap_or_default(), name: None, id, object: id });
    }
    if let Some(name) = wanted.name.as_deref().filter(|name| !name.is_empty()) {
        return find(remote, name, name, "reference").await;
    }
    if let Some(range) = wanted.semver.as_deref().filter(|range| !range.is_empty()) {
        return newest(remote, range).await;
    }
    if let Some(tag) = wanted.tag.as_deref().filter(|tag| !tag.is_empty()) {
        return find(remote, &format!("refs/tags/{tag}"), tag, "tag").await;
    }
    let branch = wanted.branch.as_deref().filter(|branch| !branch.is_empty()).unwrap_or(DEFAULT_BRANCH);
    find(remote, &format!("refs/heads/{branch}"), branch, "branch").await
}

/// Looks a reference up by its full name. `what` is what it is called in messages.
async fn find(remote: &dyn Remote, name: &str, label: &str, what: &'static str) -> Result<Target, GitError> {
    if name.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c)) || name.starts_with('-') {
        return Err(GitError::InvalidReference(format!("{label:?} cannot be the name of a {what}")));
    }
    let found = remote.list(&[name]).await?;
    if let Some(reference) = found.iter().find(|reference| reference.name == name) {
        let Reference { id, object, .. } = *reference;
        return Ok(Target { label: label.to_owned(), name: Some(name.to_owned()), id, object });
    }
    let all = remote.list(&[]).await?;
    let prefix = match what {
        "branch" => "refs/heads/",
        "tag" => "refs/tags/",
        _ => "",
    };
    let names = || all.iter().filter_map(|reference| reference.name.strip_prefix(prefix));
    Err(GitError::ReferenceNotFound {
        name: name.to_owned(),
        closest: closest(label, names()).map(str::to_owned),
        known: names().take(5).map(str::to_owned).collect(),
        what,
    })
}

/// The newest tag in a range of versions.
async fn newest(remote: &dyn Remote, range: &str) -> Result<Target, GitError> {
    let constraints = semver::Constraints::parse(range)
        .map_err(|error| GitError::InvalidReference(format!("semver parse error: {error}")))?;
    let tags = remote.list(&["refs/tags/*"]).await?;
    let names: Vec<String> = tags
        .iter()
        .filter_map(|reference| reference.name.strip_prefix("refs/tags/").map(str::to_owned))
        .collect();
    let Some(newest) = semver::sort(Some(&constraints), &names).into_iter().next() else {
        return Err(GitError::NoVersion { range: range.to_owned() });
    };
    let name = format!("refs/tags/{newest}");
    let found = tags.into_iter().find(|reference| reference.name == name);
    let found = found.ok_or(GitError::NoVersion { range: range.to_owned() })?;
    Ok(Target { label: newest, name: Some(name), id: found.id, object: found.object })
}
