//! Where golden files are.

use kustomize_core::host::{EntryKind, Host, path};
use kustomize_core::kustomization::FILE_NAMES;
use kustomize_core::{BuildError, ErrorKind};

use crate::config::{CONFIG_FILE, ConfigFile};
use crate::git::{is_git, is_gits, is_kept_by_git};
use crate::place::{resolve_new, resolve_to_write, resolve_within, root_around};

/// The default name of golden files.
///
/// The name is one that [insta](https://insta.rs) gives to snapshots of this kind.
pub const GOLDEN_FILE: &str = "kustomization.snap.yaml";

/// No operating system has longer paths.
const LONGEST_PATH: usize = 4096;

/// Where the golden files of a repository are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    top: String,
    directory: Option<String>,
    file: String,
    /// Sorted.
    exclude: Vec<String>,
}

impl Layout {
    /// Golden files next to their overlays, in the repository with this top directory.
    #[must_use]
    pub fn new(top: &str) -> Self {
        Layout { top: path::clean(top), directory: None, file: GOLDEN_FILE.to_owned(), exclude: Vec::new() }
    }

    /// Finds the layout of the repository around a file or directory. Its configuration file is looked up
    /// in the directories above, up to the one with `.git`.
    ///
    /// # Errors
    /// There is nothing at the path, or the configuration is wrong.
    pub fn find(host: &dyn Host, start: &str) -> Result<Self, BuildError> {
        let start = resolve_within(host, start)?;
        let mut directory = start.as_str();
        loop {
            let exists = |name: &str| host.kind(&path::join(directory, name)).is_ok();
            if has_config(host, directory) {
                return Layout::read(host, directory);
            }
            if exists(".git") {
                return Ok(Layout::new(directory));
            }
            match path::parent(directory) {
                parent if parent == directory || parent == "." => break,
                parent => directory = parent,
            }
        }
        // No repository: the current directory takes its place.
        let here = host.current_directory().map_err(BuildError::no_current_directory)?;
        let here = host.resolve(&here).unwrap_or(here);
        Ok(Layout::new(if path::is_within(&here, &start) { &here } else { directory }))
    }

    fn read(host: &dyn Host, top: &str) -> Result<Self, BuildError> {
        let file = ConfigFile::read(host, top)?;
        let mut layout = Layout::new(top);
        if let Some(directory) = &file.config.directory {
            let refuse = || {
                let message = "goldens stand in a directory of their own below this file's";
                file.refuse(directory.pos, "directory", message.to_owned())
            };
            let place = layout.within(&directory.value).filter(|place| *place != layout.top);
            let place = resolve_new(host, &place.ok_or_else(refuse)?)?;
            // Links may lead to what git keeps, and Windows has another name for it. A submodule is
            // another repository.
            let is_own = place != layout.top
                && path::is_within(&layout.top, &place)
                && root_around(host, &place) == root_around(host, &layout.top)
                && !is_kept_by_git(host, &layout.top, &place);
            layout.directory = Some(if is_own { place } else { return Err(refuse()) });
        }
        if let Some(name) = &file.config.file {
            layout.file = checked_name(&name.value).map_err(|why| file.refuse(name.pos, "file", why))?;
        }
        for exclude in &file.config.exclude {
            let message = || "what is excluded stands below this file's directory".to_owned();
            let refuse = || file.refuse(exclude.pos, "exclude", message());
            layout.exclude.push(layout.within(&exclude.value).ok_or_else(refuse)?);
        }
        layout.exclude.sort_unstable();
        Ok(layout)
    }

    /// The layout for a directory: this one, or that of the other repository that the directory is in.
    pub(crate) fn at(&self, host: &dyn Host, directory: &str) -> Result<Self, BuildError> {
        let is_ours = self.directory.is_some()
            || path::is_within(&self.top, directory)
                && root_around(host, directory) == root_around(host, &self.top);
        if is_ours { Ok(self.clone()) } else { Layout::find(host, directory) }
    }

    /// The layout of the golden files alone, in a directory that they have for themselves.
    pub(crate) fn of_tree(&self) -> Self {
        let top = self.directory.as_ref().unwrap_or(&self.top).clone();
        Layout { top, directory: None, file: self.file.clone(), exclude: Vec::new() }
    }

    /// Puts golden files in the directory that whoever runs the tests has named, which need not exist
    /// yet, in a tree like that of the overlays.
    ///
    /// # Errors
    /// As [`in_directory`](Self::in_directory), and when there is no current directory, or a link leads
    /// out of a repository.
    pub fn in_given_directory(self, host: &dyn Host, given: &str) -> Result<Self, BuildError> {
        let directory = resolve_new(host, given)?;
        self.in_directory(&directory)
    }

    /// The place of a file or directory that was asked for, with links resolved.
    ///
    /// # Errors
    /// There is nothing, a link leads from a repository to elsewhere on the way to it, or there is no
    /// current directory.
    pub fn found_within(host: &dyn Host, given: &str) -> Result<String, BuildError> {
        resolve_within(host, given)
    }

