//! Builds that are cancelled before they are done.

use kustomize_core::host::{EntryKind, Host, HostError, MemoryHost};
use kustomize_core::{BuildError, BuildOptions, Cancellation, ErrorKind, build};

/// Files of which one cancels the build when it is read.
struct Trap {
    files: MemoryHost,
    path: &'static str,
    cancellation: Cancellation,
}

impl Trap {
    fn build(files: MemoryHost, path: &'static str) -> Result<(), BuildError> {
        let trap = Trap { files, path, cancellation: Cancellation::default() };
        let options = BuildOptions { cancellation: trap.cancellation.clone(), ..BuildOptions::default() };
        build(&trap, "/app", &options).map(|_| ())
    }
}

impl Host for Trap {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        if path == self.path {
            self.cancellation.cancel();
        }
        self.files.read(path)
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        self.files.resolve(path)
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        self.files.kind(path)
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        self.files.list(directory)
    }
}

fn map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n---\n")
}

/// What the file that cancels is read for comes right before what has to notice it.
#[test]
fn a_build_ends_at_the_next_step() {
    let map = map("a");
    let missing = "resources: [missing.yaml]\n";
    let cases: [(&str, &[(&str, &str)]); 4] = [
        // The next kustomization.
        (
            "/app/kustomization.yaml",
            &[("/app/kustomization.yaml", "resources: [base]\n"), ("/app/base/kustomization.yaml", missing)],
        ),
        // The next entry, after one that has been read alone.
        (
            "/app/base/kustomization.yaml",
            &[
                ("/app/kustomization.yaml", "resources: [base, https://example.org/missing]\n"),
                ("/app/base/kustomization.yaml", "namePrefix: x\n"),
            ],
        ),
        // The next generator.
        (
            "/app/literals",
            &[
                (
                    "/app/kustomization.yaml",
                    "configMapGenerator: [{name: a, envs: [literals]}, {name: b, envs: [missing]}]\n",
                ),
                ("/app/literals", "a=b\n"),
            ],
        ),
        // The first transformer.
        (
            "/app/patch.yaml",
            &[
                (
                    "/app/kustomization.yaml",
                    "resources: [a.yaml]\npatches: [{path: patch.yaml, target: {kind: ConfigMap}}]\n",
                ),
                ("/app/a.yaml", &map),
                ("/app/patch.yaml", "- {op: test, path: /missing, value: x}\n"),
            ],
        ),
    ];
    for (path, files) in cases {
        let error = Trap::build(files.iter().copied().collect(), path).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Cancelled, "{path}: {error}");
        // What would have gone wrong otherwise shows that there was something left to do.
        let error = Trap::build(files.iter().copied().collect(), "/none").unwrap_err();
        assert_ne!(*error.kind(), ErrorKind::Cancelled, "{path}: {error}");
    }
}
