//! Archives of sources: the same files always give the same bytes.
//!
//! Owners and times are left out, and there are three modes: for directories, files, and executable files.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

/// The mode of directories.
const DIRECTORY: u32 = 0o750;

/// The mode of files.
const FILE: u32 = 0o600;

/// The mode of executable files.
const EXECUTABLE: u32 = 0o700;

/// What the field for the name in a header has room for.
const NAME_LENGTH: usize = 100;

/// An archive being written, as `tar.gz`. Entries have to come in the order of their names, the content of a
/// directory after it.
pub struct Archive<W: Write> {
    tar: Builder<GzEncoder<Metered<W>>>,
}

/// What an archive turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveSummary {
    /// `sha256:` and the digest of its bytes.
    pub digest: String,
    /// How many bytes it has.
    pub size: u64,
}

impl<W: Write> Archive<W> {
    /// An archive with only its root in it.
    ///
    /// # Errors
    /// What the writer says.
    pub fn new(writer: W) -> io::Result<Self> {
        let metered = Metered { writer, size: 0, hash: Sha256::new() };
        let mut archive = Archive { tar: Builder::new(GzEncoder::new(metered, Compression::default())) };
        archive.directory(".")?;
        Ok(archive)
    }

    /// Adds a directory.
    ///
    /// # Errors
    /// What the writer says.
    pub fn directory(&mut self, path: &str) -> io::Result<()> {
        self.append(path, EntryType::Directory, DIRECTORY, 0, io::empty())
    }

    /// Adds a file of this size.
    ///
    /// # Errors
    /// What reader and writer say, and a reader that ends early or goes on.
    pub fn file(
        &mut self,
        path: &str,
        is_executable: bool,
        size: u64,
        mut content: impl Read,
    ) -> io::Result<()> {
        let mode = if is_executable { EXECUTABLE } else { FILE };
        let mut counted = Counted { reader: content.by_ref().take(size), read: 0 };
        self.append(path, EntryType::Regular, mode, size, &mut counted)?;
        if counted.read == size && content.read(&mut [0])? == 0 {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("{path} changed while it was read")))
    }

    fn append(
        &mut self,
        path: &str,
        kind: EntryType,
        mode: u32,
        size: u64,
        content: impl Read,
    ) -> io::Result<()> {
        let name = path.as_bytes();
        if name.len() > NAME_LENGTH {
            self.tar.append_pax_extensions([("path", name)])?;
        }
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        let short = &name[..name.len().min(NAME_LENGTH)];
        header.as_old_mut().name[..short.len()].copy_from_slice(short);
        header.set_cksum();
        self.tar.append(&header, content)
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// What the writer says.
    pub fn finish(self) -> io::Result<(W, ArchiveSummary)> {
        let mut metered = self.tar.into_inner()?.finish()?;
        metered.flush()?;
        let digest = metered.hash.finalize();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let summary = ArchiveSummary { digest: format!("sha256:{hex}"), size: metered.size };
        Ok((metered.writer, summary))
    }
}

/// A writer that counts and hashes what goes through it.
struct Metered<W> {
    writer: W,
    size: u64,
    hash: Sha256,
}

impl<W: Write> Write for Metered<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A reader that counts what goes through it.
struct Counted<R> {
    reader: R,
    read: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.read += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(long: &str) -> io::Result<(Vec<u8>, ArchiveSummary)> {
        let mut archive = Archive::new(Vec::new())?;
        archive.directory("d")?;
        archive.file(long, true, 3, &b"abc"[..])?;
        archive.finish()
    }

    #[test]
    fn the_same_files_give_the_same_bytes() -> io::Result<()> {
        let long = format!("d/{}", "ä".repeat(80));
        let (bytes, summary) = archive(&long)?;
        assert_eq!(archive(&long)?, (bytes.clone(), summary.clone()));
        assert_eq!(summary.size, bytes.len() as u64);
        let mut names = Vec::new();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&*bytes));
        for entry in tar.entries()? {
            names.push(String::from_utf8_lossy(&entry?.path_bytes()).into_owned());
        }
        assert_eq!(names, [".", "d", &long]);
        Ok(())
    }

    #[test]
    fn files_that_change_are_noticed() -> io::Result<()> {
        let mut archive = Archive::new(Vec::new())?;
        assert!(archive.file("short", false, 4, &b"abc"[..]).is_err());
        assert!(archive.file("long", false, 2, &b"abc"[..]).is_err());
        Ok(())
    }
}
