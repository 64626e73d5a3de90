//! Files at paths that no link leads to, however the directories change meanwhile: each step of a
//! path is opened in the directory before it, and refused if it is a link.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// Opens a file to read it, without waiting should it be a pipe.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let (directory, name) = parent(path, false)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(&directory, name, flags, Mode::empty())?.into())
}

/// The names in a directory.
pub(crate) fn list(path: &Path) -> io::Result<Vec<OsString>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = match parent(path, false) {
        Ok((directory, name)) => rustix::fs::openat(&directory, name, flags, Mode::empty())?,
        // The root has no name.
        Err(_) if path == Path::new("/") => rustix::fs::open("/", flags, Mode::empty())?,
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}

/// A file that is written beside its place and not moved there yet. Dropped, it is gone.
#[derive(Debug)]
pub(crate) struct Staged {
    place: PathBuf,
    /// Its name until then; none once it is moved.
    temporary: Option<String>,
}

impl Staged {
    /// Writes the file. Directories are made where there are none.
    pub(crate) fn write(place: &Path, content: &[u8]) -> io::Result<Self> {
        let (directory, name) = parent(place, true)?;
        let mode = match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                // A file that may not be written stays as it is.
                let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                rustix::fs::openat(&directory, name, flags, Mode::empty())?;
                Some(Mode::from_raw_mode(stat.st_mode))
            }
            Ok(_) | Err(Errno::NOENT) => None,
            Err(error) => return Err(error.into()),
        };
        let (file, temporary) = create_in(&directory)?;
        let staged = Staged { place: place.to_owned(), temporary: Some(temporary) };
        write(file, content, mode)?;
        Ok(staged)
    }

    /// Moves the file to its place, in one step. Whatever file or link was there goes; what a link points
    /// at stays as it is.
    pub(crate) fn commit(mut self) -> io::Result<()> {
        if let Some(temporary) = &self.temporary {
            let (directory, name) = parent(&self.place, false)?;
            rustix::fs::renameat(&directory, temporary.as_str(), &directory, name)?;
        }
        self.temporary = None;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary
            && let Ok((directory, _)) = parent(&self.place, false)
        {
            let _ = rustix::fs::unlinkat(&directory, temporary.as_str(), AtFlags::empty());
        }
    }
}

/// Removes a file or a link.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let (directory, name) = parent(path, false)?;
    Ok(rustix::fs::unlinkat(&directory, name, AtFlags::empty())?)
}

/// The directory of a path, open, and the name in it.
fn parent(path: &Path, create: bool) -> io::Result<(OwnedFd, &OsStr)> {
    let mut names = Vec::new();
    let mut components = path.components();
    if components.next() != Some(Component::RootDir) {
        return Err(Errno::INVAL.into());
    }
    for component in components {
        match component {
            Component::Normal(name) => names.push(name),
            _ => return Err(Errno::INVAL.into()),
        }
    }
    let name = names.pop().ok_or(Errno::ISDIR)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut directory = rustix::fs::open("/", flags, Mode::empty())?;
    for name in names {
        let mut opened = rustix::fs::openat(&directory, name, flags, Mode::empty());
        if create && opened.as_ref().is_err_and(|error| *error == Errno::NOENT) {
            match rustix::fs::mkdirat(&directory, name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            opened = rustix::fs::openat(&directory, name, flags, Mode::empty());
        }
        directory = opened?;
    }
    Ok((directory, name))
}

/// A new file with a name that nothing else has.
fn create_in(directory: &OwnedFd) -> io::Result<(File, String)> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for number in 0_u32.. {
        let name = format!(".kustomize-rs-{}-{number}", std::process::id());
        match rustix::fs::openat(directory, &*name, flags, Mode::from_raw_mode(0o666)) {
            Err(Errno::EXIST) => {}
            opened => return Ok((opened?.into(), name)),
        }
    }
    Err(Errno::EXIST.into())
}

fn write(mut file: File, content: &[u8], mode: Option<Mode>) -> io::Result<()> {
    file.write_all(content)?;
    if let Some(mode) = mode {
        rustix::fs::fchmod(&file, mode)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
        Staged::write(path, content)?.commit()
    }

    #[test]
    fn what_is_not_committed_leaves_no_trace() {
        let place = tempfile::tempdir().unwrap();
        let top = place.path().canonicalize().unwrap();
        fs::write(top.join("file"), "old").unwrap();
        drop(Staged::write(&top.join("file"), b"new").unwrap());
        assert_eq!(fs::read_to_string(top.join("file")).unwrap(), "old");
        assert_eq!(fs::read_dir(&top).unwrap().count(), 1);
    }

    #[test]
    fn a_link_that_takes_the_place_of_a_directory_is_not_followed_to_commit() {
        let place = tempfile::tempdir().unwrap();
        let top = place.path().canonicalize().unwrap();
        fs::create_dir(top.join("elsewhere")).unwrap();
        let staged = Staged::write(&top.join("d/file"), b"new").unwrap();
        fs::rename(top.join("d"), top.join("moved")).unwrap();
        symlink("elsewhere", top.join("d")).unwrap();
        staged.commit().unwrap_err();
        assert_eq!(fs::read_dir(top.join("elsewhere")).unwrap().count(), 0);
    }

    #[test]
    fn no_link_is_followed() {
        let place = tempfile::tempdir().unwrap();
        let top = place.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("real/below")).unwrap();
        fs::write(top.join("real/secret"), "secret").unwrap();
        symlink("real", top.join("link")).unwrap();
        symlink("real/secret", top.join("file")).unwrap();

        for path in ["link/secret", "file", "link/below/new", "real/../real/secret"] {
            let path = &top.join(path);
            assert!(open(path).is_err(), "{}", path.display());
        }
        for path in ["link", "link/below", "real/../real", "real/secret"] {
            let path = &top.join(path);
            assert!(list(path).is_err(), "{}", path.display());
        }
        let mut names = list(&top.join("real")).unwrap();
        names.sort();
        assert_eq!(names, ["below", "secret"]);
        assert!(!list(Path::new("/")).unwrap().is_empty());
        for path in ["link/secret", "link/new", "link/below/new", "link/far/new"] {
            let path = &top.join(path);
            assert!(replace(path, b"x").is_err(), "{}", path.display());
            assert!(remove(path).is_err(), "{}", path.display());
        }
        // A link in the place itself goes, and what it points at stays.
        replace(&top.join("file"), b"new").unwrap();
        assert_eq!(fs::read_to_string(top.join("file")).unwrap(), "new");
        assert!(fs::symlink_metadata(top.join("file")).unwrap().is_file());
        symlink("real/secret", top.join("other")).unwrap();
        remove(&top.join("other")).unwrap();
        assert_eq!(fs::read_to_string(top.join("real/secret")).unwrap(), "secret");
        assert_eq!(fs::read_dir(top.join("real/below")).unwrap().count(), 0);
        assert!(!top.join("real/far").exists());
    }

    #[test]
    fn permissions_stay_and_directories_are_made() {
        let place = tempfile::tempdir().unwrap();
        let top = place.path().canonicalize().unwrap();
        let file = top.join("a/b/file");
        replace(&file, b"one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        replace(&file, b"two").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(top.join("a/b")).unwrap().count(), 1);
        replace(&top.join("a/b"), b"x").unwrap_err();
        assert_eq!(fs::read_dir(top.join("a")).unwrap().count(), 1);
    }
}
