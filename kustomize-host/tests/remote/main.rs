//! Bases in git repositories, against a real git server on this machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::print_stderr, clippy::unwrap_used)]

mod server;

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use kustomize_core::host::{EntryKind, Host, HostError, Repository};
use kustomize_core::{BuildError, BuildOptions, ErrorKind, build};
use kustomize_host::OsHost;
use server::{Server, commit, git, repository};

/// The machine, with a note of every checkout.
struct Noting {
    os: OsHost,
    checkouts: Mutex<Vec<String>>,
}

impl Host for Noting {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        self.os.read(path)
    }
    fn resolve(&self, path: &str) -> Result<String, HostError> {
        self.os.resolve(path)
    }
    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        self.os.kind(path)
    }
    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        self.os.list(directory)
    }
    fn fetch(&self, url: &str) -> Result<Vec<u8>, HostError> {
        self.os.fetch(url)
    }
    fn clone_repository(&self, repository: &Repository) -> Result<String, HostError> {
        let directory = self.os.clone_repository(repository)?;
        self.checkouts.lock().unwrap().push(directory.clone());
        Ok(directory)
    }
    fn remove_scratch(&self, directory: &str) {
        self.os.remove_scratch(directory);
    }
}

/// Builds a target with remote bases allowed. No checkout may be left afterwards.
fn render(target: &str) -> Result<String, BuildError> {
    let os = OsHost::new().allow_git();
    #[cfg(feature = "fetch")]
    let os = os.allow_http();
    let host = Noting { os, checkouts: Mutex::default() };
    let options = BuildOptions { enable_remote: true, ..BuildOptions::default() };
    let rendered = build(&host, target, &options).and_then(|rendered| rendered.yaml());
    for checkout in host.checkouts.lock().unwrap().iter() {
        assert!(!Path::new(checkout).exists(), "{checkout} was left behind");
    }
    rendered
}

/// Builds a kustomization with this one resource.
fn render_with(root: &Path, resource: &str) -> Result<String, BuildError> {
    let directory = root.join("use");
    std::fs::create_dir_all(&directory).unwrap();
    let text = format!("buildMetadata: [originAnnotations]\nresources:\n- {resource}\n");
    std::fs::write(directory.join("kustomization.yaml"), text).unwrap();
    render(&OsHost::path(&directory).unwrap())
}

/// What the base renders to when it says this.
fn rendered(says: &str, path: &str, repo: &str, reference: &str) -> String {
    let reference = if reference.is_empty() { String::new() } else { format!("      ref: {reference}\n") };
    format!(
        "apiVersion: v1\ndata:\n  says: {says}\nkind: ConfigMap\nmetadata:\n  annotations:\n    \
         config.kubernetes.io/origin: |\n      path: {path}\n      repo: {repo}\n{reference}  name: base\n"
    )
}

fn config_map(says: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: base}}\ndata: {{says: {says}}}\n")
}

/// A fresh place, and whether there is a git to test with.
fn place() -> Option<tempfile::TempDir> {
    if Command::new("git").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no git program on this machine");
        return None;
    }
    Some(tempfile::tempdir().unwrap())
}

const BASE: &str = "resources: [cm.yaml]\n";

#[test]
fn bases_come_from_repositories_at_any_ref() {
    let Some(place) = place() else { return };
    let root = place.path();
    let org = repository(
        root,
        "org/repo.git",
        &[("base/kustomization.yaml", BASE), ("base/cm.yaml", &config_map("one"))],
    );
    git(&org, &["tag", "v1"]);
    let first = git(&org, &["rev-parse", "HEAD"]);
    git(&org, &["checkout", "--quiet", "-b", "group/dev"]);
    commit(&org, &[("base/cm.yaml", &config_map("two"))]);
    git(&org, &["checkout", "--quiet", "main"]);
    commit(&org, &[("base/cm.yaml", &config_map("three")), ("kustomization.yaml", "resources: [base]\n")]);
    let url = Server::start(root).url;
    for (query, says) in [("", "three"), ("v1", "one"), ("group/dev", "two"), (first.as_str(), "one")] {
        let resource = format!(
            "{url}/org/repo.git//base{}",
            if query.is_empty() { String::new() } else { format!("?ref={query}") }
        );
        let wanted = rendered(says, "base/cm.yaml", &format!("{url}/org/repo.git"), query);
        assert_eq!(render_with(root, &resource).unwrap(), wanted, "{resource}");
    }
    // The same repository by its path, at its root, and as the target of the build itself.
    let file = format!("file://{}", org.display());
    let wanted = rendered("three", "notCloned/base/cm.yaml", &file, "");
    assert_eq!(render_with(root, &file).unwrap(), wanted);
    assert!(
        render(&format!("{url}/org/repo.git?ref=v1"))
            .unwrap_err()
            .to_string()
            .contains("no kustomization file")
    );
    assert!(render(&format!("{url}/org/repo.git/base?ref=v1")).unwrap().contains("says: one"));
}

