//! The machine for tests of this crate: files, scratch directories and programs.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use super::{Command, EntryKind, Host, HostError, Output};

/// Reads the machine's files, writes below temporary directories, and runs programs.
pub(crate) struct TestHost;

fn failed(error: &std::io::Error) -> HostError {
    match error.kind() {
        std::io::ErrorKind::NotFound => HostError::NotFound,
        _ => HostError::Other(error.to_string()),
    }
}

impl Host for TestHost {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        fs::read(path).map_err(|error| failed(&error))
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        let resolved = fs::canonicalize(path).map_err(|error| failed(&error))?;
        Ok(resolved.into_os_string().into_string().unwrap())
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        let metadata = fs::metadata(path).map_err(|error| failed(&error))?;
        Ok(if metadata.is_dir() { EntryKind::Directory } else { EntryKind::File })
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        let entries = fs::read_dir(directory).map_err(|error| failed(&error))?;
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        Ok(names)
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        let mut process = std::process::Command::new(&command.program);
        process.args(&command.arguments).envs(command.environment.iter().cloned());
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if !command.directory.is_empty() {
            process.current_dir(&command.directory);
        }
        let mut child = process.spawn().map_err(|error| failed(&error))?;
        // Programs may end without reading their input; that is no error.
        let _ = child.stdin.take().unwrap().write_all(&command.input);
        let output = child.wait_with_output().map_err(|error| failed(&error))?;
        Ok(Output { status: output.status.code(), stdout: output.stdout, stderr: output.stderr })
    }

    fn scratch_directory(&self) -> Result<String, HostError> {
        let directory = tempfile::tempdir().map_err(|error| failed(&error))?.keep();
        self.resolve(directory.to_str().unwrap())
    }

    fn write_scratch(&self, path: &str, content: &[u8]) -> Result<(), HostError> {
        let (directory, _) = path.rsplit_once('/').unwrap();
        fs::create_dir_all(directory).and_then(|()| fs::write(path, content)).map_err(|error| failed(&error))
    }

    fn remove_scratch(&self, directory: &str) {
        fs::remove_dir_all(directory).unwrap();
    }

    fn environment(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}
