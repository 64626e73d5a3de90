//! Golden files of overlays: what `kustomize_golden` finds and compares, for Python.

use std::ffi::OsString;
use std::sync::Arc;

use kustomize_core::BuildError;
use kustomize_core::host::{Host, mask};
use kustomize_diagnostic::{fit, inert_for_people};
use kustomize_difference::LineRole;
use kustomize_golden::{Layout, Mismatch, Sessions, Update, check_all};
use kustomize_host::OsHost;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::render::this_machine;
use crate::{error, interrupt, options, path};

/// An overlay and its golden file.
#[pyclass(frozen, eq, hash, name = "Case", module = "kustomize_py.golden")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct GoldenCase {
    case: kustomize_golden::Case,
}

#[pymethods]
impl GoldenCase {
    /// The directory of the overlay.
    #[getter]
    fn overlay(&self) -> OsString {
        path::given_back(&self.case.overlay)
    }

    /// The golden file, which need not exist.
    #[getter]
    fn golden(&self) -> OsString {
        path::given_back(&self.case.golden)
    }

    /// Whether there is a golden file and no overlay.
    #[getter]
    fn is_orphan(&self) -> bool {
        self.case.is_orphan
    }

    fn __repr__(&self) -> String {
        format!("<Case {}>", fit(&mask(&self.case.overlay)))
    }
}

/// How the comparison of an overlay with its golden file ended.
#[pyclass(frozen, name = "Outcome", module = "kustomize_py.golden")]
pub(crate) struct GoldenOutcome {
    case: kustomize_golden::Case,
    outcome: kustomize_golden::Outcome,
}

#[pymethods]
impl GoldenOutcome {
    /// How it ended, as a word.
    #[getter]
    fn kind(&self) -> &'static str {
        match &self.outcome {
            kustomize_golden::Outcome::Equal => "equal",
            kustomize_golden::Outcome::Different(_) => "different",
            kustomize_golden::Outcome::Missing { .. } => "missing",
            kustomize_golden::Outcome::Unreadable { .. } => "unreadable",
            kustomize_golden::Outcome::Orphaned => "orphaned",
            _ => "failed",
        }
    }

    /// Whether the overlay renders as it did.
    #[getter]
    fn is_equal(&self) -> bool {
        self.outcome.is_equal()
    }

    /// Why the overlay does not render, or why the golden file cannot be read.
    #[getter]
    fn error(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        match &self.outcome {
            kustomize_golden::Outcome::Failed(failure)
            | kustomize_golden::Outcome::Unreadable { error: failure, .. } => {
                Some(error::exception(py, failure).into_value(py).into_any())
            }
            _ => None,
        }
    }

    /// What there is to say of it, line by line: the role of a line (`resource`, `added`,
    /// `removed`, `changed`, `note`) and its text.
    #[getter]
    fn lines(&self) -> Vec<(&'static str, String)> {
        let lines = match &self.outcome {
            kustomize_golden::Outcome::Different(mismatch) => difference(mismatch),
            kustomize_golden::Outcome::Missing { .. } => {
                notes(&format!("there is no golden file {}", fit(&self.case.golden)))
            }
            kustomize_golden::Outcome::Orphaned => {
                notes(&format!("there is no overlay for the golden file {}", fit(&self.case.golden)))
            }
            kustomize_golden::Outcome::Failed(failure)
            | kustomize_golden::Outcome::Unreadable { error: failure, .. } => notes(&error::text(failure)),
            _ => Vec::new(),
        };
        lines.into_iter().map(|(role, text)| (role, inert_for_people(&mask(&text)))).collect()
    }

    /// What accepting it means: the file to write with its content, or to remove.
    #[getter]
    fn update(&self) -> Option<(OsString, Option<&str>)> {
        match self.outcome.update(&self.case)? {
            Update::Write { path, content } => Some((path::given_back(path), Some(content))),
            Update::Remove { path } => Some((path::given_back(path), None)),
            _ => None,
        }
    }

    fn __str__(&self) -> String {
        self.lines().into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n")
    }

    fn __repr__(&self) -> String {
        format!("<Outcome {}: {}>", self.kind(), fit(&mask(&self.case.overlay)))
    }
}

