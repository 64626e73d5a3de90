//! The stack that is left: nested input takes most of a megabyte, and Python's threads may have
//! been given less.

use std::thread;

use pyo3::prelude::*;

use crate::interrupt::panicked;

/// The stack of threads of ours, whatever that of the calling one.
pub(crate) const STACK: usize = 16 << 20;

/// Bytes of stack to have for what goes down into resources.
const ENOUGH: usize = 2 << 20;

/// Whether the calling thread has as much. What `threading.stack_size` says is not to be relied on:
/// it is about threads to come.
pub(crate) fn has_room() -> bool {
    stacker::remaining_stack().is_some_and(|left| left >= ENOUGH)
}

/// Does what goes down into resources with the interpreter, on a thread of its own if need be.
///
/// # Errors
/// Those of `work`. A panic comes back as an `InternalError`.
pub(crate) fn with_room<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(Python<'_>) -> PyResult<T> + Send,
) -> PyResult<T> {
    if has_room() {
        return work(py);
    }
    let thread = thread::Builder::new().name("kustomize-data".to_owned()).stack_size(STACK);
    let done = py.detach(|| {
        thread::scope(|scope| {
            let thread = thread.spawn_scoped(scope, || Python::attach(work))?;
            Ok::<_, std::io::Error>(thread.join())
        })
    })?;
    done.unwrap_or_else(|panic| Err(panicked(py, &*panic)))
}

/// Drops what goes deep, on a thread of its own if need be.
pub(crate) fn drop_with_room<T: Send + 'static>(value: T) {
    if !has_room() {
        // It has nothing to say: nobody waits for it.
        let _ = thread::Builder::new().stack_size(STACK).spawn(move || drop(value));
    }
}
