//! A file that is written beside its place and then moved there.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A written file that is not in its place yet. Dropped, it is gone.
#[derive(Debug)]
pub(super) struct Staged {
    target: PathBuf,
    /// None when there was nothing to stage: the target is a device or a pipe, and written.
    temporary: Option<PathBuf>,
}

impl Staged {
    /// Writes `content` beside `target`.
    pub(super) fn write(target: &Path, content: &[u8]) -> io::Result<Self> {
        if write_to_device(target, content)? {
            return Ok(Staged { target: target.to_owned(), temporary: None });
        }
        // A link stays a link: what it points at is replaced.
        let place = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        let permissions = match fs::metadata(&place) {
            Ok(metadata) => {
                // Opened like this even though it will be replaced: a file that may not be written stays as it is.
                open_existing(&place, &metadata)?;
                Some(metadata.permissions())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Staged::beside(place, content, permissions)
    }

    fn beside(place: PathBuf, content: &[u8], permissions: Option<Permissions>) -> io::Result<Self> {
        refuse_what_the_system_would_kill(content.len())?;
        let (mut file, temporary) = create_beside(&place)?;
        let staged = Staged { target: place, temporary: Some(temporary) };
        file.write_all(content)?;
        if let Some(permissions) = permissions {
            file.set_permissions(permissions)?;
        }
        Ok(staged)
    }

    /// The place that the file is for.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Moves the file to its place.
    pub(super) fn commit(mut self) -> io::Result<()> {
        let Some(temporary) = &self.temporary else { return Ok(()) };
        fs::rename(temporary, &self.target)?;
        self.temporary = None;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Writes to what stands in a place if that is a device or a pipe, and says whether it is.
pub(super) fn write_to_device(place: &Path, content: &[u8]) -> io::Result<bool> {
    let is_device = |metadata: &Metadata| !metadata.is_file() && !metadata.is_dir();
    let Some(metadata) = fs::metadata(place).ok().filter(is_device) else { return Ok(false) };
    let mut file = open_existing(place, &metadata)?;
    // A link to a file may have taken its place meanwhile.
    if !is_device(&file.metadata()?) {
        return Err(io::Error::other("it is another file now"));
    }
    file.write_all(content)?;
    Ok(true)
}

/// Opens what stands in the place already. A pipe that nobody reads from would have to be waited for.
fn open_existing(place: &Path, metadata: &Metadata) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
        use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
        if metadata.file_type().is_fifo() {
            options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
            let pipe = options.open(place).map_err(|error| match error.raw_os_error() {
                Some(code) if code == rustix::io::Errno::NXIO.raw_os_error() => {
                    io::Error::other("nobody reads from this pipe")
                }
                _ => error,
            })?;
            fcntl_setfl(&pipe, fcntl_getfl(&pipe)? - OFlags::NONBLOCK)?;
            return Ok(pipe);
        }
    }
    #[cfg(not(unix))]
    let _ = metadata;
    options.open(place)
}

/// A process that writes beyond its limit (`ulimit -f`) is killed, and could not clean up.
#[cfg(unix)]
pub(crate) fn refuse_what_the_system_would_kill(length: usize) -> io::Result<()> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
    if limit.is_some_and(|limit| length as u64 > limit) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn refuse_what_the_system_would_kill(_: usize) -> io::Result<()> {
    Ok(())
}

/// A new file in the same directory, so that moving it is one step of the file system.
fn create_beside(target: &Path) -> io::Result<(File, PathBuf)> {
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    for number in 0_u32.. {
        let temporary = directory.join(format!(".kustomize-rs-{}-{number}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return Ok((opened?, temporary)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_committed_leaves_no_trace() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("out.yaml");
        fs::write(&target, "old").unwrap();
        drop(Staged::write(&target, b"new").unwrap());
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);

        Staged::write(&target, b"new").unwrap().commit().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn pipes_are_written_to_whoever_reads() {
        use std::io::Read;
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let refused = Staged::write(&pipe, b"text").unwrap_err();
        assert_eq!(refused.to_string(), "nobody reads from this pipe");

        // More than fits into the pipe at once.
        let text = vec![b'x'; 1 << 20];
        let mut reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        let length = text.len();
        let reading = std::thread::spawn(move || {
            let mut read = vec![0; length];
            reader.read_exact(&mut read).map(|()| read)
        });
        Staged::write(&pipe, &text).unwrap().commit().unwrap();
        assert_eq!(reading.join().unwrap().unwrap(), text);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("real"), directory.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, Permissions::from_mode(0o600)).unwrap();
        symlink(&real, &link).unwrap();

        Staged::write(&link, b"new").unwrap().commit().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
