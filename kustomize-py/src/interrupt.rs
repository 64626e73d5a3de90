//! Builds that may take long run beside the calling thread, which meanwhile listens for Ctrl-C.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use kustomize_core::host::{Command, EntryKind, Host, HostError, Output, Repository};
use pyo3::prelude::*;

use crate::error::internal;
use crate::stack::STACK;

/// How often Python is asked whether a signal has come in.
const LISTEN: Duration = Duration::from_millis(50);

/// A host that a build can be cut off from, so that it ends soon.
pub(crate) struct Interruptible {
    host: Box<dyn Host + Send + Sync>,
    interrupted: Arc<AtomicBool>,
}

/// Runs `work` on a thread of its own while others may use the interpreter.
///
/// # Errors
/// What a signal handler raised: `KeyboardInterrupt`, as a rule. The work is then cut off from its
/// host and left to end by itself. A panic comes back as an `InternalError`.
pub(crate) fn run<T: Send + 'static>(
    py: Python<'_>,
    host: Box<dyn Host + Send + Sync>,
    work: impl FnOnce(Interruptible) -> T + Send + 'static,
) -> PyResult<T> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let host = Interruptible { host, interrupted: Arc::clone(&interrupted) };
    let (sender, mut receiver) = sync_channel(1);
    let thread = thread::Builder::new().name("kustomize-build".to_owned()).stack_size(STACK);
    thread.spawn(move || {
        let done = catch_unwind(AssertUnwindSafe(|| work(host)));
        // After an interruption nobody waits for it any more.
        let _ = sender.send(done);
    })?;
    loop {
        let receiver = &mut receiver;
        match py.detach(move || receiver.recv_timeout(LISTEN)) {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(panic)) => return Err(panicked(py, &*panic)),
            Err(RecvTimeoutError::Disconnected) => return Err(internal(py, "the build's thread ended")),
            Err(RecvTimeoutError::Timeout) => {
                py.check_signals().inspect_err(|_| interrupted.store(true, Ordering::Relaxed))?;
            }
        }
    }
}

/// A panic, with what it said, as an exception.
pub(crate) fn panicked(py: Python<'_>, panic: &(dyn Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<&str>().copied();
    internal(py, text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic"))
}

impl Interruptible {
    /// The host, unless the build was interrupted.
    fn host(&self) -> Result<&dyn Host, HostError> {
        match self.interrupted.load(Ordering::Relaxed) {
            false => Ok(&*self.host),
            true => Err(HostError::Other("interrupted".to_owned())),
        }
    }
}

impl Host for Interruptible {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        self.host()?.read(path)
    }

    fn read_unlinked(&self, path: &str) -> Result<Vec<u8>, HostError> {
        self.host()?.read_unlinked(path)
    }

    fn list_unlinked(&self, directory: &str) -> Result<Vec<String>, HostError> {
        self.host()?.list_unlinked(directory)
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        self.host()?.resolve(path)
    }

    fn resolve_below(&self, directory: &str, path: &str) -> Result<String, HostError> {
        self.host()?.resolve_below(directory, path)
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

    fn fetch(&self, url: &str) -> Result<Vec<u8>, HostError> {
        self.host()?.fetch(url)
    }

    fn clone_repository(&self, repository: &Repository) -> Result<String, HostError> {
        self.host()?.clone_repository(repository)
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        self.host()?.run(command)
    }

    fn scratch_directory(&self) -> Result<String, HostError> {
        self.host()?.scratch_directory()
    }

    fn write_scratch(&self, path: &str, content: &[u8]) -> Result<(), HostError> {
        self.host()?.write_scratch(path, content)
    }

    // Also after an interruption: nothing is to be left behind.
    fn remove_scratch(&self, directory: &str) {
        self.host.remove_scratch(directory);
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.host.environment(name)
    }
}
