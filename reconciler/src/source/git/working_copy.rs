//! Changing a remote repository: checked out, committed to, and pushed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::ObjectId;
use reconciler_api::git_repository::GitReference;
use tempfile::TempDir;

use super::{GitError, GitProgram, GitTree, Remote, SigningKey, resolve, storage, tree_of};

/// Where the commit that was checked out is kept.
const BASE: &str = "refs/reconciler/base";
/// Where the last commit of another branch is kept.
const TIP: &str = "refs/reconciler/tip";

/// The files of a commit, which can be changed, committed and pushed. Dropping it removes them.
pub struct WorkingCopy<'a> {
    remote: &'a GitProgram,
    directory: TempDir,
    /// The revision that was asked for, as status writes it.
    revision: String,
}

/// Who commits.
#[derive(Clone, Debug)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// A branch of the remote repository, with its last commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The name, without `refs/heads/`.
    pub name: String,
    id: String,
}

impl<'a> WorkingCopy<'a> {
    /// Checks a reference out into a directory below `parent`. If there is the other branch already, that is
    /// checked out instead.
    pub async fn check_out(
        remote: &'a GitProgram,
        parent: &Path,
        wanted: &GitReference,
        other_branch: Option<&str>,
    ) -> Result<Self, GitError> {
        let target = resolve(remote, wanted).await?;
        let directory = TempDir::with_prefix_in("update-", parent).map_err(storage)?;
        let path = directory.path().to_string_lossy().into_owned();
        remote.run(None, &["init", "--quiet", "--", &path]).await?;
        let revision = if target.label.is_empty() {
            format!("sha1:{}", target.id)
        } else {
            format!("{}@sha1:{}", target.label, target.id)
        };
        let copy = WorkingCopy { remote, directory, revision };
        let id = target.id.to_string();
        let mut what = target.name.unwrap_or(id);
        if let Some(branch) = other_branch {
            let name = format!("refs/heads/{branch}");
            let found = remote.list(&[&name]).await?;
            if found.iter().any(|reference| reference.name == name) {
                what = name;
            }
        }
        remote.fetch(&copy.git_directory(), &what, BASE).await?;
        copy.run(&["checkout", "--quiet", "--detach", BASE]).await?;
        Ok(copy)
    }

