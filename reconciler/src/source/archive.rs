//! Archives that come from outside: tar, which may be compressed with gzip.
//!
//! Nothing is trusted: names that lead elsewhere, files of other kinds, and archives that grow without end are
//! refused. Symbolic links are left out, as in Flux.

use std::io::{self, BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use tar::{EntryType, PaxExtensions};

use super::tree_store::{TreeError, TreeWriter};

/// How many bytes the extended header of an entry may have.
const LARGEST_HEADER: u64 = 64 << 10;
/// What headers and padding may add to the bytes of the files.
const OVERHEAD: u64 = 128 << 20;
/// How gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Why an archive cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// Something in it cannot be stored.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// It holds something that is neither a file nor a directory.
    #[error("tar file entry {0} contained unsupported file type {1}")]
    Kind(String, String),
    /// The extended header of an entry is too large.
    #[error("an extended header of the archive is larger than {LARGEST_HEADER} bytes")]
    Header,
    /// It does not end where it should.
    #[error("the archive is larger than {0} bytes")]
    TooLarge(u64),
}

/// Adds the files of an archive to a tree.
///
/// # Errors
/// The archive cannot be read, or is hostile.
pub fn unpack(archive: impl Read, writer: &mut TreeWriter) -> Result<(), ArchiveError> {
    let mut archive = BufReader::new(archive);
    let is_compressed = archive.fill_buf()?.starts_with(&GZIP);
    if is_compressed { unpack_tar(MultiGzDecoder::new(archive), writer) } else { unpack_tar(archive, writer) }
}

fn unpack_tar(reader: impl Read, writer: &mut TreeWriter) -> Result<(), ArchiveError> {
    let most = writer.limits().total.saturating_add(OVERHEAD);
    let mut reader = reader.take(most);
    let outcome = entries(&mut reader, writer);
    // Behind the limit, there is no telling what is wrong.
    if reader.limit() == 0 { Err(ArchiveError::TooLarge(most)) } else { outcome }
}

fn entries(reader: &mut impl Read, writer: &mut TreeWriter) -> Result<(), ArchiveError> {
    let mut tar = tar::Archive::new(reader);
    let mut long_name = None;
    // Raw entries, since the library reads extended headers of any size into memory.
    for entry in tar.entries()?.raw(true) {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::XHeader => long_name = pax_name(&header(&mut entry)?)?.or(long_name),
            EntryType::GNULongName => {
                let bytes = header(&mut entry)?;
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                long_name = Some(bytes[..end].to_vec());
            }
            EntryType::XGlobalHeader | EntryType::GNULongLink => {}
            _ => {
                let name = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
                let name = String::from_utf8(name).map_err(|error| {
                    TreeError::Path(String::from_utf8_lossy(error.as_bytes()).into_owned())
                })?;
                match kind {
                    EntryType::Regular | EntryType::Continuous => {
                        let is_executable = entry.header().mode()? & 0o111 != 0;
                        writer.file(&name, is_executable, &mut entry)?;
                    }
                    // Directories are made for the files in them.
                    EntryType::Directory | EntryType::Symlink => writer.count()?,
                    other => return Err(ArchiveError::Kind(name, format!("{other:?}"))),
                }
            }
        }
    }
    Ok(())
}

/// The content of an extended header.
fn header(entry: &mut impl Read) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    entry.take(LARGEST_HEADER + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_HEADER { Err(ArchiveError::Header) } else { Ok(bytes) }
}

