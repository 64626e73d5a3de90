//! Repositories made with the program `git`, fetched and read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kustomize_core::host::{EntryKind, Host, HostError};
use reconciler::source::git::{Author, Credentials, GitError, GitProgram, Mirror, SigningKey, WorkingCopy};
use reconciler_api::git_repository::GitReference;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn git(directory: &Path, arguments: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    let output = Command::new("git")
        .current_dir(directory)
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn commit(
    directory: &Path,
    files: &[(&str, &str)],
    message: &str,
) -> Result<String, Box<dyn std::error::Error>> {
    for (name, content) in files {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().ok_or("no parent")?)?;
        std::fs::write(path, content)?;
    }
    git(directory, &["add", "."])?;
    git(directory, &["commit", "-q", "-m", message])?;
    git(directory, &["rev-parse", "HEAD"])
}

fn branch(name: &str) -> GitReference {
    GitReference { branch: Some(name.to_owned()), ..GitReference::default() }
}

#[tokio::test]
async fn references_are_found_and_files_read() -> Outcome {
    let directory = tempfile::tempdir()?;
    let work = directory.path().join("work");
    std::fs::create_dir(&work)?;
    git(&work, &["init", "-q"])?;
    let first = commit(&work, &[("apps/a.yaml", "a: 1\n")], "First commit\n\nWith a body")?;
    git(&work, &["tag", "-a", "v1.0.0", "-m", "one"])?;
    let second = commit(&work, &[("apps/a.yaml", "a: 2\n"), ("b.yaml", "b: 1\n")], "Second")?;
    git(&work, &["tag", "v1.1.0"])?;
    let url = format!("file://{}", work.display());
    let remote = GitProgram::new(url, Credentials::default(), Duration::from_secs(30));
    let mirror = Mirror::open(&directory.path().join("mirror"))?;

    let main = mirror.fetch(&remote, &branch("main")).await?;
    assert_eq!(main.revision, format!("main@sha1:{second}"));
    assert_eq!(main.subject, "Second");
    assert_eq!(main.tree.read("/apps/a.yaml")?, b"a: 2\n");
    assert_eq!(main.tree.list("/")?, ["apps", "b.yaml"]);
    assert_eq!(main.tree.kind("/apps")?, EntryKind::Directory);
    assert_eq!(main.tree.read("/apps"), Err(HostError::IsDirectory));
    assert_eq!(main.tree.read("/c"), Err(HostError::NotFound));

    let tag = GitReference { tag: Some("v1.0.0".to_owned()), ..GitReference::default() };
    let tag = mirror.fetch(&remote, &tag).await?;
    assert_eq!(tag.revision, format!("v1.0.0@sha1:{first}"));
    assert_eq!(tag.tree.read("/apps/a.yaml")?, b"a: 1\n");
    // The other commit can still be read.
    assert_eq!(main.tree.for_build().read("/apps/a.yaml")?, b"a: 2\n");

    let range = GitReference { semver: Some(">=1.0.0".to_owned()), ..GitReference::default() };
    assert_eq!(mirror.fetch(&remote, &range).await?.revision, format!("v1.1.0@sha1:{second}"));
    let name = GitReference { name: Some("refs/heads/main".to_owned()), ..GitReference::default() };
    assert_eq!(mirror.fetch(&remote, &name).await?.revision, format!("refs/heads/main@sha1:{second}"));
    let id = GitReference { commit: Some(first.clone()), ..branch("main") };
    assert_eq!(mirror.fetch(&remote, &id).await?.revision, format!("main@sha1:{first}"));

    // A branch that was forced to another history.
    git(&work, &["checkout", "-q", "--orphan", "other"])?;
    let third = commit(&work, &[("c.yaml", "c: 1\n")], "Third")?;
    git(&work, &["branch", "-M", "main"])?;
    assert_eq!(mirror.fetch(&remote, &branch("main")).await?.revision, format!("main@sha1:{third}"));
    Ok(())
}

