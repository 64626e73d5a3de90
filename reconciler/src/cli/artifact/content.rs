//! The files of an artifact, in a directory and in an archive.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use reconciler_core::source::{Archive, IgnoreRules};

use crate::cli::{Failure, Result};

/// The most that an archive may hold.
const LARGEST: u64 = 1 << 30;

/// The file that standard input becomes. It always has the same name, so that the same content has the same digest.
const INPUT: &str = "stdin.yaml";

/// A file.
#[derive(Default)]
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
    is_executable: bool,
}

/// The file that standard input has.
pub(super) fn file_of_input() -> Result<BTreeMap<String, File>> {
    let bytes = read_input(std::io::stdin().lock(), LARGEST)?;
    Ok(BTreeMap::from([(INPUT.to_owned(), File { bytes, is_executable: false })]))
}

fn read_input(input: impl Read, largest: u64) -> Result<Vec<u8>> {
    let failed = |reason: &str| Failure::failed(format!("standard input, which --path=- reads, {reason}"));
    let mut bytes = Vec::new();
    input
        .take(largest.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&format!("cannot be read: {error}")))?;
    // Applying an artifact without objects would delete everything that the one before had.
    if bytes.is_empty() {
        return Err(failed("is empty: did the program in front of the pipe fail?"));
    }
    match bytes.len() as u64 > largest {
        true => Err(failed(&format!("has more than {largest} bytes"))),
        false => Ok(bytes),
    }
}

/// The files below a directory, or the file itself. Links are left out, or followed within the directory.
pub(super) fn files_of_path(path: &Path, ignore: &str, follow: bool) -> Result<BTreeMap<String, File>> {
    let mut files = BTreeMap::new();
    if path.is_file() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.insert(name, read(path)?);
        return Ok(files);
    }
    let mut own = IgnoreRules::default();
    own.add("", ignore);
    let rules = IgnoreRules::of_working_directory(own);
    let root = path.canonicalize()?;
    let mut waiting = vec![(path.to_owned(), String::new())];
    while let Some((directory, below)) = waiting.pop() {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = if below.is_empty() { name } else { format!("{below}/{name}") };
            let mut kind = entry.file_type()?;
            if kind.is_symlink() && follow {
                kind = target(&entry.path(), &root)?.file_type();
            }
            if rules.is_ignored(&name, kind.is_dir()) {
                continue;
            }
            if kind.is_dir() {
                waiting.push((entry.path(), name));
            } else if kind.is_file() {
                files.insert(name, read(&entry.path())?);
            }
        }
    }
    Ok(files)
}

/// What a link leads to: a file or directory below the root that does not hold the link.
fn target(link: &Path, root: &Path) -> Result<std::fs::Metadata> {
    let refused = |reason: &str| Failure::failed(format!("the link {} {reason}", link.display()));
    let end = link.canonicalize().map_err(|error| refused(&format!("leads nowhere: {error}")))?;
    if !end.starts_with(root) {
        return Err(refused(&format!("leads out of the directory, to {}", end.display())));
    }
    let place = link.parent().unwrap_or(root).canonicalize()?;
    if end.is_dir() && place.starts_with(&end) {
        return Err(refused("leads to a directory that holds it"));
    }
    Ok(std::fs::metadata(end)?)
}

fn read(path: &Path) -> Result<File> {
    #[cfg(unix)]
    let is_executable = {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path)?.permissions().mode() & 0o111 != 0
    };
    #[cfg(not(unix))]
    let is_executable = false;
    Ok(File { bytes: std::fs::read(path)?, is_executable })
}

/// The archive of files.
pub(super) fn pack(files: &BTreeMap<String, File>) -> Result<Vec<u8>> {
    let mut archive = Archive::new(Vec::new())?;
    let mut made = std::collections::BTreeSet::new();
    for (name, file) in files {
        let parents = name.match_indices('/').map(|(at, _)| &name[..at]);
        for parent in parents {
            if made.insert(parent) {
                archive.directory(parent)?;
            }
        }
        archive.file(name, file.is_executable, file.bytes.len() as u64, file.bytes.as_slice())?;
    }
    Ok(archive.finish()?.0)
}

fn open(archive: &[u8]) -> tar::Archive<impl Read> {
    tar::Archive::new(GzDecoder::new(archive).take(LARGEST))
}

/// The files in an archive.
pub(super) fn files_of_archive(archive: &[u8]) -> Result<BTreeMap<String, File>> {
    let mut files = BTreeMap::new();
    for entry in open(archive).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let name = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
            let is_executable = entry.header().mode()? & 0o111 != 0;
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            files.insert(name, File { bytes, is_executable });
        }
    }
    Ok(files)
}

/// Writes the files of an archive below a directory, which none of them can leave.
pub(super) fn unpack(archive: &[u8], directory: &Path) -> Result {
    for entry in open(archive).entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if !kind.is_file() && !kind.is_dir() {
            continue;
        }
        if !entry.unpack_in(directory)? {
            let name = entry.path()?.display().to_string();
            return Err(Failure::failed(format!("the artifact has a file outside of its root: {name}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{files_of_archive, files_of_path, pack, read_input, unpack};

    #[test]
    fn standard_input_has_a_limit_and_cannot_be_empty() {
        let read = |text: &str| read_input(text.as_bytes(), 4).map_err(|failure| format!("{failure:?}"));
        assert_eq!(read("a: b"), Ok(b"a: b".to_vec()));
        assert!(read("a: bc").is_err_and(|message| message.contains("more than 4 bytes")));
        assert!(read("").is_err_and(|message| message.contains("is empty")));
    }

    #[test]
    fn what_is_packed_comes_out_again() -> Result<(), Box<dyn std::error::Error>> {
        let [from, to] = [tempfile::tempdir()?, tempfile::tempdir()?];
        std::fs::create_dir(from.path().join("a"))?;
        std::fs::write(from.path().join("a/b.yaml"), "b: 1\n")?;
        std::fs::write(from.path().join("left-out.txt"), "")?;
        let failed = |failure| format!("{failure:?}");
        let archive = pack(&files_of_path(from.path(), "*.txt", false).map_err(failed)?).map_err(failed)?;
        let names: Vec<String> = files_of_archive(&archive).map_err(failed)?.into_keys().collect();
        assert_eq!(names, ["a/b.yaml"]);
        unpack(&archive, to.path()).map_err(failed)?;
        assert_eq!(std::fs::read_to_string(to.path().join("a/b.yaml"))?, "b: 1\n");
        Ok(())
    }
}