/// The overlays at or below these paths with their golden files.
#[pyfunction]
#[pyo3(signature = (paths, *, directory=None, file_name=None))]
pub(crate) fn discover_goldens(
    py: Python<'_>,
    paths: &Bound<'_, PyAny>,
    directory: Option<&Bound<'_, PyAny>>,
    file_name: Option<String>,
) -> PyResult<Vec<GoldenCase>> {
    let paths = path::extract_all(paths)?;
    let directory = directory.map(path::extract).transpose()?;
    let found = interrupt::run(py, Box::new(OsHost::new()), move |host| {
        let layout = layout(&host, &paths, directory.as_deref(), file_name.as_deref())?;
        kustomize_golden::discover(&host, &layout, &paths.iter().map(String::as_str).collect::<Vec<_>>())
    })?;
    let cases = found.map_err(|failure| error::exception(py, &failure))?;
    Ok(cases.into_iter().map(|case| GoldenCase { case }).collect())
}

/// Renders the overlays on all cores and compares; outcomes are in the order of the cases.
#[pyfunction]
#[pyo3(signature = (cases, **options))]
pub(crate) fn check_goldens(
    py: Python<'_>,
    cases: &Bound<'_, PyAny>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Vec<GoldenOutcome>> {
    let options = options::extract(options)?;
    let mut given = Vec::new();
    for case in cases.try_iter()? {
        given.push(case?.cast::<GoldenCase>()?.get().case.clone());
    }
    let cases: Arc<[kustomize_golden::Case]> = given.into();
    let host = this_machine(&options);
    let checked = Arc::clone(&cases);
    let outcomes = interrupt::run(py, Box::new(host), move |host| {
        check_all(&mut Sessions::new(&host, options), &checked, |_, _| {})
    })?;
    let pairs = cases.iter().cloned().zip(outcomes);
    Ok(pairs.map(|(case, outcome)| GoldenOutcome { case, outcome }).collect())
}

/// Makes the golden file what the overlay renders as. Returns the file that was written or removed.
#[pyfunction]
pub(crate) fn accept_golden(outcome: &GoldenOutcome) -> PyResult<Option<OsString>> {
    let (path, done) = match outcome.outcome.update(&outcome.case) {
        Some(Update::Write { path, content }) => (path, OsHost::replace_unlinked(path, content.as_bytes())),
        Some(Update::Remove { path }) => (path, OsHost::remove_unlinked(path)),
        _ => return Ok(None),
    };
    let path = path::given_back(path);
    match done {
        Ok(()) => Ok(Some(path)),
        Err(error) => {
            let text = error.to_string();
            let words = text.split(" (os error").next().unwrap_or_default().to_owned();
            Err(PyOSError::new_err((error.raw_os_error(), words, path)))
        }
    }
}

/// Where golden files stand: as the repository of the first path says, unless told otherwise.
fn layout(
    host: &dyn Host,
    paths: &[String],
    directory: Option<&str>,
    file_name: Option<&str>,
) -> Result<Layout, BuildError> {
    let mut layout = Layout::find(host, paths.first().map_or(".", String::as_str))?;
    if let Some(directory) = directory {
        layout = layout.in_given_directory(host, directory)?;
    }
    match file_name {
        Some(name) => layout.with_file_name(name),
        None => Ok(layout),
    }
}

fn difference(mismatch: &Mismatch) -> Vec<(&'static str, String)> {
    match mismatch.difference() {
        Ok(difference) if difference.is_empty() => notes(mismatch.remark()),
        Ok(difference) => {
            difference.mask_secrets().lines().iter().map(|line| (role(line.role), line.to_string())).collect()
        }
        Err(failure) => notes(&error::text(&failure)),
    }
}

fn role(role: LineRole) -> &'static str {
    match role {
        LineRole::Resource => "resource",
        LineRole::Added => "added",
        LineRole::Removed => "removed",
        LineRole::Changed => "changed",
        _ => "note",
    }
}

fn notes(text: &str) -> Vec<(&'static str, String)> {
    text.lines().map(|line| ("note", line.to_owned())).collect()
}
