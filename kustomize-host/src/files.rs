//! Reading files and directories.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::host_error;
use crate::paths::{from_machine, to_machine};
use kustomize_core::host::{EntryKind, HostError};

/// The content of a regular file of at most `limit` bytes.
///
/// A file that is written while it is read would be half old and half new, and one that is about to
/// be written is empty for a moment. Both are read again.
pub(crate) fn read(path: &str, limit: u64) -> Result<Vec<u8>, HostError> {
    if cfg!(unix) && path == STANDARD_INPUT {
        return read_standard_input(limit);
    }
    let path = to_machine(path);
    read_whole(limit, || open(&path, limit))
}

/// The same for a path that no link may lead to.
pub(crate) fn read_unlinked(path: &str, limit: u64) -> Result<Vec<u8>, HostError> {
    let path = to_machine(path);
    #[cfg(target_os = "linux")]
    return read_whole(limit, || crate::unlinked::open(&path).map_err(|error| host_error(&error)));
    // Elsewhere links are looked for before.
    #[cfg(not(target_os = "linux"))]
    read_whole(limit, || open(&path, limit))
}

fn read_whole(limit: u64, open: impl Fn() -> Result<File, HostError>) -> Result<Vec<u8>, HostError> {
    for _ in 0..MOST_READS {
        let mut file = open()?;
        let before = file.metadata().map_err(|error| host_error(&error))?;
        let size = readable(&before, limit)?;
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        // Files such as those in `/proc` do not know their size: one byte beyond the limit tells.
        let most = if size == 0 { limit.saturating_add(1) } else { size };
        (&mut file).take(most).read_to_end(&mut content).map_err(|error| host_error(&error))?;
        let after = file.metadata().map_err(|error| host_error(&error))?;
        let is_whole = state(&before) == state(&after) && content.len() as u64 >= size;
        if is_whole && !(content.is_empty() && is_fresh(&after)) {
            return if content.len() as u64 > limit {
                Err(HostError::TooLarge { limit })
            } else {
                Ok(content)
            };
        }
        thread::sleep(PAUSE);
    }
    Err(HostError::Other("changes again and again while it is read".to_owned()))
}

/// A file that is written beside its place and not moved there yet. Dropped, it is gone.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(crate) struct Staged {
    place: PathBuf,
    /// Where it is until then; none once it is moved.
    temporary: Option<PathBuf>,
}

#[cfg(not(target_os = "linux"))]
impl Staged {
    /// Writes the file. Directories are made where there are none.
    pub(crate) fn write(place: &Path, content: &[u8]) -> std::io::Result<Self> {
        use std::io::Write;
        let directory = place.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory)?;
        let permissions = match fs::symlink_metadata(place) {
            Ok(metadata) if metadata.is_file() => {
                // A file that may not be written stays as it is.
                File::options().write(true).open(place)?;
                Some(metadata.permissions())
            }
            _ => None,
        };
        let (mut file, temporary) = create_in(directory)?;
        let staged = Staged { place: place.to_owned(), temporary: Some(temporary) };
        file.write_all(content)?;
        if let Some(permissions) = permissions {
            file.set_permissions(permissions)?;
        }
        Ok(staged)
    }

    /// Moves the file to its place, in one step. A link there goes; what it points at stays as it is.
    pub(crate) fn commit(mut self) -> std::io::Result<()> {
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, &self.place)?;
        }
        self.temporary = None;
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            let _ = fs::remove_file(temporary);
        }
    }
}

/// A new file with a name that nothing else has.
#[cfg(not(target_os = "linux"))]
fn create_in(directory: &Path) -> std::io::Result<(File, PathBuf)> {
    for number in 0_u32.. {
        let temporary = directory.join(format!(".kustomize-rs-{}-{number}", std::process::id()));
        match File::options().write(true).create_new(true).open(&temporary) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            opened => return Ok((opened?, temporary)),
        }
    }
    Err(std::io::ErrorKind::AlreadyExists.into())
}

/// The one pipe that is read: whoever starts the process says what is in it.
const STANDARD_INPUT: &str = "/dev/stdin";

