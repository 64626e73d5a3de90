//! Devices and pipes, which are written to and not replaced.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn pipes_are_written_to_whoever_reads() {
        use std::io::Read;
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let refused = write_to_device(&pipe, b"text").unwrap_err();
        assert_eq!(refused.to_string(), "nobody reads from this pipe");

        // More than fits into the pipe at once.
        let text = vec![b'x'; 1 << 20];
        let mut reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        let length = text.len();
        let reading = std::thread::spawn(move || {
            let mut read = vec![0; length];
            reader.read_exact(&mut read).map(|()| read)
        });
        assert!(write_to_device(&pipe, &text).unwrap());
        assert_eq!(reading.join().unwrap().unwrap(), text);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
