//! How a command can fail.

use std::io;
use std::path::Path;

use kustomize_core::BuildError;
use kustomize_diagnostic::Diagnostic;

/// Why a command ended with status 1.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something to tell the user.
    Reported(Box<Diagnostic>),
    /// Whoever read standard output went away: nothing to say, nobody to say it to.
    ClosedOutput,
}

impl Failure {
    /// A failure with a message of our own.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Failure::from(Diagnostic::error(message))
    }

    /// A file that could not be read.
    pub(crate) fn read(path: &Path, error: &io::Error) -> Self {
        Failure::new(format!("cannot read {}: {}", path.display(), reason(error)))
    }

    /// A file or directory that could not be written.
    pub(crate) fn write(path: &Path, error: &io::Error) -> Self {
        let diagnostic = Diagnostic::error(format!("cannot write {}: {}", path.display(), reason(error)));
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Failure::from(match directory {
            Some(directory) if error.kind() == io::ErrorKind::NotFound => diagnostic.with_help(format!(
                "there is no directory {0}: make it first (mkdir -p {0})",
                directory.display()
            )),
            _ => diagnostic,
        })
    }

    /// Standard output that could not be written.
    pub(crate) fn stdout(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ClosedOutput,
            _ => Failure::new(format!("cannot write to standard output: {}", reason(error))),
        }
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Failure::Reported(Box::new(diagnostic))
    }
}

impl From<Box<Diagnostic>> for Failure {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Failure::Reported(diagnostic)
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Failure::from(&error)
    }
}

impl From<&BuildError> for Failure {
    fn from(error: &BuildError) -> Self {
        Failure::from(Diagnostic::from(error))
    }
}

/// The system's own words, without Rust's ` (os error 2)`, and with a small letter.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
