//! What JavaScript gets, as JSON. The npm package's `types.ts` says the same in TypeScript.

use kustomize_core::difference::{Difference, ResourceChange};
use kustomize_core::host::HostError;
use kustomize_core::yaml::{Data, Place};
use kustomize_core::{BuildError, ErrorKind, Note, Rendered, Warning};
use kustomize_diagnostic::{Diagnostic, Renderer, Style};
use serde::Serialize;

/// The answer to a call, or why there is none.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome<T> {
    /// It went well.
    Ok(T),
    /// It did not.
    Error(Box<Problem>),
}

impl<T> From<Result<T, Box<Problem>>> for Outcome<T> {
    fn from(result: Result<T, Box<Problem>>) -> Self {
        match result {
            Ok(value) => Outcome::Ok(value),
            Err(problem) => Outcome::Error(problem),
        }
    }
}

/// What a rendering gives.
#[derive(Serialize)]
pub(crate) struct Rendering<'a> {
    yaml: String,
    resources: Vec<Data<'a>>,
    warnings: Vec<Remark>,
}

impl<'a> Rendering<'a> {
    /// What was rendered, printed.
    pub(crate) fn new(rendered: &'a Rendered) -> Result<Self, Box<Problem>> {
        Ok(Rendering {
            yaml: rendered.yaml().map_err(|error| Problem::new(&error))?,
            resources: rendered.resources().iter().map(|resource| resource.data()).collect(),
            warnings: rendered.warnings().iter().map(Remark::from).collect(),
        })
    }
}

/// What differs between two renderings.
#[derive(Serialize)]
pub(crate) struct Compared {
    resources: Vec<ResourceChange>,
    reordered: bool,
    text: String,
}

impl From<Difference> for Compared {
    fn from(difference: Difference) -> Self {
        let text = difference.to_string();
        Compared { resources: difference.resources, reordered: difference.reordered, text }
    }
}

/// Why a call failed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    kind: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(flatten)]
    line: Option<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    chain: Vec<Remark>,
    notes: Vec<Remark>,
    /// All of it, as the command shows it.
    text: String,
}

impl Problem {
    /// All that an error knows.
    pub(crate) fn new(error: &BuildError) -> Box<Self> {
        let mut diagnostic = Diagnostic::from(error);
        if let Some(hint) = hint(error) {
            diagnostic = diagnostic.with_help(hint);
        }
        Box::new(Problem {
            kind: kind(error.kind()),
            message: error.to_string(),
            file: error.file().map(str::to_owned),
            line: error.place().map(Line::from),
            resource: error.resource().map(str::to_owned),
            field: error.field_path().map(str::to_owned),
            hint: hint(error).map(str::to_owned),
            chain: error.chain().iter().map(Remark::from).collect(),
            notes: error.notes().iter().map(Remark::from).collect(),
            text: Renderer::new(Style::Plain).render(&diagnostic),
        })
    }
}

/// What to do about it. Where a program or the network is missing, the usual cure is an option,
/// which does not help here.
fn hint(error: &BuildError) -> Option<&str> {
    match error.kind() {
        ErrorKind::NotAllowed | ErrorKind::Remote | ErrorKind::Host(HostError::Refused { .. }) => {
            Some("programs and the network cannot be reached from WebAssembly: render this with the command")
        }
        _ => error.help(),
    }
}

/// A remark about a place.
#[derive(Serialize)]
pub(crate) struct Remark {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(flatten)]
    line: Option<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl From<&Note> for Remark {
    fn from(note: &Note) -> Self {
        Remark::new(note.message.clone(), note.place.as_ref(), None)
    }
}

impl From<&Warning> for Remark {
    fn from(warning: &Warning) -> Self {
        let message = Diagnostic::from(warning).message().to_owned();
        Remark::new(message, warning.place.as_ref(), warning.help.clone())
    }
}

impl Remark {
    fn new(message: String, place: Option<&Place>, hint: Option<String>) -> Self {
        Remark { message, file: place.map(|place| place.file.clone()), line: place.map(Line::from), hint }
    }
}

/// Where in a file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    line: usize,
    column: usize,
    line_text: String,
}

impl From<&Place> for Line {
    fn from(place: &Place) -> Self {
        Line { line: place.line, column: place.column, line_text: place.text.clone() }
    }
}

/// The name of a kind, spelt as JavaScript does.
fn kind(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotAllowed => "notAllowed",
        kind => kind.name(),
    }
}
