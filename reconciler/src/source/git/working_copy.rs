//! Changing a remote repository: checked out, committed to, and pushed.

use std::path::{Path, PathBuf};

use reconciler_api::git_repository::GitReference;
use tempfile::TempDir;

use super::{GitError, GitProgram, Remote, resolve, storage};

/// Where the commit that was checked out is kept.
const BASE: &str = "refs/reconciler/base";

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

    /// Commits these files, and returns the id of the commit. With a key for ssh, the commit is signed.
    pub async fn commit(
        &self,
        files: &[PathBuf],
        author: &Author,
        message: &str,
        key: Option<&Path>,
    ) -> Result<String, GitError> {
        let own = TempDir::with_prefix("reconciler-commit-").map_err(storage)?;
        let (list, text) = (own.path().join("files"), own.path().join("message"));
        let names: Vec<String> = files.iter().map(|file| file.to_string_lossy().into_owned()).collect();
        std::fs::write(&list, names.join("\0")).map_err(storage)?;
        std::fs::write(&text, message).map_err(storage)?;
        let from = format!("--pathspec-from-file={}", list.display());
        // Paths are those below the root, whatever directory this process is in.
        let tree = self.directory.path().to_string_lossy().into_owned();
        self.run(&["-C", &tree, "add", "--pathspec-file-nul", &from]).await?;
        let (name, email) = (format!("user.name={}", author.name), format!("user.email={}", author.email));
        let text = text.display().to_string();
        let mut arguments = vec!["-c", &*name, "-c", &*email];
        let signing = key.map(|key| format!("user.signingKey={}", key.display()));
        if let Some(signing) = &signing {
            arguments.extend(["-c", "gpg.format=ssh", "-c", signing]);
        }
        arguments.extend(["commit", "--quiet", "--no-verify", "--cleanup=verbatim", "--allow-empty-message"]);
        if signing.is_some() {
            arguments.push("-S");
        }
        arguments.extend(["-F", &text]);
        self.run(&arguments).await?;
        self.run(&["rev-parse", "HEAD"]).await
    }

    /// Pushes the commit by a refspec such as `HEAD:refs/heads/main`.
    pub async fn push(&self, refspec: &str, force: bool, options: &[String]) -> Result<(), GitError> {
        let mut arguments = vec!["push", "--quiet"];
        if force {
            arguments.push("--force");
        }
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
