//! Sets the marked values in the files of a directory.

use std::io;
use std::path::{Path, PathBuf};

use reconciler_core::setters::{Change, Setters, is_searched};
use thiserror::Error;

/// The largest file that is searched.
const LARGEST: u64 = 16 << 20;
/// How deep directories may be nested.
const DEEPEST: usize = 64;

/// Why files were not updated.
#[derive(Debug, Error)]
pub enum UpdateError {
    /// The directory does not exist.
    #[error("walking path for files: lstat {0}: no such file or directory")]
    NoDirectory(String),
    /// The directory is a link, which could lead anywhere.
    #[error("the path {0} goes through a symbolic link")]
    Link(String),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What happened.
        source: io::Error,
    },
}

/// What was updated.
#[derive(Debug, Default)]
pub struct Updated {
    /// The files, by their paths below the root.
    pub files: Vec<PathBuf>,
    /// The values that were set.
    pub changes: Vec<Change>,
}

/// Sets the marked values in the files below a folder of a root, and writes those that changed. Links are
/// not followed.
pub fn update(root: &Path, folder: &str, setters: &Setters) -> Result<Updated, UpdateError> {
    let mut start = root.to_owned();
    for part in folder.split('/').filter(|part| !part.is_empty()) {
        start.push(part);
        let found = start.symlink_metadata().map_err(|_| UpdateError::NoDirectory(folder.to_owned()))?;
        if found.file_type().is_symlink() {
            return Err(UpdateError::Link(folder.to_owned()));
        }
    }
    let mut updated = Updated::default();
    let place = Place { root, start: &start };
    place.walk(&start, 0, setters, &mut updated)?;
    Ok(updated)
}

/// Where files are searched.
struct Place<'a> {
    root: &'a Path,
    start: &'a Path,
}

impl Place<'_> {
    fn walk(
        &self,
        directory: &Path,
        depth: usize,
        setters: &Setters,
        updated: &mut Updated,
    ) -> Result<(), UpdateError> {
        if depth > DEEPEST {
            return Ok(());
        }
        let fail = |error| self.fail(directory, error);
        let mut entries: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(fail)? {
            entries.push(entry.map_err(fail)?.path());
        }
        entries.sort();
        for path in entries {
            let found = path.symlink_metadata().map_err(|error| self.fail(&path, error))?;
            if found.is_dir() {
                let is_repository = path.file_name().is_some_and(|name| name == ".git");
                if !is_repository {
                    self.walk(&path, depth + 1, setters, updated)?;
                }
            } else if found.is_file() && found.len() <= LARGEST && is_searched(&path.to_string_lossy()) {
                self.file(&path, setters, updated)?;
            }
        }
        Ok(())
    }

    fn file(&self, path: &Path, setters: &Setters, updated: &mut Updated) -> Result<(), UpdateError> {
        let bytes = std::fs::read(path).map_err(|error| self.fail(path, error))?;
        // What is not text has no markers.
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        let name = path.strip_prefix(self.start).unwrap_or(path).to_string_lossy();
        let Some((text, mut changes)) = setters.apply(&name, &text) else { return Ok(()) };
        std::fs::write(path, text).map_err(|error| self.fail(path, error))?;
        updated.files.push(path.strip_prefix(self.root).unwrap_or(path).to_owned());
        updated.changes.append(&mut changes);
        Ok(())
    }

    fn fail(&self, path: &Path, source: io::Error) -> UpdateError {
        let path = path.strip_prefix(self.root).unwrap_or(path);
        UpdateError::File { path: path.display().to_string(), source }
    }
}

#[cfg(test)]
mod tests {
    use reconciler_api::image_policy::ImageRef;

    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn setters() -> Result<Setters, Box<dyn std::error::Error>> {
        let mut setters = Setters::default();
        let latest = ImageRef { name: "nginx".to_owned(), tag: "1.30.0".to_owned(), digest: None };
        setters.add("staging", "nginx-policy", &latest)?;
        Ok(setters)
    }

    const MARKED: &str = "kind: X\ntag: 1.20.0 # {\"$imagepolicy\": \"staging:nginx-policy:tag\"}\n";

    #[test]
    fn only_files_below_the_folder_change() -> Outcome {
        let root = tempfile::tempdir()?;
        for name in ["apps/a.yaml", "other/a.yaml", "apps/.git/a.yaml", "apps/a.txt"] {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().ok_or("no parent")?)?;
            std::fs::write(path, MARKED)?;
        }
        let updated = update(root.path(), "apps", &setters()?)?;
        assert_eq!(updated.files, [Path::new("apps/a.yaml")]);
        assert_eq!(updated.changes.first().map(|change| &*change.file), Some("a.yaml"));
        assert!(std::fs::read_to_string(root.path().join("apps/a.yaml"))?.contains("tag: 1.30.0 #"));
        assert!(update(root.path(), "apps", &setters()?)?.files.is_empty());
        let missing = update(root.path(), "nope", &setters()?);
        assert!(matches!(missing, Err(UpdateError::NoDirectory(_))));
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() -> Outcome {
        let (root, outside) = (tempfile::tempdir()?, tempfile::tempdir()?);
        std::fs::write(outside.path().join("a.yaml"), MARKED)?;
        std::os::unix::fs::symlink(outside.path(), root.path().join("apps"))?;
        std::os::unix::fs::symlink(outside.path().join("a.yaml"), root.path().join("b.yaml"))?;
        assert!(matches!(update(root.path(), "apps", &setters()?), Err(UpdateError::Link(_))));
        assert!(update(root.path(), "", &setters()?)?.files.is_empty());
        Ok(())
    }
}
