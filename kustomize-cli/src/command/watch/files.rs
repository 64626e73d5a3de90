//! The files that are watched.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use kustomize_host::OsHost;
use notify::event::{ModifyKind, RemoveKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::failure::Failure;

/// Changes that come so shortly after each other are one: editors write a file in several steps.
const SETTLES_WITHIN: Duration = Duration::from_millis(3);

/// Tells of changes at paths that were asked for. Directories are watched rather than files, so
/// that files which appear, or are replaced by others of their name, are noticed.
pub(super) struct Files {
    watcher: RecommendedWatcher,
    events: Receiver<notify::Result<Event>>,
    paths: BTreeSet<PathBuf>,
    directories: BTreeSet<PathBuf>,
}

/// What has changed.
pub(super) enum Changed {
    /// What stands at these paths.
    At(Vec<String>),
    /// Perhaps everything: links or directories are others now, or there was more than could be told.
    Anything,
}

impl Files {
    /// Watches nothing yet.
    pub(super) fn new() -> Result<Self, Failure> {
        let (sender, events) = channel();
        let watcher = notify::recommended_watcher(sender).map_err(|error| refused(&error))?;
        Ok(Files { watcher, events, paths: BTreeSet::new(), directories: BTreeSet::new() })
    }

    /// Watches these paths and no others. Says whether any of them was not watched until now, and may
    /// have changed in the meantime.
    pub(super) fn watch(&mut self, paths: &[String]) -> Result<bool, Failure> {
        self.paths = paths.iter().map(|path| OsHost::machine_path(path)).collect();
        let directories: BTreeSet<PathBuf> =
            self.paths.iter().filter_map(|path| nearest_directory(path)).collect();
        for gone in self.directories.difference(&directories) {
            // It may not exist any more.
            let _ = self.watcher.unwatch(gone);
        }
        let mut any_new = false;
        for new in directories.difference(&self.directories) {
            self.watcher.watch(new, RecursiveMode::NonRecursive).map_err(|error| refused(&error))?;
            any_new = true;
        }
        self.directories = directories;
        Ok(any_new)
    }

    /// Watches nothing any more: a directory of the same name may be another one.
    pub(super) fn forget(&mut self) {
        for directory in std::mem::take(&mut self.directories) {
            let _ = self.watcher.unwatch(&directory);
        }
    }

    /// Waits until something has changed that may make a difference to the paths.
    pub(super) fn wait(&self) -> Result<Changed, Failure> {
        let (mut changed, mut anything) = (BTreeSet::new(), false);
        loop {
            let event = if changed.is_empty() && !anything {
                self.events.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                self.events.recv_timeout(SETTLES_WITHIN)
            };
            match event {
                Ok(Ok(event)) => {
                    anything |= is_of_structure(&event);
                    changed.extend(self.relevant(&event));
                }
                Ok(Err(error)) => return Err(refused(&error)),
                Err(RecvTimeoutError::Timeout) if anything => return Ok(Changed::Anything),
                Err(RecvTimeoutError::Timeout) => return Ok(Changed::At(changed.into_iter().collect())),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::new("files cannot be watched any longer"));
                }
            }
        }
    }

    /// The paths of an event that make a difference: those asked for, and what they are below of.
    fn relevant(&self, event: &Event) -> Vec<String> {
        if event.kind.is_access() {
            return Vec::new();
        }
        let matters = |changed: &&PathBuf| {
            // What is below a path comes right behind it.
            self.paths.range(PathBuf::clone(changed)..).next().is_some_and(|path| path.starts_with(changed))
                || changed.parent().is_some_and(|parent| self.paths.contains(parent))
        };
        event.paths.iter().filter(matters).filter_map(|path| OsHost::path(path)).collect()
    }
}

/// Whether links or directories have come or gone, or events were lost.
fn is_of_structure(event: &Event) -> bool {
    let is_no_file = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file());
    match event.kind {
        _ if event.need_rescan() => true,
        EventKind::Remove(RemoveKind::Folder) => true,
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_)) => event.paths.iter().any(is_no_file),
        _ => false,
    }
}

/// The directory of a path, or the nearest above it that exists.
fn nearest_directory(path: &Path) -> Option<PathBuf> {
    path.ancestors().skip(1).find(|directory| directory.is_dir()).map(Path::to_path_buf)
}

fn refused(error: &notify::Error) -> Failure {
    Failure::new(format!("files cannot be watched: {error}"))
}
