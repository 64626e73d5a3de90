//! Whether standard output was closed when the program was started, as by `>&-` in a shell.
//!
//! Rust's runtime puts `/dev/null` in the place of a closed stream before `main`, where everything
//! written vanishes in silence. Afterwards nothing tells it from a caller who discards the output
//! on purpose, which is fine: so the question is asked before the runtime starts.

#[cfg(unix)]
mod before_main {
    use std::sync::atomic::{AtomicBool, Ordering};

    static CLOSED: AtomicBool = AtomicBool::new(false);

    /// Nothing of the standard library works yet that needs the runtime: this is one system call.
    #[ctor::ctor(unsafe)]
    fn look() {
        let closed = rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err();
        CLOSED.store(closed, Ordering::Relaxed);
    }

    pub(super) fn stdout_was_closed() -> bool {
        CLOSED.load(Ordering::Relaxed)
    }
}

/// Whether there was no standard output when the program was started.
#[cfg(unix)]
pub(super) fn stdout_was_closed() -> bool {
    before_main::stdout_was_closed()
}

/// Elsewhere writing to a stream that is not there fails by itself.
#[cfg(not(unix))]
pub(super) fn stdout_was_closed() -> bool {
    false
}
