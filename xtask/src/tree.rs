//! Trees of files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Names that a kustomization file may have.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Copies a directory with all below it; links stay links.
///
/// # Errors
/// Something cannot be read or written.
pub fn copy(from: &Path, to: &Path, each: &impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, place) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &place, each)?;
        } else if kind.is_symlink() {
            copy_link(&entry.path(), &place)?;
        } else {
            // Not fs::copy: where the original may not be written, the copy should.
            fs::write(&place, fs::read(entry.path())?)?;
            each(&place)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn copy_link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(fs::read_link(from)?, to)
}

#[cfg(not(unix))]
fn copy_link(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to).map(|_| ())
}

/// Directories at or below `top` that hold a kustomization, sorted. Links are not followed.
///
/// # Errors
/// `top` cannot be read; directories below it that cannot be read are passed over.
pub fn kustomizations(top: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![top.to_owned()];
    fs::read_dir(top)?;
    while let Some(directory) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && name != ".git" && name != "node_modules" {
                waiting.push(entry.path());
            } else if NAMES.iter().any(|known| name == *known) {
                found.push(directory.clone());
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Whether the kustomization in a directory is a component, which is not built by itself.
pub fn is_component(directory: &Path) -> bool {
    NAMES
        .iter()
        .filter_map(|name| fs::read_to_string(directory.join(name)).ok())
        .any(|text| text.lines().any(|line| line.trim_end() == "kind: Component"))
}
