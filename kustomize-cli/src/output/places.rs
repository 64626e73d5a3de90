//! Where several kustomizations go below one directory.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kustomize_diagnostic::Diagnostic;
use kustomize_host::OsHost;

use crate::failure::Failure;

/// A directory for each kustomization, as they lie below the nearest directory that holds them all:
/// `overlays/a` and `overlays/b` go to `a` and `b`.
pub(crate) fn directories_below(root: &Path, targets: &[String]) -> Result<Vec<PathBuf>, Failure> {
    let real = targets.iter().map(|target| {
        fs::canonicalize(OsHost::machine_path(target)).map_err(|_| {
            let message = format!("{target} is no directory, so that none can be named like it");
            Failure::from(Diagnostic::error(message).with_help("build it alone, or write to a file"))
        })
    });
    let real: Vec<PathBuf> = real.collect::<Result<_, _>>()?;
    if let Some(twice) = first_of_two(&real) {
        return Err(Failure::new(format!("{} is given twice", twice.display())));
    }
    Ok(below_what_they_share(&real).map(|path| root.join(path)).collect())
}

/// A path that is given twice.
fn first_of_two(paths: &[PathBuf]) -> Option<&PathBuf> {
    let mut seen = BTreeSet::new();
    paths.iter().find(|path| !seen.insert(*path))
}

/// Each path below the nearest directory that holds them all. One that holds the others is not that.
fn below_what_they_share(paths: &[PathBuf]) -> impl Iterator<Item = &Path> {
    let mut shared = paths.first().and_then(|path| path.parent());
    while let Some(directory) = shared
        && !paths.iter().all(|path| path.starts_with(directory) && path != directory)
    {
        shared = directory.parent();
    }
    paths.iter().map(move |path| match shared.and_then(|shared| path.strip_prefix(shared).ok()) {
        Some(below) => below,
        None => path.as_path(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(paths: &[&str]) -> Vec<String> {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        below_what_they_share(&paths).map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn directories_are_named_as_they_lie() {
        assert_eq!(places(&["/r/overlays/a", "/r/overlays/b"]), ["a", "b"]);
        assert_eq!(
            places(&["/r/x/overlays/prod", "/r/y/overlays/prod"]),
            ["x/overlays/prod", "y/overlays/prod"]
        );
        assert_eq!(places(&["/r/base", "/r/base/overlay"]), ["base", "base/overlay"]);
        assert_eq!(places(&["/r/base/overlay", "/r/base", "/s"]), ["r/base/overlay", "r/base", "s"]);
    }
}
