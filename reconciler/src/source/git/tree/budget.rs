//! How much may be read of a tree.

use std::sync::atomic::{AtomicU64, Ordering};

use kustomize_core::Cancellation;
use kustomize_core::host::HostError;

/// How many files and directories a build may look at.
const MOST_ENTRIES: u64 = 200_000;
/// How many kustomization files a build may read: each costs more than other files do.
const MOST_KUSTOMIZATIONS: u64 = 20_000;
/// What a build may read together, in bytes.
const MOST_BYTES: u64 = 512 << 20;
/// What the files of an archive may have together, in bytes.
const MOST_PACKED: u64 = 2 << 30;

/// What may still be read.
pub(in crate::source::git) struct Budget {
    entries: AtomicU64,
    kustomizations: AtomicU64,
    bytes: AtomicU64,
    /// What is limited, in messages.
    what: &'static str,
    most_bytes: u64,
    /// After this, nothing may be read.
    cancellation: Cancellation,
}

impl Default for Budget {
    fn default() -> Self {
        Budget::of_build(Cancellation::default())
    }
}

impl Budget {
    fn new(what: &'static str, most_bytes: u64) -> Self {
        let zero = AtomicU64::default;
        Budget {
            entries: zero(),
            kustomizations: zero(),
            bytes: zero(),
            what,
            most_bytes,
            cancellation: Cancellation::default(),
        }
    }

    /// The budget for a build that is ended by this switch.
    pub(super) fn of_build(cancellation: Cancellation) -> Self {
        Budget { cancellation, ..Budget::new("a build", MOST_BYTES) }
    }

    pub(super) fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// The budget for an archive of all files.
    pub(in crate::source::git) fn of_archive() -> Self {
        Budget::new("an archive", MOST_PACKED)
    }

    /// Notes that a file with so many bytes was read.
    pub(super) fn read(&self, bytes: usize) -> Result<(), HostError> {
        self.look(1)?;
        let read = self.bytes.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        if read > self.most_bytes {
            let limit = format!("may read {} MiB", self.most_bytes >> 20);
            return Err(self.refuse("file", &limit));
        }
        Ok(())
    }

    /// Notes that a file is read in order to build what it says.
    pub(super) fn load(&self, name: &str) -> Result<(), HostError> {
        let is_kustomization = matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization");
        if is_kustomization && self.kustomizations.fetch_add(1, Ordering::Relaxed) >= MOST_KUSTOMIZATIONS {
            let limit = format!("may read {MOST_KUSTOMIZATIONS} kustomization files");
            return Err(self.refuse("kustomization file", &limit));
        }
        Ok(())
    }

    /// Notes that a directory with so many entries was listed.
    pub(super) fn list(&self, entries: usize) -> Result<(), HostError> {
        self.look(entries as u64 + 1)
    }

    fn look(&self, entries: u64) -> Result<(), HostError> {
        if self.cancellation.is_cancelled() {
            return Err(HostError::Other("was not read, since the build was cancelled".to_owned()));
        }
        if self.entries.fetch_add(entries, Ordering::Relaxed) + entries > MOST_ENTRIES {
            let limit = format!("may look at {MOST_ENTRIES} files and directories");
            return Err(self.refuse("file or directory", &limit));
        }
        Ok(())
    }

    fn refuse(&self, one: &str, limit: &str) -> HostError {
        HostError::Other(format!(
            "is one {one} too many: {} {limit}; divide it, or look for directories that repeat themselves",
            self.what
        ))
    }
}
