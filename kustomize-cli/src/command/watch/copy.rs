//! What is built, kept in files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Overlay, State};
use crate::args::WatchArgs;
use crate::command::build::SEPARATOR;
use crate::failure::Failure;
use crate::output::{self, directories_below};

/// The place where what is built is kept.
pub(super) struct Copy {
    place: PathBuf,
    /// A directory for each kustomization, and the files that were written there; none when all go
    /// to one file.
    directories: Option<Vec<(PathBuf, BTreeSet<PathBuf>)>>,
}

impl Copy {
    /// The place that was asked for, if one was.
    pub(super) fn new(args: &WatchArgs) -> Result<Option<Self>, Failure> {
        // An empty path is none, as for `build`.
        let Some(place) = args.output.as_deref().filter(|path| !path.is_empty()).map(Path::new) else {
            return Ok(None);
        };
        let directories = match args.targets.as_slice() {
            _ if !place.is_dir() => None,
            [_] => Some(vec![place.to_owned()]),
            several => Some(directories_below(place, several)?),
        };
        let with_files = |all: Vec<PathBuf>| all.into_iter().map(|one| (one, BTreeSet::new())).collect();
        Ok(Some(Copy { place: place.to_owned(), directories: directories.map(with_files) }))
    }

    /// Whether each resource gets a file of its own.
    pub(super) fn has_files(&self) -> bool {
        self.directories.is_some()
    }

    /// Writes what is another than before. Of resources that are gone, the files that were written
    /// here go as well; nothing else is removed.
    pub(super) fn write(&mut self, overlays: &mut [Overlay]) -> Result<(), Failure> {
        if !overlays.iter().any(|overlay| overlay.is_new) {
            return Ok(());
        }
        let Some(directories) = &mut self.directories else {
            let texts: Option<Vec<&str>> = overlays.iter().map(Overlay::text).collect();
            // One file for all is written when all can be built.
            let Some(texts) = texts else { return Ok(()) };
            let texts: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
            output::to_file(&self.place, texts.join(SEPARATOR).as_bytes())?;
            overlays.iter_mut().for_each(|overlay| overlay.is_new = false);
            return Ok(());
        };
        for (overlay, (directory, written)) in overlays.iter_mut().zip(directories) {
            let State::Built { files: Some(files), .. } = &mut overlay.state else { continue };
            if !overlay.is_new {
                continue;
            }
            files.directory.clone_from(directory);
            let paths = output::to_directories(std::slice::from_ref(files))?;
            for gone in written.difference(&paths) {
                // Someone else may have removed it.
                let _ = fs::remove_file(gone);
            }
            *written = paths;
            overlay.is_new = false;
        }
        Ok(())
    }
}
