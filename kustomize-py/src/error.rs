//! Errors of the library as exceptions of the package, which are written in Python.

use kustomize_core::host::HostError;
use kustomize_core::yaml::Location;
use kustomize_core::{BuildError, ErrorKind, Note, Warning};
use kustomize_diagnostic::{Diagnostic, Renderer, Style};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::path::given_back;

const MODULE: &str = "kustomize_py._diagnostics";

/// The exception of a failed build.
pub(crate) fn exception(py: Python<'_>, error: &BuildError) -> PyErr {
    from_class(py, class(error.kind()), error.message(), |fields| {
        fields.set_item("text", text(error))?;
        fields.set_item("kind", error.kind().name())?;
        fields.set_item("file", error.file().map(given_back))?;
        fields.set_item("line", error.location().map(|place| place.line))?;
        fields.set_item("column", error.location().map(|place| place.column))?;
        fields.set_item("resource", error.resource())?;
        fields.set_item("field", error.field_path())?;
        fields.set_item("hint", error.help())?;
        fields.set_item("chain", notes(py, error.chain())?)?;
        fields.set_item("notes", notes(py, error.notes())?)
    })
}

/// The exception of a bug of ours.
pub(crate) fn internal(py: Python<'_>, words: &str) -> PyErr {
    from_class(py, "InternalError", words, |_| Ok(()))
}

/// A remark of a build that succeeded, as a `BuildWarning`.
pub(crate) fn warning<'py>(py: Python<'py>, warning: &Warning) -> PyResult<Bound<'py, PyAny>> {
    let diagnostic = Diagnostic::from(warning);
    let fields = PyDict::new(py);
    fields.set_item("message", diagnostic.message())?;
    set_place(&fields, warning.location.as_ref())?;
    fields.set_item("hint", &warning.help)?;
    fields.set_item("text", render(&diagnostic))?;
    py.import(MODULE)?.getattr("BuildWarning")?.call((), Some(&fields))
}

fn from_class(
    py: Python<'_>,
    class: &str,
    message: &str,
    set: impl FnOnce(&Bound<'_, PyDict>) -> PyResult<()>,
) -> PyErr {
    let exception = || {
        let fields = PyDict::new(py);
        set(&fields)?;
        py.import(MODULE)?.getattr(class)?.call((message,), Some(&fields))
    };
    exception().map_or_else(|error| error, PyErr::from_value)
}

/// An error as the command shows it.
pub(crate) fn text(error: &BuildError) -> String {
    render(&Diagnostic::from(error))
}

/// What the command would say, without the last line break.
fn render(diagnostic: &Diagnostic) -> String {
    let mut text = Renderer::new(Style::Plain).render(diagnostic);
    text.truncate(text.trim_end().len());
    text
}

fn notes<'py>(py: Python<'py>, notes: &[Note]) -> PyResult<Bound<'py, PyTuple>> {
    let class = py.import(MODULE)?.getattr("Note")?;
    let made: PyResult<Vec<_>> = notes
        .iter()
        .map(|note| {
            let fields = PyDict::new(py);
            fields.set_item("message", &note.message)?;
            set_place(&fields, note.location.as_ref())?;
            class.call((), Some(&fields))
        })
        .collect();
    PyTuple::new(py, made?)
}

fn set_place(fields: &Bound<'_, PyDict>, place: Option<&Location>) -> PyResult<()> {
    fields.set_item("file", place.map(|place| given_back(&place.file)))?;
    fields.set_item("line", place.map(|place| place.line))?;
    fields.set_item("column", place.map(|place| place.column))
}

/// The exception for a kind of error: what the caller could do about it decides.
fn class(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Restriction | ErrorKind::NotAllowed | ErrorKind::Host(HostError::Refused { .. }) => {
            "NotAllowedError"
        }
        ErrorKind::Function
        | ErrorKind::Remote
        | ErrorKind::Host(HostError::Failed { .. } | HostError::Http { .. } | HostError::TimedOut { .. }) => {
            "ExternalError"
        }
        ErrorKind::Host(_) => "FileError",
        _ => "InputError",
    }
}
