//! Short builds, which are over before another thread for them would have started. They run on the
//! calling thread; whatever turns out to be longer is begun again beside it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kustomize_core::host::{Command, EntryKind, Host, HostError, Output, Repository};
use pyo3::prelude::*;

use crate::interrupt::panicked;
use crate::stack::has_room;

/// Bytes that a short build reads at most: some hundred resources, a few milliseconds.
const MOST_BYTES: usize = 64 << 10;

/// When a short build must have asked its last question. Slow disks are waited for elsewhere.
const LONGEST: Duration = Duration::from_millis(20);

/// What `work` makes of the host while others may use the interpreter; none if it is not short.
/// Ctrl-C is only noticed afterwards.
///
/// # Errors
/// A panic, as an `InternalError`.
pub(crate) fn attempt<T: Send>(
    py: Python<'_>,
    host: &(dyn Host + Send),
    work: &(impl Fn(&dyn Host) -> T + Sync),
) -> PyResult<Option<T>> {
    if !has_room() {
        return Ok(None);
    }
    let host = Limited {
        host,
        bytes_left: AtomicUsize::new(MOST_BYTES),
        ends: Instant::now() + LONGEST,
        has_ended: AtomicBool::new(false),
    };
    let done = py.detach(|| catch_unwind(AssertUnwindSafe(|| work(&host))));
    match (host.has_ended.into_inner(), done) {
        (true, _) => Ok(None),
        (false, Ok(done)) => Ok(Some(done)),
        (false, Err(panic)) => Err(panicked(py, &*panic)),
    }
}

/// A host that answers for a short time only, and does nothing that takes long or leaves traces.
struct Limited<'h> {
    host: &'h (dyn Host + Send),
    bytes_left: AtomicUsize,
    ends: Instant,
    /// Whether it left anything unanswered, so that the outcome does not count.
    has_ended: AtomicBool,
}

impl Limited<'_> {
    /// The host, as long as the build is short.
    fn host(&self) -> Result<&dyn Host, HostError> {
        if self.has_ended.load(Ordering::Relaxed) || Instant::now() > self.ends {
            return Err(self.end());
        }
        Ok(self.host)
    }

    fn end(&self) -> HostError {
        self.has_ended.store(true, Ordering::Relaxed);
        HostError::Other("this is not a short build".to_owned())
    }
}

impl Host for Limited<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        let content = self.host()?.read(path)?;
        let take = |left: usize| left.checked_sub(content.len());
        match self.bytes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Ok(content),
            Err(_) => Err(self.end()),
        }
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        self.host()?.resolve(path)
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        self.host()?.kind(path)
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        self.host()?.list(directory)
    }

    fn current_directory(&self) -> Result<String, HostError> {
        self.host.current_directory()
    }

    fn fetch(&self, _url: &str) -> Result<Vec<u8>, HostError> {
        Err(self.end())
    }

    fn clone_repository(&self, _repository: &Repository) -> Result<String, HostError> {
        Err(self.end())
    }

    fn run(&self, _command: &Command) -> Result<Output, HostError> {
        Err(self.end())
    }

    fn scratch_directory(&self) -> Result<String, HostError> {
        Err(self.end())
    }

    fn write_scratch(&self, _path: &str, _content: &[u8]) -> Result<(), HostError> {
        Err(self.end())
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.host.environment(name)
    }
}
