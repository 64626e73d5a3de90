//! A directory of its own for a test, with a git repository where one is needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{fixtures, program};

/// A temporary directory.
pub(crate) struct Workplace {
    directory: tempfile::TempDir,
}

impl Workplace {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Workplace { directory: tempfile::tempdir().unwrap() }
    }

    /// One with the overlays of `fixtures/apps` and their golden files, which are what kustomize makes
    /// of them. The broken overlay and the golden file of the base are left out.
    pub(crate) fn with_apps() -> Self {
        let place = Workplace::new();
        copy(&fixtures().join("apps"), &place.path("apps"));
        fs::remove_dir_all(place.path("apps/overlays/broken")).unwrap();
        fs::remove_file(place.path("apps/base/kustomization.snap.yaml")).unwrap();
        place
    }

    /// A path in it.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        // Temporary directories are links on some systems.
        self.directory.path().canonicalize().unwrap().join(path)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Writes a file and the directories it is in.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Replaces text in a file that has it.
    pub(crate) fn edit(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "{path} has no {old:?}: {text}");
        self.write(path, &text.replace(old, new));
    }

    /// Runs the program in it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_in("", arguments)
    }

    /// Runs the program in a directory of it.
    pub(crate) fn run_in(&self, directory: &str, arguments: &[&str]) -> Output {
        let mut command = program(arguments);
        // Another repository that the tests may run in has no say.
        command.env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE").env_remove("GIT_WORK_TREE");
        command.current_dir(self.path(directory)).output().unwrap()
    }

    /// Runs git in it.
    pub(crate) fn git(&self, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.args([
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.com",
            "-c",
            "commit.gpgsign=false",
        ]);
        command.env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE").env_remove("GIT_WORK_TREE");
        let output = command.args(arguments).current_dir(self.path("")).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Makes a repository of it, with all there is committed.
    pub(crate) fn commit_all(&self) {
        if !self.exists(".git") {
            self.git(&["init", "--quiet", "--initial-branch=main"]);
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=all"]);
    }

    /// All files with their content, links with what they point at, to see that nothing was written.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut waiting = vec![self.path("")];
        while let Some(directory) = waiting.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if let Ok(target) = fs::read_link(&path) {
                    files.push((path, target.into_os_string().into_encoded_bytes()));
                } else if path.is_dir() {
                    waiting.push(path);
                } else {
                    let content = fs::read(&path).unwrap();
                    files.push((path, content));
                }
            }
        }
        files.sort();
        files
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let place = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &place);
        } else {
            fs::write(place, fs::read(path).unwrap()).unwrap();
        }
    }
}
