//! The programs of the Go module, built once and kept outside the clone.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::{MODULE, go};
use crate::steps::human;
use crate::{Failure, workspace};

/// The package whose variables hold the version that the API server reports. Without it, kubectl
/// cannot read what the server says of itself.
const VERSION_PACKAGE: &str = "k8s.io/component-base/version";

/// How often the progress of a build is printed.
const REPORT: Duration = Duration::from_secs(15);

/// Builds the programs unless they are in the cache, and returns their directory.
///
/// # Errors
/// There is no Go, or a program does not compile.
pub fn build() -> Result<PathBuf, Failure> {
    let module = workspace::root().join(MODULE);
    let go_version = go::version()?;
    let key = key(&module, &go_version)?;
    let cache = cache_root()?;
    let directory = cache.join(&key);
    if directory.is_dir() {
        println!("the control plane is built already: {}", directory.display());
        return Ok(directory);
    }
    std::fs::create_dir_all(&cache)?;
    // Built under another name first: a build that was cut off is not taken for a whole one.
    let unfinished = tempfile::Builder::new().prefix("unfinished-").tempdir_in(&cache)?;
    compile(unfinished.path(), &go_version)?;
    let built = unfinished.keep();
    match std::fs::rename(&built, &directory) {
        Ok(()) => {}
        // Another run was faster; its programs are the same.
        Err(_) if directory.is_dir() => std::fs::remove_dir_all(&built)?,
        Err(error) => return Err(error.into()),
    }
    remove_older(&cache, &directory);
    Ok(directory)
}

/// Where the caches of all keys are.
pub(super) fn cache_root() -> Result<PathBuf, Failure> {
    let base = std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || {
        Some(
            PathBuf::from(std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"))?)
                .join(".cache"),
        )
    };
    let base = base.or_else(home).ok_or("neither XDG_CACHE_HOME nor HOME is set: no place for a cache")?;
    Ok(base.join("kustomize-rs").join("e2e"))
}

/// What the programs depend on, as one short name: the sources, go.mod, go.sum and the version of Go.
fn key(module: &Path, go_version: &str) -> Result<String, Failure> {
    let mut files = Vec::new();
    sources(module, &mut files)?;
    files.sort();
    let mut hash = Sha256::new();
    hash.update(go_version);
    for file in files {
        let content = std::fs::read(&file)?;
        let name = file.strip_prefix(module).unwrap_or(&file).to_string_lossy().into_owned();
        hash.update(format!("\0{name}\0{}\0", content.len()));
        hash.update(content);
    }
    let digest = hash.finalize();
    Ok(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

/// Adds the files below a directory that a build reads.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            sources(&path, found)?;
        } else if matches!(extension, Some("go" | "mod" | "sum")) {
            found.push(path);
        }
    }
    Ok(())
}

/// Compiles the programs into a directory, and prints how far it is.
fn compile(directory: &Path, go_version: &str) -> Result<(), Failure> {
    let version = kubernetes_version()?;
    println!(
        "building a control plane of Kubernetes {version} with {go_version}: about six minutes the first time \
         on two cores, seconds afterwards"
    );
    let minor = version.split('.').nth(1).unwrap_or_default();
    let stamp = [
        ("gitVersion", format!("v{version}")),
        ("gitMajor", "1".to_owned()),
        ("gitMinor", minor.to_owned()),
        ("gitTreeState", "clean".to_owned()),
        ("buildDate", "2026-01-01T00:00:00Z".to_owned()),
    ];
    let stamp: String =
        stamp.iter().map(|(name, value)| format!(" -X {VERSION_PACKAGE}.{name}={value}")).collect();
    let mut command = go::command();
    command.args(["build", "-v", "-trimpath"]).arg(format!("-ldflags=-s -w{stamp}"));
    command.arg("-o").arg(directory).arg("./cmd/...").env("CGO_ENABLED", "0");

    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let (mut compiled, mut fetched, mut reported) = (0, 0, Instant::now());
    let mut messages = Vec::new();
    for line in child.stderr.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
        let line = line?;
        match line.strip_prefix("go: downloading ") {
            Some(_) => fetched += 1,
            // With -v, Go prints the path of each package that it compiles.
            None if is_package(&line) => compiled += 1,
            None => messages.push(line),
        }
        if reported.elapsed() >= REPORT {
            println!(
                "  {}: {fetched} modules fetched, {compiled} packages compiled (about 1,900 when all are new)",
                human(started.elapsed())
            );
            reported = Instant::now();
        }
    }
    if !child.wait()?.success() {
        return Err(format!("the control plane does not compile:\n{}", messages.join("\n")).into());
    }
    println!("  built in {}, {compiled} packages compiled", human(started.elapsed()));
    Ok(())
}

/// Whether a line of `go build -v` is a package's path and no message.
fn is_package(line: &str) -> bool {
    !line.is_empty() && !line.starts_with(['#', '\t']) && !line.contains([' ', ':'])
}

/// The version of Kubernetes that go.mod asks for, without `v`.
fn kubernetes_version() -> Result<String, Failure> {
    let text = std::fs::read_to_string(workspace::root().join(MODULE).join("go.mod"))?;
    let found = text.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes v"));
    Ok(found.ok_or(format!("{MODULE}/go.mod does not require k8s.io/kubernetes"))?.trim().to_owned())
}

/// Removes the programs of older sources: 130 MB each. Those that cannot be removed stay.
fn remove_older(cache: &Path, kept: &Path) {
    let old = |path: &Path| {
        let changed = path.metadata().and_then(|metadata| metadata.modified()).ok();
        changed
            .and_then(|time| time.elapsed().ok())
            .is_some_and(|age| age > Duration::from_secs(7 * 24 * 3600))
    };
    for path in std::fs::read_dir(cache).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path != kept && old(&path) {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_package, key};

    #[test]
    fn packages_are_told_from_messages() {
        assert!(is_package("k8s.io/api/core/v1"));
        assert!(!is_package("cmd/testcluster/up.go:12:3: undefined: x"));
        assert!(!is_package("# k8s.io/api/core/v1"));
    }

    #[test]
    fn the_key_follows_sources_and_go() -> Result<(), crate::Failure> {
        let module = tempfile::tempdir()?;
        std::fs::create_dir(module.path().join("cmd"))?;
        std::fs::write(module.path().join("cmd/main.go"), "package main")?;
        let first = key(module.path(), "go1.26.0")?;
        assert_ne!(first, key(module.path(), "go1.26.1")?);
        std::fs::write(module.path().join("README.md"), "text")?;
        assert_eq!(first, key(module.path(), "go1.26.0")?);
        std::fs::write(module.path().join("cmd/main.go"), "package main\n")?;
        assert_ne!(first, key(module.path(), "go1.26.0")?);
        Ok(())
    }
}