/// The path that an extended header gives the next entry.
fn pax_name(bytes: &[u8]) -> Result<Option<Vec<u8>>, ArchiveError> {
    let mut name = None;
    for extension in PaxExtensions::new(bytes) {
        let extension = extension?;
        if extension.key_bytes() == b"path" {
            name = Some(extension.value_bytes().to_vec());
        }
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use kustomize_core::host::Host as _;
    use reconciler_core::source::IgnoreRules;

    use super::super::tree_store::{Limits, Record, TreeStore};
    use super::*;

    type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

    /// An archive with an entry of this kind, whose name is written as it is.
    fn archive(name: &str, kind: EntryType, link: Option<&str>, content: &[u8]) -> io::Result<Vec<u8>> {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        if let Some(link) = link {
            header.set_link_name(link)?;
        }
        header.set_cksum();
        tar.append(&header, content)?;
        tar.into_inner()
    }

    fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes)?;
        encoder.finish()
    }

    fn refused(bytes: &[u8], limits: Limits) -> Outcome<String> {
        let directory = tempfile::tempdir()?;
        let outcome = unpack(bytes, &mut TreeStore::open(directory.path())?.writer(limits));
        Ok(outcome.err().ok_or("it was not refused")?.to_string())
    }

    #[test]
    fn what_was_packed_comes_out() -> Outcome {
        let long = format!("{}/x.yaml", "long".repeat(40));
        let mut packed = reconciler_core::source::Archive::new(Vec::new())?;
        packed.directory("a")?;
        packed.file("a/run.sh", true, 2, &b"#!"[..])?;
        packed.file(&long, false, 4, &b"x: 1"[..])?;
        let (bytes, _) = packed.finish()?;
        let mut gnu = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(4);
        header.set_mode(0o644);
        gnu.append_data(&mut header, &long, &b"x: 1"[..])?;
        for (bytes, names) in [(bytes, 2), (gnu.into_inner()?, 1)] {
            let directory = tempfile::tempdir()?;
            let store = TreeStore::open(directory.path())?;
            let mut writer = store.writer(Limits::default());
            unpack(&*bytes, &mut writer)?;
            let tree = store.keep(&writer.finish(&IgnoreRules::default())?, Record::default())?;
            assert_eq!(tree.read(&format!("/{long}"))?, b"x: 1");
            assert_eq!(tree.list("/")?.len(), names);
        }
        Ok(())
    }

    #[test]
    fn links_are_left_out_and_other_kinds_refused() -> Outcome {
        let directory = tempfile::tempdir()?;
        let store = TreeStore::open(directory.path())?;
        let mut writer = store.writer(Limits::default());
        unpack(&*archive("link", EntryType::Symlink, Some("/etc/passwd"), b"")?, &mut writer)?;
        let tree = store.keep(&writer.finish(&IgnoreRules::default())?, Record::default())?;
        assert!(tree.list("/")?.is_empty());
        let message = refused(&archive("x", EntryType::Link, Some("/etc/passwd"), b"")?, Limits::default())?;
        assert_eq!(message, "tar file entry x contained unsupported file type Link");
        assert!(refused(&archive("x", EntryType::Block, None, b"")?, Limits::default())?.contains("Block"));
        Ok(())
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() -> Outcome {
        for name in ["../x", "/etc/passwd", "a/../../x", "a\\..\\x"] {
            let message = refused(&archive(name, EntryType::Regular, None, b"x")?, Limits::default())?;
            assert!(message.ends_with("cannot be the path of a file"), "{message}");
        }
        Ok(())
    }

    #[test]
    fn archives_that_grow_are_refused() -> Outcome {
        let limits = Limits { file: 1 << 20, total: 4 << 20, files: 10 };
        let zeros = vec![0; 3 << 20];
        let bomb = compressed(&archive("x", EntryType::Regular, None, &zeros)?)?;
        assert!(bomb.len() < 10_000);
        assert!(refused(&bomb, limits)?.contains("is larger than 1048576 bytes"));
        let mut headers = Vec::new();
        for _ in 0..20 {
            headers.extend(&archive("d", EntryType::Directory, None, b"")?[..512]);
        }
        assert_eq!(refused(&headers, limits)?, "there are more than 10 files");
        let header = archive("x", EntryType::XHeader, None, &vec![b'a'; 100_000])?;
        assert!(refused(&header, limits)?.starts_with("an extended header of the archive"));
        assert!(refused(b"no archive at all, but some text", limits).is_ok());
        Ok(())
    }
}
