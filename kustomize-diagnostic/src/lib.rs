//! What people are told of errors and warnings: one value for both, and its rendering as text.
//!
//! The library itself knows of no text and no terminal; whatever shows its errors (the command,
//! the packages for other languages) shows them through this, and so alike.
//!
//! ```
//! use kustomize_core::{BuildOptions, build, host::MemoryHost};
//! use kustomize_diagnostic::{Diagnostic, Renderer, Style};
//!
//! let host = MemoryHost::from_iter([("/app/kustomization.yaml", "resources: [service.yaml]\n")]);
//! let error = build(&host, "/app", &BuildOptions::default()).unwrap_err();
//! let text = Renderer::new(Style::Plain).render(&Diagnostic::from(&error));
//! assert!(text.starts_with("error: ") && text.contains("--> app/kustomization.yaml:1:13"), "{text}");
//! ```

#![deny(missing_docs)]

mod render;
mod snippet;
mod style;
mod text;

use kustomize_core::{BuildError, Note, Warning};

pub use render::Renderer;
pub use style::{Role, Style};
pub use text::{fit, inert, inert_for_people, xml, xml_attribute};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    /// The command fails.
    Error,
    /// The command goes on.
    Warning,
}

/// An error or a warning, ready to be shown.
#[derive(Clone, Debug)]
pub struct Diagnostic {
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
struct Origin {
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
    /// An error that is none of a build: of a command, say.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Diagnostic::new(Severity::Error, message.into())
    }

    /// A warning that is none of a build.
    #[must_use]
    pub fn warning(message: impl Into<String>) -> Self {
        Diagnostic::new(Severity::Warning, message.into())
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What happened, in one sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
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
            origin: error.location().map(Origin::from).or_else(file),
            about: about.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect(),
            notes: error.notes().iter().map(Remark::from).collect(),
            chain: error.chain().iter().map(Remark::from).collect(),
            help: error.help().map(str::to_owned),
            ..Diagnostic::error(error.message())
        }
    }
}

impl From<&Warning> for Diagnostic {
    fn from(warning: &Warning) -> Self {
        // kustomize starts its remarks with a YAML comment's mark and the word.
        let message = warning.message.strip_prefix("# Warning: ").unwrap_or(&warning.message);
        Diagnostic {
            origin: warning.location.as_ref().map(Origin::from),
            help: warning.help.clone(),
            ..Diagnostic::warning(message)
        }
    }
}

impl From<&Note> for Remark {
    fn from(note: &Note) -> Self {
        Remark { message: note.message.clone(), origin: note.location.as_ref().map(Origin::from) }
    }
}

impl From<&kustomize_core::yaml::Location> for Origin {
    fn from(place: &kustomize_core::yaml::Location) -> Self {
        let line = Line { number: place.line, column: place.column, text: place.text.clone() };
        Origin { file: place.file.clone(), line: Some(line) }
    }
}

#[cfg(test)]
mod tests;
