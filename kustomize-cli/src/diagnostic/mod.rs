//! What the user is told on standard error: one value for errors and warnings, and its rendering.

mod render;
mod snippet;
mod style;
mod text;

use std::io::Write;
use std::path::Path;

use kustomize_core::{BuildError, Note, Warning};

use render::Renderer;
use style::Style;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The command fails.
    Error,
    /// The command goes on.
    Warning,
}

/// An error or a warning, ready to be shown.
#[derive(Clone, Debug)]
pub(crate) struct Diagnostic {
    severity: Severity,
    message: String,
    origin: Option<Origin>,
    /// What it is about: pairs of a name and a value.
    about: Vec<(&'static str, String)>,
    notes: Vec<Remark>,
    /// The way that led to the origin, innermost step first.
    chain: Vec<Remark>,
    help: Option<String>,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    file: String,
    line: Option<Line>,
}

/// A line of a file, and a column in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    number: usize,
    /// In characters, counted from 1.
    column: usize,
    text: String,
}

/// A message about another place.
#[derive(Clone, Debug)]
struct Remark {
    message: String,
    origin: Option<Origin>,
}

impl Diagnostic {
    /// An error of the command itself.
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Diagnostic::new(Severity::Error, message.into())
    }

    /// A warning of the command itself.
    pub(crate) fn warning(message: impl Into<String>) -> Self {
        Diagnostic::new(Severity::Warning, message.into())
    }

    /// Says what to do about it.
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn new(severity: Severity, message: String) -> Self {
        Diagnostic {
            severity,
            message,
            origin: None,
            about: Vec::new(),
            notes: Vec::new(),
            chain: Vec::new(),
            help: None,
        }
    }
}

impl From<&BuildError> for Diagnostic {
    fn from(error: &BuildError) -> Self {
        let file = || error.file().map(|file| Origin { file: file.to_owned(), line: None });
        let about = [("resource", error.resource()), ("field", error.field_path())];
        Diagnostic {
            origin: error.place().map(Origin::from).or_else(file),
            about: about.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect(),
            notes: error.notes().iter().map(Remark::from).collect(),
            chain: error.chain().iter().map(Remark::from).collect(),
            help: error.help().map(str::to_owned),
            ..Diagnostic::error(error.to_string())
        }
    }
}

impl From<&Warning> for Diagnostic {
    fn from(warning: &Warning) -> Self {
        // The reference starts its remarks with a YAML comment's mark and the word.
        let message = warning.message.strip_prefix("# Warning: ").unwrap_or(&warning.message);
        Diagnostic {
            origin: warning.place.as_ref().map(Origin::from),
            help: warning.help.clone(),
            ..Diagnostic::warning(message)
        }
    }
}

impl From<&Note> for Remark {
    fn from(note: &Note) -> Self {
        Remark { message: note.message.clone(), origin: note.place.as_ref().map(Origin::from) }
    }
}

impl From<&kustomize_core::yaml::Place> for Origin {
    fn from(place: &kustomize_core::yaml::Place) -> Self {
        let line = Line { number: place.line, column: place.column, text: place.text.clone() };
        Origin { file: place.file.clone(), line: Some(line) }
    }
}

/// Shows diagnostics on standard error.
#[derive(Debug)]
pub(crate) struct Reporter {
    renderer: Renderer,
}

impl Reporter {
    /// Colours when standard error is a terminal; paths as seen from the current directory.
    pub(crate) fn for_stderr() -> Self {
        let here = std::env::current_dir().ok();
        let here = here.as_deref().and_then(Path::to_str).map(str::to_owned);
        Reporter { renderer: Renderer { style: Style::for_stderr(), here } }
    }

    /// Shows one. A closed standard error is nothing to fail for.
    pub(crate) fn report(&self, diagnostic: &Diagnostic) {
        let text = self.renderer.render(diagnostic);
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests;
