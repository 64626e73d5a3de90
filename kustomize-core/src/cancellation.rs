//! Ending a build before it is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{BuildError, ErrorKind};

/// Cancels builds. Clones share the same state, and a cancellation cannot be undone.
///
/// The library has no clock: to limit the time of a build, cancel it from another thread. The build
/// checks for cancellation before each kustomization, entry of `resources`, generator, transformer
/// and resource that a transformer visits, and fails with [`ErrorKind::Cancelled`].
///
/// ```
/// use kustomize_core::{BuildOptions, Cancellation, ErrorKind, build, host::MemoryHost};
///
/// let host = MemoryHost::from_iter([("/app/kustomization.yaml", "namePrefix: a-\n")]);
/// let cancellation = Cancellation::default();
/// let options = BuildOptions { cancellation: cancellation.clone(), ..BuildOptions::default() };
/// cancellation.cancel();
/// let error = build(&host, "/app", &options).unwrap_err();
/// assert_eq!(*error.kind(), ErrorKind::Cancelled);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Cancels all builds with this value. They end at their next check.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether builds are cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error if builds are cancelled.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        if self.is_cancelled() { Err(cancelled()) } else { Ok(()) }
    }
}

#[cold]
fn cancelled() -> BuildError {
    BuildError::new(ErrorKind::Cancelled, "the build was cancelled")
}
