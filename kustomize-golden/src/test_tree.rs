//! Real files for tests: directories, symbolic links and git repositories below a temporary directory.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use kustomize_core::host::{EntryKind, Host, HostError, path};
use kustomize_host::OsHost;
use tempfile::TempDir;

/// A temporary directory, and the machine's files as seen from a directory in it.
pub(crate) struct Tree {
    _directory: TempDir,
    /// Its path, with links resolved.
    top: String,
    current_directory: String,
    host: OsHost,
}

impl Tree {
    pub(crate) fn new() -> Self {
        let (directory, host) = (TempDir::new().unwrap(), OsHost::new());
        let top = host.resolve(directory.path().to_str().unwrap()).unwrap();
        Tree { _directory: directory, top, current_directory: "/".to_owned(), host }
    }

    /// The absolute path of something in it. `..` is kept.
    pub(crate) fn path(&self, below: &str) -> String {
        format!("{}/{below}", self.top)
    }

    /// Makes a directory in it the current one.
    pub(crate) fn enter(&mut self, directory: &str) {
        self.current_directory = path::join(&self.top, directory);
    }

    pub(crate) fn write(&self, file: &str, content: &str) {
        let file = self.path(file);
        fs::create_dir_all(path::parent(&file)).unwrap();
        fs::write(file, content).unwrap();
    }

    pub(crate) fn link(&self, link: &str, target: &str) {
        let link = self.path(link);
        fs::create_dir_all(path::parent(&link)).unwrap();
        symlink(target, link).unwrap();
    }

    pub(crate) fn git(&self, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=Test", "-c", "user.email=test@example.com"]);
        command.args(["-c", "protocol.file.allow=always"]);
        for variable in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"] {
            command.env_remove(variable);
        }
        let output = command.args(arguments).current_dir(&self.top).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Host for Tree {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        self.host.read(path)
    }

    fn read_unlinked(&self, path: &str) -> Result<Vec<u8>, HostError> {
        self.host.read_unlinked(path)
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        self.host.resolve(path)
    }

    fn resolve_below(&self, directory: &str, path: &str) -> Result<String, HostError> {
        self.host.resolve_below(directory, path)
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        self.host.kind(path)
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        self.host.list(directory)
    }

    fn list_unlinked(&self, directory: &str) -> Result<Vec<String>, HostError> {
        self.host.list_unlinked(directory)
    }

    fn current_directory(&self) -> Result<String, HostError> {
        Ok(self.current_directory.clone())
    }
}
