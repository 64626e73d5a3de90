//! Where output goes: standard output, one file, or a directory of files. Nothing is written before
//! the build has succeeded, and a file is replaced whole or left as it was.

mod device;
mod name;
mod places;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kustomize_core::resource::ResId;
use kustomize_diagnostic::Diagnostic;
use kustomize_golden::Layout;
use kustomize_host::{OsHost, StagedFile};

use crate::failure::Failure;
pub(crate) use device::refuse_what_the_system_would_kill as check_limit;
use name::file_names;
pub(crate) use places::directories_below;

/// Writes text to standard output.
pub(crate) fn to_stdout(text: &[u8]) -> Result<(), Failure> {
    all_to_stdout([text])
}

/// Writes texts to standard output, one after the other.
pub(crate) fn all_to_stdout<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = texts.into_iter().try_for_each(|text| stdout.write_all(text));
    written.and_then(|()| stdout.flush()).map_err(|error| Failure::stdout(&error))
}

/// The place to write to, links resolved. It is refused if a link leads from a repository to elsewhere
/// on the way to it: what is rendered may have brought the link along.
pub(crate) fn place_within(path: &Path) -> Result<PathBuf, Failure> {
    match OsHost::path(path) {
        Some(path) => Ok(OsHost::machine_path(&Layout::place_within(&OsHost::new(), &path)?)),
        None => Ok(path.to_owned()),
    }
}

/// Writes text to a file in a directory that exists.
pub(crate) fn to_file(path: &Path, text: &[u8]) -> Result<(), Failure> {
    let place = place_within(path)?;
    let written = match place.parent() {
        Some(parent) => fs::metadata(parent).and_then(|_| put(&place, text)),
        None => put(&place, text),
    };
    written.map_err(|error| Failure::write(path, &error))
}

/// Writes a report to a file. Directories are made where there are none.
pub(crate) fn to_report(path: &Path, text: &[u8]) -> Result<(), Failure> {
    put(&place_within(path)?, text).map_err(|error| Failure::write(path, &error))
}

/// Puts a file in a place with links resolved.
fn put(place: &Path, text: &[u8]) -> io::Result<()> {
    stage(place, text)?.map_or(Ok(()), StagedFile::commit)
}

/// Writes a file beside a place with links resolved. No link is followed on the way to it, even if one takes
/// the place of a directory or of the file meanwhile. Devices and pipes are written to, and need no more.
fn stage(place: &Path, text: &[u8]) -> io::Result<Option<StagedFile>> {
    if device::write_to_device(place, text)? {
        return Ok(None);
    }
    check_limit(text.len())?;
    let not_text = || io::Error::new(io::ErrorKind::InvalidInput, "the path is not Unicode text");
    OsHost::stage_unlinked(&OsHost::path(place).ok_or_else(not_text)?, text).map(Some)
}

/// Resources that each get a file of their own in a directory.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) directory: PathBuf,
    pub(crate) ids: Vec<ResId>,
    pub(crate) texts: Vec<String>,
}

/// Writes each resource to a file of its own. All are written beside their places first and moved
/// there together, so that a full disk changes nothing. Directories are made where there are none.
/// Returns the files.
pub(crate) fn to_directories(all: &[Files]) -> Result<BTreeSet<PathBuf>, Failure> {
    let names: Vec<Vec<String>> = all.iter().map(|files| file_names(&files.ids)).collect();
    for (files, names) in all.iter().zip(&names) {
        check(&files.ids, names)?;
    }
    let mut staged = Vec::new();
    let mut paths = BTreeSet::new();
    for (Files { directory, texts, .. }, names) in all.iter().zip(&names) {
        let directory = &place_within(directory)?;
        for (name, text) in names.iter().zip(texts) {
            let path = directory.join(name);
            let file = stage(&place_within(&path)?, text.as_bytes());
            staged.push((path.clone(), file.map_err(|error| Failure::write(&path, &error))?));
            paths.insert(path);
        }
    }
    for (path, file) in staged {
        file.map_or(Ok(()), StagedFile::commit).map_err(|error| Failure::write(&path, &error))?;
    }
    Ok(paths)
}

/// Refuses names that lead elsewhere, and one name for two resources (where kustomize keeps the
/// last of them and says nothing).
fn check(ids: &[ResId], names: &[String]) -> Result<(), Failure> {
    let mut owners: HashMap<&str, &ResId> = HashMap::with_capacity(names.len());
    for (id, name) in ids.iter().zip(names) {
        if name.contains(['/', '\\', '\0']) {
            let message = format!("{id} cannot have a file of its own: {name:?} is no file name");
            return Err(Diagnostic::error(message).with_help("write the output to a single file").into());
        }
        if let Some(first) = owners.insert(name, id) {
            let message = format!("{first} and {id} would both be written to {name}");
            return Err(Diagnostic::error(message).with_help("write the output to a single file").into());
        }
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_that_appear_meanwhile_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().canonicalize().unwrap();
        fs::create_dir(top.join("elsewhere")).unwrap();
        fs::write(top.join("elsewhere/file"), "old").unwrap();
        symlink("elsewhere", top.join("directory")).unwrap();
        symlink("elsewhere/file", top.join("link")).unwrap();

        put(&top.join("directory/file"), b"new").unwrap_err();
        put(&top.join("directory/other"), b"new").unwrap_err();
        put(&top.join("link"), b"new").unwrap();
        assert_eq!(fs::read_to_string(top.join("link")).unwrap(), "new");
        assert_eq!(fs::read_to_string(top.join("elsewhere/file")).unwrap(), "old");
        assert_eq!(fs::read_dir(top.join("elsewhere")).unwrap().count(), 1);
    }

    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("real"), directory.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&real, &link).unwrap();

        assert!(to_file(&link, b"new").is_ok());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