/// What is left of standard input, unless it is a terminal or another device.
fn read_standard_input(limit: u64) -> Result<Vec<u8>, HostError> {
    let is_device = {
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt;
            let metadata = fs::metadata(STANDARD_INPUT).map_err(|error| host_error(&error))?;
            metadata.file_type().is_char_device() || metadata.file_type().is_block_device()
        }
        #[cfg(not(unix))]
        true
    };
    if is_device {
        return Err(HostError::NotRegular);
    }
    let mut content = Vec::new();
    let mut input = std::io::stdin().lock().take(limit.saturating_add(1));
    input.read_to_end(&mut content).map_err(|error| host_error(&error))?;
    if content.len() as u64 > limit { Err(HostError::TooLarge { limit }) } else { Ok(content) }
}

/// How often a file is read that changes meanwhile. It takes longer than [`FRESH`].
const MOST_READS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(1);
/// How long an empty file may be one that is about to be written.
const FRESH: Duration = Duration::from_millis(50);

/// What is another one after a file was written.
fn state(metadata: &Metadata) -> (u64, Option<SystemTime>, (i64, i64)) {
    #[cfg(unix)]
    let changed = {
        use std::os::unix::fs::MetadataExt;
        (metadata.ctime(), metadata.ctime_nsec())
    };
    #[cfg(not(unix))]
    let changed = (0, 0);
    (metadata.len(), metadata.modified().ok(), changed)
}

/// Whether a file was written just now.
fn is_fresh(metadata: &Metadata) -> bool {
    let age = metadata.modified().ok().and_then(|modified| modified.elapsed().ok());
    age.is_some_and(|age| age < FRESH)
}

/// Opens a file without waiting for whoever writes to it, should it be a pipe.
#[cfg(target_os = "linux")]
fn open(path: &Path, limit: u64) -> Result<File, HostError> {
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
fn open(path: &Path, limit: u64) -> Result<File, HostError> {
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

/// The directory that the process stands in. There is none when it has been removed.
///
/// A shell that went there through a link says so in `PWD`. As in kustomize, `..` then leads back
/// through the link.
pub(crate) fn current_directory() -> Result<String, HostError> {
    let real = std::env::current_dir().map_err(|error| host_error(&error))?;
    match std::env::var_os("PWD").map(PathBuf::from).filter(|path| is_same_directory(path, &real)) {
        Some(path) => written(&path),
        None => written(&real),
    }
}

/// Whether an absolute path leads to a directory.
fn is_same_directory(path: &Path, real: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let identity = |path: &Path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
        path.is_absolute() && identity(path).is_some_and(|found| Some(found) == identity(real))
    }
    #[cfg(not(unix))]
    {
        path == real
    }
}

/// The path with every link resolved.
pub(crate) fn resolve(path: &str) -> Result<String, HostError> {
    let resolved = fs::canonicalize(&*to_machine(path)).map_err(|error| host_error(&error))?;
    written(&resolved)
}

/// Whether a path may lead through links below a directory that has none.
pub(crate) fn has_links_below(directory: &str, path: &str) -> Result<bool, HostError> {
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
        let metadata = fs::symlink_metadata(to_machine(&path[..end])).map_err(|error| host_error(&error))?;
        if metadata.is_symlink() {
            return Ok(true);
        }
        end += 1;
    }
    Ok(false)
}

/// A path of the machine as hosts write it.
pub(crate) fn written(path: &Path) -> Result<String, HostError> {
    from_machine(path).ok_or_else(|| HostError::Other("the path is not Unicode text".to_owned()))
}

/// What stands at the path, links followed.
pub(crate) fn kind(path: &str) -> Result<EntryKind, HostError> {
    fs::metadata(&*to_machine(path)).map(|metadata| entry_kind(&metadata)).map_err(|error| host_error(&error))
}

/// Names in the directory, sorted. Names that cannot be written as text are left out.
pub(crate) fn list(directory: &str) -> Result<Vec<String>, HostError> {
    let entries = fs::read_dir(&*to_machine(directory));
    let names: Result<Vec<_>, _> =
        entries.and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
    names.map(written_names).map_err(|error| host_error(&error))
}

/// The same for a directory that no link may lead to.
pub(crate) fn list_unlinked(directory: &str) -> Result<Vec<String>, HostError> {
    #[cfg(target_os = "linux")]
    return crate::unlinked::list(&to_machine(directory))
        .map(written_names)
        .map_err(|error| host_error(&error));
    // Elsewhere links are looked for before.
    #[cfg(not(target_os = "linux"))]
    list(directory)
}

fn written_names(names: Vec<OsString>) -> Vec<String> {
    let mut names: Vec<String> = names.iter().filter_map(|name| from_machine(Path::new(name))).collect();
    names.sort_unstable();
    names
}
