//! Repositories with submodules, which are at the same server or at another one.

use std::path::Path;
use std::time::Duration;

use kustomize_core::host::{EntryKind, Host, HostError};
use reconciler::source::git::{Commit, Credentials, GitError, GitProgram, Mirror};
use reconciler_api::git_repository::GitReference;

use crate::server::{Access, serve, serve_and_note, serve_old};
use crate::world::{Outcome, World, run};

/// How long git may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const ROBOT: [(&str, &str); 2] = [("username", "robot"), ("password", "hunter2")];

/// Commits files and submodules in another repository of a world, and returns the id. Of a submodule, the path, the
/// address and the commit are given.
fn commit(
    world: &World,
    name: &str,
    files: &[(&str, &str)],
    modules: &[(&str, &str, &str)],
) -> Outcome<String> {
    let (work, bare) = (world.path(&format!("work-{name}")), world.path(&format!("served/{name}.git")));
    if !Path::new(&work).exists() {
        run("git", &["init", "-q", "-b", "main", &work])?;
        run("git", &["init", "-q", "--bare", &bare])?;
    }
    for (path, text) in files {
        let path = Path::new(&work).join(path);
        std::fs::create_dir_all(path.parent().ok_or("no parent")?)?;
        std::fs::write(&path, text)?;
        run("git", &["-C", &work, "add", &path.display().to_string()])?;
    }
    for (path, address, id) in modules {
        let list = format!("{work}/.gitmodules");
        run("git", &["config", "-f", &list, &format!("submodule.{path}.path"), path])?;
        run("git", &["config", "-f", &list, &format!("submodule.{path}.url"), address])?;
        run("git", &["-C", &work, "update-index", "--add", "--cacheinfo", &format!("160000,{id},{path}")])?;
        run("git", &["-C", &work, "add", ".gitmodules"])?;
    }
    let author = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
    run("git", &[&["-C", &work][..], &author, &["commit", "-q", "--allow-empty", "-m", "Next"]].concat())?;
    run("git", &["-C", &work, "push", "-q", &bare, "HEAD:refs/heads/main"])?;
    run("git", &["-C", &work, "rev-parse", "HEAD"])
}

fn program(url: &str, secret: &[(&str, &str)]) -> Outcome<GitProgram> {
    let data = secret.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
    Ok(GitProgram::new(url, Credentials::from_secret(&data, url)?, PATIENCE))
}

/// Fetches a repository with the submodules below some paths.
async fn fetch(mirror: &Mirror, remote: &GitProgram, only: &[&str]) -> Result<Commit, GitError> {
    let wanted = GitReference { branch: Some("main".to_owned()), ..GitReference::default() };
    let mut commit = mirror.fetch(remote, &wanted).await?;
    let only: Vec<String> = only.iter().map(|path| (*path).to_owned()).collect();
    mirror.add_submodules(remote, &mut commit, &only).await?;
    mirror.offer(&commit)?;
    Ok(commit)
}

fn open(world: &World) -> Outcome<Mirror> {
    Ok(Mirror::open(Path::new(&world.path("mirror")))?)
}

fn at(url: &str, name: &str) -> String {
    url.replace("repository.git", &format!("{name}.git"))
}