    /// Where the files are.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The revision that was checked out, as status writes it.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    fn git_directory(&self) -> PathBuf {
        self.directory.path().join(".git")
    }

    async fn run(&self, arguments: &[&str]) -> Result<String, GitError> {
        let tree = self.directory.path().to_string_lossy();
        let mut all = vec!["--work-tree", &*tree, "--literal-pathspecs"];
        all.extend(arguments);
        let output = self.remote.run(Some(&self.git_directory()), &all).await?;
        Ok(String::from_utf8_lossy(&output).trim().to_owned())
    }

    /// Commits these files, and returns the id of the commit. With a key, the commit is signed; if that fails, there is no commit.
    pub async fn commit(
        &self,
        files: &[PathBuf],
        author: &Author,
        message: &str,
        key: Option<&SigningKey>,
    ) -> Result<String, GitError> {
        self.add(files).await?;
        let own = TempDir::with_prefix("reconciler-commit-").map_err(storage)?;
        let text = own.path().join("message");
        std::fs::write(&text, message).map_err(storage)?;
        let (name, email) = (format!("user.name={}", author.name), format!("user.email={}", author.email));
        let text = text.display().to_string();
        let mut arguments = vec!["-c", &*name, "-c", &*email];
        for setting in key.into_iter().flat_map(SigningKey::settings) {
            arguments.extend(["-c", setting]);
        }
        arguments.extend(["commit", "--quiet", "--no-verify", "--cleanup=verbatim", "--allow-empty-message"]);
        if key.is_some() {
            arguments.push("-S");
        }
        arguments.extend(["-F", &text]);
        self.run(&arguments).await?;
        self.run(&["rev-parse", "HEAD"]).await
    }

    /// Goes back to what was checked out.
    pub async fn reset(&self) -> Result<(), GitError> {
        self.run(&["checkout", "--quiet", "--force", "--detach", BASE]).await.map(|_| ())
    }

    /// All files as they were checked out, and as they are with the changes of these files.
    pub async fn trees(&self, files: &[PathBuf]) -> Result<(GitTree, GitTree), GitError> {
        self.add(files).await?;
        let after = self.run(&["write-tree"]).await?.parse::<ObjectId>().map_err(storage)?;
        let options = gix::open::Options::isolated();
        let repository = gix::open_opts(self.git_directory(), options).map_err(storage)?;
        let commit = repository.find_reference(BASE).map_err(storage)?.into_fully_peeled_id();
        let before = tree_of(&repository, commit.map_err(storage)?.detach())?;
        let repository = Arc::new(repository.into_sync());
        Ok((GitTree::new(Arc::clone(&repository), before), GitTree::new(repository, after)))
    }

    /// The branch of the remote repository with this name, and those whose names go on after the beginning.
    pub async fn branches(&self, name: &str, beginning: &str) -> Result<Vec<Branch>, GitError> {
        let patterns = [format!("refs/heads/{name}"), format!("refs/heads/{beginning}*")];
        let found = self.remote.list(&[&patterns[0], &patterns[1]]).await?;
        let branches = found.into_iter().filter_map(|reference| {
            let branch = reference.name.strip_prefix("refs/heads/")?.to_owned();
            // Patterns of git match the ends of names, too.
            let is_wanted = branch == name || branch.starts_with(beginning);
            is_wanted.then(|| Branch { name: branch, id: reference.id.to_string() })
        });
        Ok(branches.collect())
    }

    /// The address of who committed last on a branch.
    pub async fn committer(&self, branch: &Branch) -> Result<String, GitError> {
        let name = format!("refs/heads/{}", branch.name);
        self.remote.fetch(&self.git_directory(), &name, TIP).await?;
        self.run(&["log", "-1", "--format=%ce", TIP]).await
    }

    async fn add(&self, files: &[PathBuf]) -> Result<(), GitError> {
        let own = TempDir::with_prefix("reconciler-add-").map_err(storage)?;
        let list = own.path().join("files");
        let names: Vec<String> = files.iter().map(|file| file.to_string_lossy().into_owned()).collect();
        std::fs::write(&list, names.join("\0")).map_err(storage)?;
        let from = format!("--pathspec-from-file={}", list.display());
        // Paths are those below the root, whatever directory this process is in.
        let tree = self.directory.path().to_string_lossy().into_owned();
        self.run(&["-C", &tree, "add", "--pathspec-file-nul", &from]).await.map(|_| ())
    }

    /// Pushes the commit by a refspec such as `HEAD:refs/heads/main`.
    pub async fn push(&self, refspec: &str, force: bool, options: &[String]) -> Result<(), GitError> {
        self.push_with(force.then_some("--force"), refspec, options).await
    }

    /// Pushes the commit to a branch in place of what it had, if that is still what it has.
    pub async fn replace(
        &self,
        name: &str,
        old: Option<&Branch>,
        options: &[String],
    ) -> Result<(), GitError> {
        let old = old.map_or("", |branch| &*branch.id);
        let lease = format!("--force-with-lease=refs/heads/{name}:{old}");
        self.push_with(Some(&lease), &format!("HEAD:refs/heads/{name}"), options).await
    }

    /// Deletes a branch of the remote repository, if it is still what it was.
    pub async fn delete(&self, branch: &Branch) -> Result<(), GitError> {
        let lease = format!("--force-with-lease=refs/heads/{}:{}", branch.name, branch.id);
        self.push_with(Some(&lease), &format!(":refs/heads/{}", branch.name), &[]).await
    }

    async fn push_with(
        &self,
        force: Option<&str>,
        refspec: &str,
        options: &[String],
    ) -> Result<(), GitError> {
        let mut arguments = vec!["push", "--quiet"];
        arguments.extend(force);
        let options: Vec<String> = options.iter().map(|option| format!("--push-option={option}")).collect();
        arguments.extend(options.iter().map(String::as_str));
        arguments.extend(["--", self.remote.url(), refspec]);
        self.run(&arguments).await.map(|_| ())
    }
}

impl GitError {
    /// Whether somebody else pushed before.
    #[must_use]
    pub fn is_lost_race(&self) -> bool {
        let signs = ["[rejected]", "fetch first", "non-fast-forward", "cannot lock ref", "stale info"];
        matches!(self, GitError::Failed(words) if signs.iter().any(|sign| words.contains(sign)))
    }
}
