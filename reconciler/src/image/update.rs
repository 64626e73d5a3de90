//! Sets the marked values in the files of a directory.

use std::io;
use std::path::{Path, PathBuf};

use kustomize_core::closest;
use reconciler_core::setters::{Change, IgnoredMarker, PolicyNames, Setters, is_searched};
use thiserror::Error;

/// The largest file that is searched.
const LARGEST: u64 = 16 << 20;
/// How deep directories may be nested.
const DEEPEST: usize = 64;

/// Why files were not updated.
#[derive(Debug, Error)]
pub enum UpdateError {
    /// The directory does not exist.
    #[error("walking path for files: lstat {folder}: no such file or directory")]
    NoDirectory {
        /// The directory.
        folder: String,
        /// The one that was probably meant.
        closest: Option<String>,
        /// Those that there are in the last part of the path that exists.
        known: Vec<String>,
    },
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
    let place = Place { root, start: start(root, folder)? };
    let mut updated = Updated::default();
    place.walk(&place.start, 0, &mut |path, text| place.set(path, text, setters, &mut updated))?;
    Ok(updated)
}

/// The markers that set nothing in the files below a folder of a root. Each has the path below the root.
pub fn ignored_markers(
    root: &Path,
    folder: &str,
    names: &PolicyNames,
) -> Result<Vec<IgnoredMarker>, UpdateError> {
    let place = Place { root, start: start(root, folder)? };
    let mut ignored = Vec::new();
    place.walk(&place.start, 0, &mut |path, text| {
        let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
        ignored.append(&mut names.ignored(&name, text));
        Ok(())
    })?;
    Ok(ignored)
}

/// The directory in which files are searched.
fn start(root: &Path, folder: &str) -> Result<PathBuf, UpdateError> {
    let mut start = root.to_owned();
    for part in folder.split('/').filter(|part| !part.is_empty()) {
        let parent = start.clone();
        start.push(part);
        let found = start.symlink_metadata().map_err(|_| missing(root, folder, &parent, part))?;
        if found.file_type().is_symlink() {
            return Err(UpdateError::Link(folder.to_owned()));
        }
    }
    Ok(start)
}

/// What is said of a folder of which `part` is the first that does not exist.
fn missing(root: &Path, folder: &str, parent: &Path, part: &str) -> UpdateError {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let names = directories.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name != ".git").collect();
    names.sort();
    let shown = |name: &str| {
        let path = parent.join(name);
        path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned()
    };
    let closest = closest(part, names.iter().map(String::as_str)).map(shown);
    let known = names.iter().map(|name| shown(name)).collect();
    UpdateError::NoDirectory { folder: folder.to_owned(), closest, known }
}

/// What is done with a file that has been read.
type Visit<'a> = dyn FnMut(&Path, &str) -> Result<(), UpdateError> + 'a;

/// Where files are searched.
struct Place<'a> {
    root: &'a Path,
    start: PathBuf,
}

impl Place<'_> {
    fn walk(&self, directory: &Path, depth: usize, visit: &mut Visit<'_>) -> Result<(), UpdateError> {
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
                    self.walk(&path, depth + 1, visit)?;
                }
            } else if found.is_file() && found.len() <= LARGEST && is_searched(&path.to_string_lossy()) {
                let bytes = std::fs::read(&path).map_err(|error| self.fail(&path, error))?;
                // What is not text has no markers.
                if let Ok(text) = String::from_utf8(bytes) {
                    visit(&path, &text)?;
                }
            }
        }
        Ok(())
    }

    fn set(
        &self,
        path: &Path,
        text: &str,
        setters: &Setters,
        updated: &mut Updated,
    ) -> Result<(), UpdateError> {
        let name = path.strip_prefix(&self.start).unwrap_or(path).to_string_lossy();
        let Some((text, mut changes)) = setters.apply(&name, text) else { return Ok(()) };
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
        Ok(())
    }

    #[test]
    fn a_folder_that_is_missing_is_said_with_those_that_exist() -> Outcome {
        let root = tempfile::tempdir()?;
        for name in ["apps/overlays/staging", "apps/overlays/production", ".git"] {
            std::fs::create_dir_all(root.path().join(name))?;
        }
        let found = |folder: &str| match update(root.path(), folder, &Setters::default()) {
            Err(UpdateError::NoDirectory { closest, known, .. }) => {
                (closest.unwrap_or_default(), known.join(" "))
            }
            other => (format!("{other:?}"), String::new()),
        };
        let overlays = "apps/overlays/production apps/overlays/staging".to_owned();
        assert_eq!(found("apps/overlays/stagin"), ("apps/overlays/staging".to_owned(), overlays.clone()));
        assert_eq!(found("apps/overlays/x/y"), (String::new(), overlays));
        assert_eq!(found("app/overlays/staging"), ("apps".to_owned(), "apps".to_owned()));
        Ok(())
    }

    #[test]
    fn markers_that_set_nothing_have_their_path_below_the_root() -> Outcome {
        let root = tempfile::tempdir()?;
        std::fs::create_dir_all(root.path().join("apps"))?;
        std::fs::write(root.path().join("apps/a.yaml"), MARKED)?;
        let names = PolicyNames { namespace: "staging".to_owned(), ..PolicyNames::default() };
        let found = ignored_markers(root.path(), "apps", &names)?;
        assert_eq!(
            found.iter().map(|marker| (&*marker.file, marker.line)).collect::<Vec<_>>(),
            [("apps/a.yaml", 2)]
        );
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
