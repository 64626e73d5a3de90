//! The host of a real machine.

use super::{EntryKind, Host, HostError};

/// Reads the local file system.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct OsHost {}

impl OsHost {
    /// A host that reads and does nothing else.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

fn host_error(error: &std::io::Error) -> HostError {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => HostError::NotFound,
        ErrorKind::PermissionDenied => HostError::Denied,
        ErrorKind::IsADirectory => HostError::IsDirectory,
        ErrorKind::NotADirectory => HostError::NotDirectory,
        _ => HostError::Other(error.to_string()),
    }
}

impl Host for OsHost {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        std::fs::read(path).map_err(|error| host_error(&error))
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        let resolved = std::fs::canonicalize(path).map_err(|error| host_error(&error))?;
        resolved
            .into_os_string()
            .into_string()
            .map_err(|_| HostError::Other("the path is not UTF-8".to_owned()))
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        let metadata = std::fs::metadata(path).map_err(|error| host_error(&error))?;
        Ok(if metadata.is_file() {
            EntryKind::File
        } else if metadata.is_dir() {
            EntryKind::Directory
        } else {
            EntryKind::Other
        })
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(|error| host_error(&error))? {
            let entry = entry.map_err(|error| host_error(&error))?;
            if let Ok(name) = entry.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}