#[test]
fn submodules_come_along() {
    let Some(place) = place() else { return };
    let root = place.path();
    repository(root, "org/inner.git", &[("kustomization.yaml", BASE), ("cm.yaml", &config_map("inner"))]);
    let outer = repository(root, "org/outer.git", &[("readme", "")]);
    git(&outer, &["submodule", "--quiet", "add", "../inner.git", "module"]);
    git(&outer, &["commit", "--quiet", "--message", "add"]);
    git(&outer, &["config", "-f", ".gitmodules", "submodule.module.url", "../inner.git"]);
    let url = Server::start(root).url;
    assert!(render(&format!("{url}/org/outer.git//module")).unwrap().contains("says: inner"));
    let error = render(&format!("{url}/org/outer.git//module?submodules=false")).unwrap_err();
    assert!(error.to_string().contains("no kustomization file"), "{error}");
}

#[test]
fn repositories_cannot_reach_out() {
    let Some(place) = place() else { return };
    let root = place.path();
    std::fs::write(root.join("secret.yaml"), config_map("secret")).unwrap();
    let secret = root.join("secret.yaml");
    let url = Server::start(root).url;
    let org = repository(
        root,
        "org/repo.git",
        &[
            ("file/kustomization.yaml", &format!("resources: [{}]\n", secret.display())),
            ("above/kustomization.yaml", "resources: [../../..]\n"),
            ("link/kustomization.yaml", "resources: [linked.yaml]\n"),
            ("circle/kustomization.yaml", &format!("resources: ['{url}/org/repo.git//circle']\n")),
        ],
    );
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&secret, org.join("link/linked.yaml")).unwrap();
        std::os::unix::fs::symlink(root, org.join("directory")).unwrap();
    }
    commit(&org, &[("readme", "")]);
    for (path, says) in [
        ("file", "is not in or below"),
        ("above", "leads out of the cloned repository"),
        ("link", "is not in or below"),
        ("directory", "leads out of the cloned repository"),
        ("circle", "in a circle"),
        ("none", "no such file"),
        ("file/kustomization.yaml", "is not a directory"),
    ] {
        let error = render(&format!("{url}/org/repo.git//{path}")).unwrap_err();
        assert!(error.to_string().contains(says), "{path}: {error}");
        assert!(!error.to_string().contains("kind: ConfigMap"));
    }
}

#[test]
fn what_cannot_be_cloned_is_told() {
    let Some(place) = place() else { return };
    let root = place.path();
    let url = Server::start(root).url;
    repository(root, "org/repo.git", &[("kustomization.yaml", BASE), ("cm.yaml", &config_map("x"))]);
    for (target, says) in [("org/none.git", "failed"), ("org/repo.git?ref=none", "none")] {
        let error = render(&format!("{url}/{target}")).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Remote, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let started = Instant::now();
    let error = render(&format!("{url}/hang.git?timeout=1s")).unwrap_err();
    assert!(error.to_string().contains("timed out after 1 s"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[cfg(feature = "fetch")]
#[test]
fn single_files_are_fetched() {
    let Some(place) = place() else { return };
    let root = place.path();
    std::fs::write(root.join("cm.yaml"), config_map("fetched")).unwrap();
    let url = Server::start(root).url;
    assert!(render_with(root, &format!("{url}/cm.yaml")).unwrap().contains("says: fetched"));
    let error = render_with(root, &format!("{url}/none.yaml")).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Host(HostError::Http { status: 404 }), "{error}");
    // What could be a repository as well is tried as one; both answers are told.
    let error = render_with(root, &format!("{url}/org/repo.git//none.yaml")).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Remote, "{error:?}");
    assert!(error.message().contains("git"), "{error:?}");
    let note = error.notes().iter().find(|note| note.message.starts_with("as a file: "));
    assert!(note.is_some_and(|note| note.message.ends_with("HTTP status 404")), "{error:?}");
    std::fs::write(root.join("page.yaml"), "<html>\n<p class='a'>: {</p>\n").unwrap();
    let error = render_with(root, &format!("{url}/page.yaml")).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Syntax, "{error}");
    let host = OsHost::new().max_file_size(8).allow_http();
    assert_eq!(host.fetch(&format!("{url}/cm.yaml")), Err(HostError::TooLarge { limit: 8 }));
}
