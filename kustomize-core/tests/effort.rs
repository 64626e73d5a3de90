//! How much is asked of the host.

#![allow(clippy::unwrap_used)] // a test that unwraps in vain has failed

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use kustomize_core::host::{EntryKind, Host, HostError, MemoryHost};
use kustomize_core::{BuildOptions, build};

/// A host that counts what it is asked.
struct Counting {
    files: MemoryHost,
    questions: AtomicUsize,
}

impl Counting {
    fn ask(&self) -> &MemoryHost {
        self.questions.fetch_add(1, Ordering::Relaxed);
        &self.files
    }
}

impl Host for Counting {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        self.ask().read(path)
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        self.ask().resolve(path)
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        self.ask().kind(path)
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        self.ask().list(directory)
    }
}

/// What is said of ten thousand resources without a file, the first of which is this one, and how
/// many questions it took.
fn of_many_missing(first: &str) -> (String, usize) {
    let mut text = format!("resources:\n- {first}\n");
    for number in 1..10_000 {
        writeln!(text, "- missing-{number}.yaml").unwrap();
    }
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n";
    let files = [("/app/kustomization.yaml", text.as_str()), ("/app/there.yaml", pod)];
    let host = Counting { files: MemoryHost::from_iter(files), questions: AtomicUsize::new(0) };
    let error = build(&host, "/app", &BuildOptions::default()).unwrap_err();
    (error.message().to_owned(), host.questions.into_inner())
}

#[test]
fn the_first_file_that_is_missing_is_the_last_one_asked_for() {
    for (first, missing) in [("missing-0.yaml", 0), ("there.yaml", 1)] {
        let (said, questions) = of_many_missing(first);
        assert_eq!(said, format!("there is no file or directory 'missing-{missing}.yaml'"));
        assert!(questions < 500, "{questions} questions");
    }
}
