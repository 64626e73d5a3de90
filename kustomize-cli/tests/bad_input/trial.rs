//! One build of bad input, under watch.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What any resource file may hold.
pub(crate) const CONFIG_MAP: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  key: value\n";

/// "Within seconds", of a program that was compiled without optimizations, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 90 } else { 10 });

/// Address space, in KiB: more than the memory that is ever used.
const MEMORY: u64 = 1 << 20;

/// A directory to build.
pub(crate) struct Trial {
    pub(crate) directory: tempfile::TempDir,
}

impl Trial {
    /// A directory with these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let trial = Trial { directory: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            trial.write(path, text.as_bytes());
        }
        trial
    }

    /// A directory with a resource file.
    pub(crate) fn of_resource(text: &str) -> Self {
        Trial::new(&[("kustomization.yaml", "resources: [r.yaml]\n"), ("r.yaml", text)])
    }

    /// A directory with a kustomization file and a resource file that is fine.
    pub(crate) fn of_kustomization(text: &str) -> Self {
        Trial::new(&[("kustomization.yaml", text), ("r.yaml", CONFIG_MAP)])
    }

    /// A directory with a patch of that resource.
    pub(crate) fn of_patch(text: &str) -> Self {
        let trial = Trial::of_kustomization(
            "resources: [r.yaml]\npatches:\n- path: p.yaml\n  target: {kind: ConfigMap}\n",
        );
        trial.write("p.yaml", text.as_bytes());
        trial
    }

    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn path(&self, path: &str) -> std::path::PathBuf {
        self.directory.path().join(path)
    }

    /// Builds the whole directory: it must be refused, with this in the message.
    pub(crate) fn is_refused(&self, says: &str) {
        self.part_is_refused(".", says);
    }

    /// Builds a part of it, which must be refused.
    pub(crate) fn part_is_refused(&self, part: &str, says: &str) {
        let output = self.build(&[part]);
        refused(&output, says);

        self.write("output/out.yaml", b"old");
        refused(&self.build(&[part, "-o", "output/out.yaml"]), says);
        assert_eq!(fs::read(self.path("output/out.yaml")).unwrap(), b"old");
        assert_eq!(fs::read_dir(self.path("output")).unwrap().count(), 1, "something was left behind");
    }

    /// Builds it: it must come to something. Gives standard output.
    pub(crate) fn is_built(&self) -> String {
        let output = self.build(&["."]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs `build` in the directory, with limits.
    pub(crate) fn build(&self, arguments: &[&str]) -> Output {
        build_in(self.directory.path(), Path::new(env!("CARGO_BIN_EXE_kustomize-rs")), arguments, &|_| {})
    }
}

/// Runs a program's `build` with limits on memory and time.
pub(crate) fn build_in(
    directory: &Path,
    program: &Path,
    arguments: &[&str],
    prepare: &dyn Fn(&mut Command),
) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {MEMORY} && exec \"$0\" build \"$@\"")]).arg(program);
    command.args(arguments).current_dir(directory);
    // Each further arena of the allocator would take address space that is never used.
    command.env("MALLOC_ARENA_MAX", "1").env_remove("NO_COLOR");
    prepare(&mut command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (stdout, stderr) = (collect(stdout), collect(stderr));
    let status = wait(&mut child);
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn collect(mut pipe: impl std::io::Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut read = Vec::new();
        pipe.read_to_end(&mut read).unwrap();
        read
    })
}

fn wait(child: &mut Child) -> std::process::ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("still running after {} s", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// What was said, as much as anybody would read.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).chars().take(4000).collect()
}

/// Checks all that holds of a refusal.
pub(crate) fn refused(output: &Output, says: &str) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty(), "{} bytes on standard output", output.stdout.len());
    assert!(said.starts_with("error: "), "{said}");
    assert!(said.contains(says), "expected {says:?} in:\n{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(output.stderr.len() < 4000, "{} bytes of message", output.stderr.len());
}