/// Both repositories want to know who asks. One submodule is in the other.
#[tokio::test]
async fn submodules_of_the_same_server() -> Outcome {
    let world = World::new()?;
    let url = serve(&world, Access::Basic("robot", "hunter2")).await?;
    let inner = commit(&world, "inner", &[("b.yaml", "b: 1\n")], &[])?;
    // The branch has moved on since.
    commit(&world, "inner", &[("b.yaml", "b: 2\n")], &[])?;
    let files = [("a.yaml", "a: 1\n"), ("docs/c.yaml", "c: 1\n"), (".sourceignore", "docs\n")];
    let outer = commit(&world, "outer", &files, &[("deep/inner", "../inner.git", &inner)])?;
    let modules = [("vendor/outer", at(&url, "outer")), ("top", "../inner.git".to_owned())];
    let modules = [("vendor/outer", &*modules[0].1, &*outer), ("top", &*modules[1].1, &*inner)];
    let files = [("d.yaml", "d: 1\n"), ("vendor/e.yaml", "e: 1\n"), ("vendor/zzz", "z")];
    commit(&world, "main", &files, &modules)?;

    let (mirror, remote) = (open(&world)?, program(&at(&url, "main"), &ROBOT)?);
    let first = fetch(&mirror, &remote, &[]).await?;
    let tree = &first.tree;
    assert_eq!(tree.list("/vendor")?, ["e.yaml", "outer", "zzz"]);
    assert_eq!(tree.read("/vendor/outer/a.yaml")?, b"a: 1\n");
    assert_eq!(tree.read("/vendor/outer/deep/inner/b.yaml")?, b"b: 1\n");
    assert_eq!(tree.read("/top/b.yaml")?, b"b: 1\n");
    let shown = mirror.leave_out(tree, "")?;
    assert_eq!(shown.read("/vendor/outer/docs/c.yaml"), Err(HostError::NotFound));
    let again = fetch(&mirror, &remote, &[]).await?;
    assert_eq!(again.tree.id(), tree.id());
    // What has come to be there before is read from disk.
    let recalled = mirror.recall(&first.revision).ok_or("it is gone")?;
    assert_eq!(recalled.tree.read("/vendor/outer/deep/inner/b.yaml")?, b"b: 1\n");

    let some = fetch(&mirror, &remote, &["./vendor/outer/deep"]).await?;
    assert_eq!(some.tree.read("/vendor/outer/deep/inner/b.yaml")?, b"b: 1\n");
    assert_eq!(some.tree.kind("/top")?, EntryKind::Other);

    // Another commit of a submodule.
    let outer = commit(&world, "outer", &[("a.yaml", "a: 2\n")], &[])?;
    commit(&world, "main", &[], &[("vendor/outer", &at(&url, "outer"), &outer)])?;
    let next = fetch(&mirror, &remote, &[]).await?;
    assert_eq!(next.tree.read("/vendor/outer/a.yaml")?, b"a: 2\n");
    assert_eq!(next.tree.read("/vendor/outer/deep/inner/b.yaml")?, b"b: 1\n");

    let wrong = program(&at(&url, "main"), &[("username", "robot"), ("password", "hunter3")])?;
    let other = tempfile::tempdir()?;
    match fetch(&Mirror::open(other.path())?, &wrong, &[]).await {
        Err(GitError::Authentication(_)) => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

/// Flux sends what the Secret has to whatever server a commit names.
#[tokio::test]
async fn another_server_is_told_no_password() -> Outcome {
    let world = World::new()?;
    let url = serve(&world, Access::Basic("robot", "hunter2")).await?;
    let (public, logins) = serve_and_note(&world, Access::Anyone).await?;
    let inner = commit(&world, "inner", &[("b.yaml", "b: 1\n")], &[])?;
    commit(&world, "main", &[], &[("lib", &at(&public, "inner"), &inner)])?;
    let fetched = fetch(&open(&world)?, &program(&at(&url, "main"), &ROBOT)?, &[]).await?;
    assert_eq!(fetched.tree.read("/lib/b.yaml")?, b"b: 1\n");
    let given = logins.take();
    assert!(!given.is_empty() && given.iter().all(String::is_empty), "{given:?}");

    // Not even if that server asks for one.
    let (private, logins) = serve_and_note(&world, Access::Bearer("ey.token")).await?;
    commit(&world, "main", &[("x", "x")], &[("lib", &at(&private, "inner"), &inner)])?;
    for secret in [&ROBOT[..], &[("bearerToken", "ey.token")]] {
        let parent = match secret {
            [_] => serve(&world, Access::Bearer("ey.token")).await?,
            _ => url.clone(),
        };
        let other = tempfile::tempdir()?;
        let remote = program(&at(&parent, "main"), secret)?;
        match fetch(&Mirror::open(other.path())?, &remote, &[]).await {
            Err(GitError::Authentication(said)) => assert!(said.contains("submodule 'lib'"), "{said}"),
            other => return Err(format!("{other:?}").into()),
        }
    }
    let given = logins.take();
    assert!(!given.is_empty() && given.iter().all(String::is_empty), "{given:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_hands_out_branches_only() -> Outcome {
    let world = World::new()?;
    let url = serve_old(&world).await?;
    let inner = commit(&world, "inner", &[("b.yaml", "b: 1\n")], &[])?;
    commit(&world, "inner", &[("b.yaml", "b: 2\n")], &[])?;
    commit(&world, "main", &[], &[("lib", "../inner.git", &inner)])?;
    let (mirror, remote) = (open(&world)?, program(&at(&url, "main"), &[])?);
    let fetched = fetch(&mirror, &remote, &[]).await?;
    assert_eq!(fetched.tree.read("/lib/b.yaml")?, b"b: 1\n");
    // No commit, no files.
    let missing = "1".repeat(40);
    commit(&world, "main", &[], &[("lib", "../inner.git", &missing)])?;
    let error = fetch(&mirror, &remote, &[]).await.err().ok_or("it was fetched")?;
    let wanted = format!("submodule 'lib': commit {missing} is not in the repository");
    assert_eq!(error.to_string(), wanted);
    Ok(())
}

/// A commit decides where its submodules are: it may lead to nothing that its repository could not.
#[tokio::test]
async fn addresses_that_submodules_cannot_have() -> Outcome {
    let world = World::new()?;
    let url = serve(&world, Access::Anyone).await?;
    let inner = commit(&world, "inner", &[("b.yaml", "b: 1\n")], &[])?;
    let here = world.path("served/inner.git");
    let local = format!("file://{here}");
    let touched = world.path("touched");
    let program_of_git = format!("ext::sh -c touch% {touched}");
    for (address, why) in [
        (&*here, "on the machine of the reconciler"),
        (&*local, "on the machine of the reconciler"),
        (&*program_of_git, "is not the address of a repository"),
        ("git://127.0.0.1/inner.git", "cannot be reached by 'git'"),
        ("http://169.254.169.254/latest", "link-local address"),
        ("git@169.254.169.254:latest", "needs the keys 'identity' and 'known_hosts'"),
        ("ssh://git@127.0.0.1/x", "needs the keys 'identity' and 'known_hosts'"),
        ("../../inner.git", "leads out of the server"),
    ] {
        commit(&world, "main", &[("x", address)], &[("lib", address, &inner)])?;
        let error = fetch(&open(&world)?, &program(&at(&url, "main"), &[])?, &[]).await.err();
        let error = error.ok_or_else(|| format!("{address} was fetched"))?.to_string();
        assert!(error.contains("submodule 'lib': ") && error.contains(why), "{address}: {error}");
    }
    let secret = [("identity", "a key"), ("known_hosts", "hosts")];
    commit(&world, "main", &[("x", "ssh")], &[("lib", "git@169.254.169.254:latest", &inner)])?;
    let error = fetch(&open(&world)?, &program(&at(&url, "main"), &secret)?, &[]).await.err();
    assert!(error.is_some_and(|error| error.to_string().contains("link-local address")));
    assert!(!Path::new(&touched).exists());

    // Next to a repository on the machine, unless a tenant has chosen that.
    commit(&world, "main", &[("x", "local")], &[("lib", "../inner.git", &inner)])?;
    let remote = program(&format!("file://{}", world.path("served/main.git")), &[])?;
    assert_eq!(fetch(&open(&world)?, &remote, &[]).await?.tree.read("/lib/b.yaml")?, b"b: 1\n");
    let other = tempfile::tempdir()?;
    let error = fetch(&Mirror::open(other.path())?, &remote.confined(), &[]).await.err();
    assert!(error.is_some_and(|error| error.to_string().contains("on the machine of the reconciler")));
    Ok(())
}

#[tokio::test]
async fn submodules_without_end() -> Outcome {
    let world = World::new()?;
    let url = serve(&world, Access::Anyone).await?;
    let mut id = commit(&world, "inner", &[("b.yaml", "b: 1\n")], &[])?;
    for _ in 0..11 {
        id = commit(&world, "inner", &[], &[("again", "../inner.git", &id)])?;
    }
    let remote = program(&at(&url, "inner"), &[])?;
    let error = fetch(&open(&world)?, &remote, &[]).await.err().ok_or("it was fetched")?;
    assert!(error.to_string().ends_with("submodules are more than 10 deep in each other"), "{error}");

    let leaf = commit(&world, "leaf", &[("b.yaml", "b: 1\n")], &[])?;
    let paths: Vec<String> = (0..101).map(|number| format!("m{number}")).collect();
    let modules: Vec<_> = paths.iter().map(|path| (&**path, "../leaf.git", &*leaf)).collect();
    commit(&world, "main", &[], &modules)?;
    let remote = program(&at(&url, "main"), &[])?;
    let error = fetch(&open(&world)?, &remote, &[]).await.err().ok_or("it was fetched")?;
    assert_eq!(error.to_string(), "the commit has more than 100 submodules");
    Ok(())
}