#[tokio::test]
async fn errors_name_what_exists() -> Outcome {
    let directory = tempfile::tempdir()?;
    git(directory.path(), &["init", "-q"])?;
    commit(directory.path(), &[("a", "a")], "First")?;
    let url = format!("file://{}", directory.path().display());
    let remote = GitProgram::new(url, Credentials::default(), Duration::from_secs(30));
    let mirror = Mirror::open(&directory.path().join(".git/mirror"))?;
    let error = mirror.fetch(&remote, &branch("mian")).await.err().ok_or("found")?;
    assert_eq!(error.to_string(), r#"couldn't find remote ref "refs/heads/mian", did you mean "main"?"#);
    let error = mirror.fetch(&remote, &branch("a b")).await.err().ok_or("found")?;
    assert!(matches!(error, GitError::InvalidReference(_)), "{error}");
    let missing = GitProgram::new("file:///no/such/place", Credentials::default(), Duration::from_secs(30));
    let error = mirror.fetch(&missing, &branch("main")).await.err().ok_or("found")?;
    assert!(error.to_string().contains("/no/such/place"), "{error}");
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn links_stay_inside() -> Outcome {
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir()?;
    let work = directory.path().join("work");
    std::fs::create_dir(&work)?;
    git(&work, &["init", "-q"])?;
    symlink("real", work.join("linked"))?;
    symlink("../../../etc/passwd", work.join("out"))?;
    symlink("/etc/passwd", work.join("absolute"))?;
    symlink("loop", work.join("loop"))?;
    commit(&work, &[("real/a.yaml", "a: 1\n")], "First")?;
    let url = format!("file://{}", work.display());
    let remote = GitProgram::new(url, Credentials::default(), Duration::from_secs(30));
    let tree = Mirror::open(&directory.path().join("mirror"))?.fetch(&remote, &branch("main")).await?.tree;
    assert_eq!(tree.read("/linked/a.yaml")?, b"a: 1\n");
    assert_eq!(tree.resolve("/linked/a.yaml")?, "/real/a.yaml");
    assert_eq!(tree.content_id("/linked"), tree.content_id("/real"));
    for path in ["/out", "/absolute", "/loop"] {
        assert!(tree.read(path).is_err(), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn files_are_left_out() -> Outcome {
    let directory = tempfile::tempdir()?;
    let work = directory.path().join("work");
    std::fs::create_dir(&work)?;
    git(&work, &["init", "-q"])?;
    let files = [
        ("picture.png", "a"),
        ("apps/a.yaml", "a: 1\n"),
        ("apps/deep/b.yaml", "b: 1\n"),
        ("docs/c.yaml", "c: 1\n"),
        ("docs/text.md", "text"),
    ];
    commit(&work, &files, "First")?;
    let url = format!("file://{}", work.display());
    let remote = GitProgram::new(url, Credentials::default(), Duration::from_secs(30));
    let mirror = Mirror::open(&directory.path().join("mirror"))?;
    let tree = mirror.fetch(&remote, &branch("main")).await?.tree;

    // Without rules, Flux's defaults hold.
    let plain = mirror.leave_out(&tree, "")?;
    assert_eq!(plain.list("/")?, ["apps", "docs"]);
    assert_eq!(plain.id(), tree.id());

    let some = mirror.leave_out(&tree, "/*\n!/apps/deep\n")?;
    assert_eq!(some.list("/")?, ["apps"]);
    assert_eq!(some.list("/apps")?, ["deep"]);
    assert_eq!(some.kind("/docs"), Err(HostError::NotFound));
    assert_eq!(some.read("/apps/a.yaml"), Err(HostError::NotFound));
    assert_eq!(some.read("/apps/deep/b.yaml")?, b"b: 1\n");
    assert_eq!(some.content_id("/apps/deep/b.yaml"), tree.content_id("/apps/deep/b.yaml"));
    assert_ne!(some.content_id("/apps"), tree.content_id("/apps"));
    assert_ne!(some.id(), tree.id());

    let text = mirror.leave_out(&tree, "/*\n!*.md\n")?;
    assert_eq!(text.list("/")?, ["docs"]);
    assert_eq!(text.list("/docs")?, ["text.md"]);

    // The rules of the tree come first, and archives have the same files.
    commit(&work, &[("docs/.sourceignore", "*\n")], "Second")?;
    let tree = mirror.fetch(&remote, &branch("main")).await?.tree;
    let tree = mirror.leave_out(&tree, "!/docs/c.yaml\n")?;
    assert_eq!(tree.list("/docs")?, ["c.yaml"]);
    let packed = tree.pack(Vec::new())?.0;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&*packed));
    let mut names = Vec::new();
    for entry in archive.entries()? {
        names.push(entry?.path()?.display().to_string());
    }
    assert_eq!(
        names,
        [".", "apps", "apps/a.yaml", "apps/deep", "apps/deep/b.yaml", "docs", "docs/c.yaml", "picture.png"]
    );
    Ok(())
}

#[tokio::test]
async fn a_commit_that_is_held_survives_the_garbage_collection() -> Outcome {
    let directory = tempfile::tempdir()?;
    let work = directory.path().join("work");
    std::fs::create_dir(&work)?;
    git(&work, &["init", "-q"])?;
    commit(&work, &[("a.yaml", "a: 0\n")], "First")?;
    let url = format!("file://{}", work.display());
    let remote = GitProgram::new(url, Credentials::default(), Duration::from_secs(30));
    let mirror = Mirror::open(&directory.path().join("mirror"))?;
    let first = mirror.fetch(&remote, &branch("main")).await?.revision;
    mirror.hold("x/a.lock", &first)?;
    commit(&work, &[("a.yaml", "a: 1\n")], "Second")?;
    let second = mirror.fetch(&remote, &branch("main")).await?.revision;
    // More fetches than there may be packs.
    let fetch_many = async |from: u32| -> Outcome {
        for number in from..from + 20 {
            commit(&work, &[("a.yaml", &format!("a: {number}\n"))], "Next")?;
            mirror.fetch(&remote, &branch("main")).await?;
        }
        Ok(())
    };
    fetch_many(2).await?;
    assert!(mirror.recall(&second).is_none());
    let held = mirror.recall(&first).ok_or("it is gone")?;
    assert_eq!(held.tree.read("/a.yaml")?, b"a: 0\n");
    mirror.release("x/a.lock")?;
    mirror.release("x/a.lock")?;
    fetch_many(50).await?;
    assert!(mirror.recall(&first).is_none());
    // The remote still has it.
    let again = mirror.recall_or_fetch(&remote, &branch("main"), &first, "x/b").await?;
    assert_eq!(again.tree.read("/a.yaml")?, b"a: 0\n");
    fetch_many(100).await?;
    assert!(mirror.recall(&first).is_some());
    Ok(())
}

/// A bare repository with one commit, to which others push.
struct Shared {
    directory: tempfile::TempDir,
    remote: GitProgram,
}

impl Shared {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let directory = tempfile::tempdir()?;
        let work = directory.path().join("work");
        std::fs::create_dir(&work)?;
        git(&work, &["init", "-q"])?;
        commit(&work, &[("a.yaml", "a: 1\n")], "First")?;
        git(directory.path(), &["clone", "-q", "--bare", "work", "shared"])?;
        let url = format!("file://{}", directory.path().join("shared").display());
        Ok(Shared {
            directory,
            remote: GitProgram::new(url, Credentials::default(), Duration::from_secs(60)),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Changes a file, and pushes a commit that is signed.
    async fn push(&self, type_: &str, secret: &[(&str, Vec<u8>)]) -> Outcome {
        let data: BTreeMap<String, Vec<u8>> =
            secret.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let key = SigningKey::from_secret(Some(type_), &data)?;
        let copy = WorkingCopy::check_out(&self.remote, self.directory.path(), &branch("main"), None).await?;
        std::fs::write(copy.path().join("a.yaml"), format!("after: {}\n", self.head()?))?;
        let author = Author { name: "Bot".to_owned(), email: "bot@example.org".to_owned() };
        copy.commit(&[PathBuf::from("a.yaml")], &author, "Update", Some(&key)).await?;
        copy.push("HEAD:refs/heads/main", false, &[]).await?;
        Ok(())
    }

    fn head(&self) -> Result<String, Box<dyn std::error::Error>> {
        git(&self.path("shared"), &["rev-parse", "main"])
    }
}

#[tokio::test]
async fn commits_are_signed_with_ssh() -> Outcome {
    let shared = Shared::new()?;
    let first = shared.head()?;
    for (name, password) in [("plain", ""), ("locked", "it's a secret")] {
        let key = shared.path(name);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-C", "bot", "-N", password, "-f"])
            .arg(&key)
            .status()?;
        assert!(made.success());
        let identity = std::fs::read(&key)?;
        let wrong = [("identity", identity.clone()), ("password", b"wrong".to_vec())];
        if !password.is_empty() {
            let before = shared.head()?;
            let error = shared.push("ssh", &wrong).await.err().ok_or("a wrong password is taken")?;
            assert!(error.to_string().contains("incorrect passphrase"), "{error}");
            assert_eq!(shared.head()?, before);
        }
        shared.push("ssh", &[("identity", identity), ("password", password.into())]).await?;
        let public = std::fs::read_to_string(key.with_extension("pub"))?;
        let signers = shared.path("signers");
        std::fs::write(&signers, format!("bot@example.org {public}"))?;
        let allowed = format!("gpg.ssh.allowedSignersFile={}", signers.display());
        git(&shared.path("shared"), &["-c", &allowed, "verify-commit", "main"])?;
        let none = format!("gpg.ssh.allowedSignersFile={}", shared.path("work/a.yaml").display());
        assert!(git(&shared.path("shared"), &["-c", &none, "verify-commit", "main"]).is_err());
    }
    assert_ne!(shared.head()?, first);
    assert!(SigningKey::from_secret(Some("ssh"), &BTreeMap::new()).is_err());
    Ok(())
}

#[tokio::test]
async fn commits_are_signed_with_gpg() -> Outcome {
    let shared = Shared::new()?;
    let home = tempfile::Builder::new().prefix("gpg").tempdir()?;
    let gpg = |arguments: &[&str]| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let options = ["--batch", "--pinentry-mode", "loopback", "--passphrase", "secret"];
        let mut command = Command::new("gpg");
        let output = command.arg("--homedir").arg(home.path()).args(options).args(arguments).output()?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
        }
    };
    gpg(&["--quick-generate-key", "Signer <signer@example.org>", "ed25519", "sign", "never"])?;
    let key = gpg(&["--armor", "--export-secret-keys"])?;
    let public = gpg(&["--armor", "--export"])?;
    let first = shared.head()?;
    let wrong = [("git.asc", key.clone()), ("passphrase", b"wrong".to_vec())];
    assert!(shared.push("gpg", &wrong).await.is_err());
    assert!(shared.push("gpg", &[("git.asc", public)]).await.is_err());
    assert!(shared.push("gpg", &[("git.asc", b"text".to_vec())]).await.is_err());
    assert_eq!(shared.head()?, first);
    shared.push("gpg", &[("git.asc", key), ("passphrase", b"secret".to_vec())]).await?;
    assert_ne!(shared.head()?, first);
    let verified = Command::new("git")
        .current_dir(shared.path("shared"))
        .args(["verify-commit", "main"])
        .env("GNUPGHOME", home.path())
        .output()?;
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let mut end = Command::new("gpgconf");
    end.arg("--homedir").arg(home.path()).args(["--kill", "all"]).status()?;
    Ok(())
}
