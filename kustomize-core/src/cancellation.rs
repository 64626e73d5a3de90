//! Ending a build before it is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{BuildError, ErrorKind};

/// A switch that ends builds. Its clones are the same switch, and it cannot be switched back.
///
/// The library has no clock: whoever limits the time of a build cancels it from another thread. The
/// build looks at the switch before each kustomization, entry of `resources`, generator, transformer
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
    /// Ends all builds with this switch as soon as they look at it.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether builds are to end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error if builds are to end.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        if self.is_cancelled() { Err(cancelled()) } else { Ok(()) }
    }
}

#[cold]
fn cancelled() -> BuildError {
    BuildError::new(ErrorKind::Cancelled, "the build was cancelled")
}