    /// The place that a path to write to means, with links resolved. There need not be anything yet.
    ///
    /// # Errors
    /// A link leads from a repository to elsewhere on the way to it, or there is no current directory.
    pub fn place_within(host: &dyn Host, given: &str) -> Result<String, BuildError> {
        resolve_to_write(host, given)
    }

    /// Puts golden files in a directory of their own, in a tree like that of the overlays.
    ///
    /// # Errors
    /// [`ErrorKind::Golden`] for a directory that holds all overlays as well.
    pub fn in_directory(mut self, directory: &str) -> Result<Self, BuildError> {
        let directory = path::clean(directory);
        if path::is_within(&directory, &self.top) {
            let message =
                format!("goldens stand in a directory of their own, and {directory} has the overlays");
            return Err(BuildError::new(ErrorKind::Golden, message));
        }
        self.directory = Some(directory);
        Ok(self)
    }

    /// Sets the name of golden files.
    ///
    /// # Errors
    /// [`ErrorKind::Golden`] for what is no name of a file, or is that of a kustomization.
    pub fn with_file_name(mut self, name: &str) -> Result<Self, BuildError> {
        self.file = checked_name(name).map_err(|why| BuildError::new(ErrorKind::Golden, why))?;
        Ok(self)
    }

    /// The top of the repository.
    #[must_use]
    pub fn top(&self) -> &str {
        &self.top
    }

    /// The directory that golden files have for themselves, if they do not stand next to overlays.
    #[must_use]
    pub fn directory(&self) -> Option<&str> {
        self.directory.as_deref()
    }

    /// The name of golden files.
    #[must_use]
    pub fn file_name(&self) -> &str {
        &self.file
    }

    /// The directories that the configuration excludes, sorted.
    #[must_use]
    pub fn excluded(&self) -> &[String] {
        &self.exclude
    }

    /// Whether a directory is excluded, or contains golden files only.
    #[must_use]
    pub fn excludes(&self, directory: &str) -> bool {
        let has_goldens = self.directory.as_ref().is_some_and(|goldens| path::is_within(goldens, directory));
        has_goldens
            || path::ancestors(directory)
                .any(|place| self.exclude.binary_search_by(|other| other.as_str().cmp(place)).is_ok())
    }

    /// The golden file of the overlay in a directory.
    ///
    /// # Errors
    /// [`ErrorKind::Golden`] when golden files have a tree of their own and the overlay is not below
    /// the top of the repository, so that it has no place there.
    pub fn golden_of(&self, overlay: &str) -> Result<String, BuildError> {
        let Some(directory) = &self.directory else { return Ok(path::join(overlay, &self.file)) };
        if !path::is_within(&self.top, overlay) {
            let message = format!("{overlay} has no golden file: it is not below {}", self.top);
            return Err(BuildError::new(ErrorKind::Golden, message).in_file(overlay));
        }
        let below = path::join(directory, &path::relative(&self.top, overlay));
        Ok(path::join(&below, &self.file))
    }

    /// The overlay of a golden file; none for any other file.
    #[must_use]
    pub fn overlay_of(&self, golden: &str) -> Option<String> {
        let directory = path::parent(golden);
        if path::base_name(golden) != self.file {
            return None;
        }
        match &self.directory {
            None => Some(directory.to_owned()),
            Some(tree) if path::is_within(tree, directory) => {
                Some(path::join(&self.top, &path::relative(tree, directory)))
            }
            Some(_) => None,
        }
    }

    /// A path below the top; none if it leads elsewhere, or to git's own files.
    fn within(&self, written: &str) -> Option<String> {
        if written.len() > LONGEST_PATH {
            return None;
        }
        let place = path::join(&self.top, written);
        // Windows has a second separator.
        let is_plain = !path::is_absolute(written) && !written.contains('\\') && !is_gits(written);
        (is_plain && path::is_within(&self.top, &place)).then_some(place)
    }
}

/// Whether a directory has a configuration file, or a link in its place, wherever that leads.
fn has_config(host: &dyn Host, directory: &str) -> bool {
    let file = path::join(directory, CONFIG_FILE);
    match host.resolve(&file) {
        Ok(real) => real != file || host.kind(&file) == Ok(EntryKind::File),
        Err(_) => host.list(directory).is_ok_and(|names| names.iter().any(|name| name == CONFIG_FILE)),
    }
}

fn checked_name(name: &str) -> Result<String, String> {
    match name {
        "" | "." | ".." => Err("golden files need a name".to_owned()),
        _ if name.contains(['/', '\\', '\0']) => Err(format!("{name:?} is not the name of a file")),
        _ if is_git(name) => Err(format!("golden files cannot be called {name:?}, as what git keeps")),
        _ if FILE_NAMES.contains(&name) || name == CONFIG_FILE => {
            Err(format!("golden files cannot be called {name}: that name has a meaning of its own"))
        }
        _ => Ok(name.to_owned()),
    }
}
