//! A repository to be served, and what fetches it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reconciler::source::git::{Commit, Credentials, GitError, GitProgram, Mirror};
use reconciler_api::git_repository::GitReference;
use tempfile::TempDir;

/// What a test ends with.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How long git may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A directory with a bare repository `served/repository.git`, which has one commit.
pub(crate) struct World {
    pub(crate) directory: TempDir,
}

impl World {
    pub(crate) fn new() -> Outcome<Self> {
        let world = World { directory: tempfile::tempdir()? };
        let work = world.path("work");
        std::fs::create_dir_all(&work)?;
        std::fs::create_dir_all(world.path("served"))?;
        std::fs::write(Path::new(&work).join("a.yaml"), "a: 1\n")?;
        let author = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
        run("git", &["init", "-q", "-b", "main", &work])?;
        run("git", &["-C", &work, "add", "."])?;
        run("git", &[&["-C", &work][..], &author, &["commit", "-q", "-m", "First"]].concat())?;
        run("git", &["clone", "-q", "--bare", &work, &world.path("served/repository.git")])?;
        Ok(world)
    }

    /// The path of something in the directory.
    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// Fetches a repository with what a Secret has, as the controller does it.
    pub(crate) async fn fetch(
        &self,
        url: &str,
        secret: &[(&str, &str)],
    ) -> Outcome<Result<Commit, GitError>> {
        let data: BTreeMap<String, Vec<u8>> =
            secret.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
        self.fetch_with(url, Credentials::from_secret(&data, url)?).await
    }

    /// Fetches a repository with credentials.
    pub(crate) async fn fetch_with(
        &self,
        url: &str,
        credentials: Credentials,
    ) -> Outcome<Result<Commit, GitError>> {
        let remote = GitProgram::new(url, credentials, PATIENCE);
        let mirror = tempfile::tempdir_in(self.directory.path())?;
        let wanted = GitReference { branch: Some("main".to_owned()), ..GitReference::default() };
        let commit = Mirror::open(mirror.path())?.fetch(&remote, &wanted).await;
        // What was fetched is read before its directory is gone.
        if let Ok(commit) = &commit {
            assert_eq!(kustomize_core::host::Host::read(&commit.tree, "/a.yaml")?, b"a: 1\n");
        }
        Ok(commit)
    }
}

/// Runs a program to its end, and returns what it prints.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new(program).args(arguments).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{program} {}: {said}", arguments.join(" ")).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether fetching was refused for the credentials. The message must not show them.
pub(crate) fn refused(fetched: Result<Commit, GitError>, secret: &str) -> Outcome<String> {
    match fetched {
        Err(GitError::Authentication(message)) if !message.contains(secret) => Ok(message),
        Err(other) => Err(format!("not refused, or with the secret in the message: {other}").into()),
        Ok(commit) => Err(format!("{} was fetched", commit.revision).into()),
    }
}
