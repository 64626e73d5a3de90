//! Reading files and directories.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::Path;

use super::paths::{from_machine, to_machine};
use super::{EntryKind, HostError, host_error};

/// The content of a regular file of at most `limit` bytes.
pub(super) fn read(path: &str, limit: u64) -> Result<Vec<u8>, HostError> {
    let file = open(&to_machine(path), limit)?;
    let size = readable(&file.metadata().map_err(|error| host_error(&error))?, limit)?;
    let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    // Files such as those in `/proc` do not know their size: one byte beyond the limit tells.
    let most = if size == 0 { limit.saturating_add(1) } else { size };
    file.take(most).read_to_end(&mut content).map_err(|error| host_error(&error))?;
    if content.len() as u64 > limit { Err(HostError::TooLarge { limit }) } else { Ok(content) }
}

/// Opens a file without waiting for whoever writes to it, should it be a pipe.
#[cfg(target_os = "linux")]
fn open(path: &str, limit: u64) -> Result<File, HostError> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path).map_err(|error| {
        // A socket cannot be opened at all.
        let stands_there = fs::metadata(path).map_err(|error| host_error(&error));
        match stands_there.and_then(|metadata| readable(&metadata, limit)) {
            Err(HostError::NotRegular) => HostError::NotRegular,
            _ => host_error(&error),
        }
    })
}

/// Opens a file after having asked what it is: opening a pipe would wait for whoever writes to it.
#[cfg(not(target_os = "linux"))]
fn open(path: &str, limit: u64) -> Result<File, HostError> {
    readable(&fs::metadata(path).map_err(|error| host_error(&error))?, limit)?;
    File::open(path).map_err(|error| host_error(&error))
}

fn readable(metadata: &Metadata, limit: u64) -> Result<u64, HostError> {
    match entry_kind(metadata) {
        EntryKind::Directory => Err(HostError::IsDirectory),
        EntryKind::Other => Err(HostError::NotRegular),
        EntryKind::File if metadata.len() > limit => Err(HostError::TooLarge { limit }),
        EntryKind::File => Ok(metadata.len()),
    }
}

fn entry_kind(metadata: &Metadata) -> EntryKind {
    if metadata.is_file() {
        EntryKind::File
    } else if metadata.is_dir() {
        EntryKind::Directory
    } else {
        EntryKind::Other
    }
}

/// The directory that the process stands in; the root when that is gone or has no UTF-8 name.
pub(super) fn current_directory() -> String {
    std::env::current_dir().ok().and_then(|path| utf8(&path).ok()).unwrap_or_else(|| "/".to_owned())
}

/// The path with every link resolved.
pub(super) fn resolve(path: &str) -> Result<String, HostError> {
    let resolved = fs::canonicalize(&*to_machine(path)).map_err(|error| host_error(&error))?;
    utf8(&resolved)
}

/// Whether a path may lead through links below a directory that has none.
pub(super) fn has_links_below(directory: &str, path: &str) -> Result<bool, HostError> {
    // Elsewhere a path can be written in several ways without any link.
    if !cfg!(target_os = "linux") {
        return Ok(true);
    }
    let Some(below) = path.strip_prefix(directory).and_then(|below| below.strip_prefix('/')) else {
        return Ok(true);
    };
    let mut end = path.len() - below.len();
    for name in below.split('/') {
        if matches!(name, "" | "." | "..") {
            return Ok(true);
        }
        end += name.len();
        let metadata = fs::symlink_metadata(&path[..end]).map_err(|error| host_error(&error))?;
        if metadata.is_symlink() {
            return Ok(true);
        }
        end += 1;
    }
    Ok(false)
}

pub(super) fn utf8(path: &Path) -> Result<String, HostError> {
    match path.to_str() {
        Some(path) => Ok(from_machine(path).into_owned()),
        None => Err(HostError::Other("the path is not UTF-8".to_owned())),
    }
}

/// What stands at the path, links followed.
pub(super) fn kind(path: &str) -> Result<EntryKind, HostError> {
    fs::metadata(&*to_machine(path)).map(|metadata| entry_kind(&metadata)).map_err(|error| host_error(&error))
}

/// Names in the directory, sorted. Names that are not UTF-8 cannot be referred to and are left out.
pub(super) fn list(directory: &str) -> Result<Vec<String>, HostError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(&*to_machine(directory)).map_err(|error| host_error(&error))? {
        let entry = entry.map_err(|error| host_error(&error))?;
        if let Ok(name) = entry.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
