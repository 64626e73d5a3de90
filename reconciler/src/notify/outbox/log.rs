//! A file to which a line of JSON is added for every change, and which is rewritten when most of its lines are out of
//! date.
//!
//! A crash of the machine cuts off the last line at most. While the file cannot be written, because the disk is full for
//! example, changes are only in memory; they are written when the file is rewritten, as soon as that is possible.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How many lines may be out of date.
const SPARE_LINES: usize = 2_000;
/// The pause before the file is rewritten after that has failed.
const PAUSE: Duration = Duration::from_secs(1);

/// The file.
pub(super) struct Log {
    path: PathBuf,
    /// Nothing while the file does not have every change.
    file: Option<File>,
    /// When the file could not be written last, and why.
    failure: Option<(Instant, io::Error)>,
    lines: usize,
}

impl Log {
    /// A log that has to be rewritten before lines can be added to its file.
    pub(super) fn new(path: &Path) -> Self {
        Log { path: path.to_owned(), file: None, failure: None, lines: 0 }
    }

    /// Reads the lines of a file, if there is one. Lines that cannot be read are left out.
    pub(super) fn read<T: DeserializeOwned>(path: &Path, mut take: impl FnMut(T)) -> io::Result<()> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for line in BufReader::new(file).split(b'\n') {
            if let Ok(line) = serde_json::from_slice(&line?) {
                take(line);
            }
        }
        Ok(())
    }

    /// Adds a line, if the file has all lines before it.
    pub(super) fn append(&mut self, line: &impl Serialize) -> io::Result<()> {
        let text = text(line)?;
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(&text)
        {
            // The end of the file may be half a line now: only a new file can have this change.
            self.file = None;
            self.failure = Some((Instant::now(), error));
        }
        self.lines += 1;
        Ok(())
    }

    /// Whether the file lacks a change, or most of its lines are out of date. `live` is how many are not.
    pub(super) fn is_due(&self, live: usize) -> bool {
        self.file.is_none() || self.lines > 2 * live + SPARE_LINES
    }

    /// Whether writing the file has failed, or it lacks a change.
    pub(super) fn is_behind(&self) -> bool {
        self.file.is_none() || self.failure.is_some()
    }

    /// Whether writing the file has failed a moment ago.
    pub(super) fn has_just_failed(&self) -> bool {
        self.failure.as_ref().is_some_and(|(at, _)| at.elapsed() < PAUSE)
    }

    /// Why the file could not be written.
    pub(super) fn failure(&self) -> Option<String> {
        let (_, error) = self.failure.as_ref()?;
        Some(format!("{}: {error}", self.path.display()))
    }

    /// Replaces the file by one that has these lines only.
    pub(super) fn rewrite(&mut self, lines: impl Iterator<Item = impl Serialize>) {
        self.failure = self.try_rewrite(lines).err().map(|error| (Instant::now(), error));
    }

    fn try_rewrite(&mut self, lines: impl Iterator<Item = impl Serialize>) -> io::Result<()> {
        let parent = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent)?;
        // Only its owner can read it: events can say what is nobody else's business.
        let mut new = tempfile::NamedTempFile::new_in(parent)?;
        let mut count = 0;
        for line in lines {
            new.write_all(&text(&line)?)?;
            count += 1;
        }
        new.as_file().sync_all()?;
        new.persist(&self.path).map_err(|error| error.error)?;
        // What was open until now is no longer the file.
        self.file = None;
        self.file = Some(OpenOptions::new().append(true).open(&self.path)?);
        self.lines = count;
        Ok(())
    }
}

/// A line with its end.
fn text(line: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::notify::Outbox;
    use crate::notify::outbox::tests::{message, texts};

    #[test]
    fn what_a_full_disk_does_not_take_is_written_later() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let place = directory.path().join("data");
        let path = place.join("outbox");
        let mut outbox = Outbox::open(&path)?;
        outbox.add(message("slack", "1"))?;
        assert_eq!(outbox.flush(), None);
        // A device that takes nothing, and a directory in which no new file can be made, as on a full disk.
        outbox.log.file = Some(OpenOptions::new().write(true).open("/dev/full")?);
        let away = directory.path().join("away");
        std::fs::rename(&place, &away)?;
        std::fs::write(&place, "")?;
        outbox.add(message("slack", "2"))?;
        outbox.add(message("slack", "3"))?;
        let why = outbox.flush().unwrap_or_default();
        assert!(why.starts_with(&*path.display().to_string()), "{why}");
        assert_eq!(outbox.len(), 3);
        std::fs::remove_file(&place)?;
        std::fs::rename(&away, &place)?;
        std::thread::sleep(PAUSE);
        assert_eq!(outbox.flush(), None);
        outbox.add(message("slack", "4"))?;
        drop(outbox);
        assert_eq!(texts(&mut Outbox::open(&path)?, "slack")?, ["1", "2", "3", "4"]);
        Ok(())
    }
}
