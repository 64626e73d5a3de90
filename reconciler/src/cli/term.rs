//! What is printed: results to standard output, progress with Flux's marks to standard error.

use std::io::{self, Write};

use super::Result;

/// Prints a result.
pub(crate) fn print(text: &str) -> Result {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Says what is made.
pub(crate) fn generate(message: &str) {
    mark("✚", message);
}

/// Says what is done now.
pub(crate) fn action(message: &str) {
    mark("►", message);
}

/// Says what is waited for.
pub(crate) fn waiting(message: &str) {
    mark("◎", message);
}

/// Says what was done.
pub(crate) fn success(message: &str) {
    mark("✔", message);
}

/// Says what may not be as it was meant.
pub(crate) fn warning(message: &str) {
    mark("⚠️", message);
}

/// Says what has failed.
pub(crate) fn failure(message: &str) {
    mark("✗", message);
}

/// Prints a line to standard error. When that fails, nothing is left to tell it to.
fn mark(mark: &str, message: &str) {
    let _ = writeln!(io::stderr().lock(), "{mark} {message}");
}

/// Prints a text to standard error as it is.
pub(crate) fn note(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
