//! The outcome of a build.

use std::mem;
use std::sync::Arc;

use kustomize_core::resource::Resource;
use kustomize_core::{BuildError, Warning};
use kustomize_difference::masked_texts;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyIterator, PyList, PyString};

use crate::error;
use crate::stack::{drop_with_room, with_room};

/// Resources that a `repr` names.
const NAMED: usize = 3;

/// Resources that a notebook shows.
const SHOWN: usize = 100;

/// What is of interest of a build, made without the interpreter.
pub(crate) struct Finished {
    resources: Vec<Arc<Resource>>,
    warnings: Vec<Warning>,
    yaml: String,
}

impl Finished {
    /// Prints the resources: what cannot be printed is an error of the build.
    pub(crate) fn new(rendered: kustomize_core::Rendered) -> Result<Self, BuildError> {
        let yaml = rendered.yaml()?;
        let (resources, warnings) = (rendered.resources().to_vec(), rendered.warnings().to_vec());
        Ok(Finished { resources, warnings, yaml })
    }
}

/// The outcome of a build.
#[pyclass(frozen, module = "kustomize_py")]
pub(crate) struct Rendered {
    resources: Vec<Arc<Resource>>,
    warnings: Vec<Warning>,
    yaml: Py<PyString>,
    /// The resources as plain data, made when it is first asked for.
    data: PyOnceLock<Vec<Py<PyAny>>>,
}

impl Rendered {
    pub(crate) fn new(py: Python<'_>, finished: Finished) -> Self {
        let Finished { resources, warnings, yaml } = finished;
        Rendered { resources, warnings, yaml: PyString::new(py, &yaml).unbind(), data: PyOnceLock::new() }
    }

    fn data(&self, py: Python<'_>) -> PyResult<&[Py<PyAny>]> {
        let make = |py: Python<'_>| {
            let resources = self.resources.iter();
            resources.map(|resource| Ok(pythonize::pythonize(py, &resource.data())?.unbind())).collect()
        };
        self.data.get_or_try_init(py, || with_room(py, make)).map(Vec::as_slice)
    }
}

impl Drop for Rendered {
    fn drop(&mut self) {
        drop_with_room(mem::take(&mut self.resources));
    }
}

#[pymethods]
impl Rendered {
    /// The resources as one YAML text, byte for byte as kustomize prints it.
    #[getter]
    fn yaml(&self, py: Python<'_>) -> Py<PyString> {
        self.yaml.clone_ref(py)
    }

    /// The resources as plain data, in the order of the output.
    #[getter]
    fn resources<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.data(py)?)
    }

    /// What the build noticed without failing.
    #[getter]
    fn warnings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let warnings: PyResult<Vec<_>> =
            self.warnings.iter().map(|warning| error::warning(py, warning)).collect();
        PyList::new(py, warnings?)
    }

    /// The first resource with this kind and name, and this namespace if one is given.
    #[pyo3(signature = (kind, name, namespace=None))]
    fn find(
        &self,
        py: Python<'_>,
        kind: &str,
        name: &str,
        namespace: Option<&str>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let wanted = |resource| is(resource, Some(kind), Some(name), namespace);
        let Some(at) = self.resources.iter().position(|resource| wanted(resource)) else {
            return Ok(None);
        };
        Ok(self.data(py)?.get(at).map(|found| found.clone_ref(py)))
    }

    /// All resources with this kind, name and namespace; what is not given may be anything.
    #[pyo3(signature = (kind=None, name=None, namespace=None))]
    fn select<'py>(
        &self,
        py: Python<'py>,
        kind: Option<&str>,
        name: Option<&str>,
        namespace: Option<&str>,
    ) -> PyResult<Bound<'py, PyList>> {
        let pairs = self.resources.iter().zip(self.data(py)?);
        PyList::new(
            py,
            pairs.filter(|(resource, _)| is(resource, kind, name, namespace)).map(|(_, data)| data),
        )
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.resources(py)?.try_iter()
    }

    fn __reversed__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.resources(py)?.call_method0("__reversed__")
    }

    fn __len__(&self) -> usize {
        self.resources.len()
    }

    fn __getitem__(&self, py: Python<'_>, index: isize) -> PyResult<Py<PyAny>> {
        let data = self.data(py)?;
        let at = if index < 0 { data.len().checked_add_signed(index) } else { usize::try_from(index).ok() };
        let found = at.and_then(|at| data.get(at));
        found
            .map(|resource| resource.clone_ref(py))
            .ok_or_else(|| PyIndexError::new_err("resource index out of range"))
    }

    fn __str__(&self, py: Python<'_>) -> Py<PyString> {
        self.yaml(py)
    }

    /// What notebooks show: each resource, to be opened. Values of Secrets are hidden, since notebooks
    /// are kept with their output.
    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let yaml = self.yaml.bind(py).to_str()?;
        let masked = masked_texts(("rendered", yaml), ("rendered", yaml));
        let masked = masked.map_err(|failure| error::exception(py, &failure))?.0;
        let mut html = format!("<div><p>{}</p>\n", escaped(&self.__repr__()));
        for (resource, text) in self.resources.iter().zip(masked.split("\n---\n")).take(SHOWN) {
            let (name, text) = (escaped(&name(resource)), escaped(text.trim_end()));
            html.push_str(&format!("<details><summary>{name}</summary><pre>{text}</pre></details>\n"));
        }
        if let Some(more @ 1..) = self.resources.len().checked_sub(SHOWN) {
            html.push_str(&format!("<p>… and {more} more</p>\n"));
        }
        html.push_str("</div>");
        Ok(html)
    }

    fn __repr__(&self) -> String {
        let resources = &self.resources;
        let mut names: Vec<String> = resources.iter().take(NAMED).map(|resource| name(resource)).collect();
        if resources.len() > NAMED {
            names.push("…".to_owned());
        }
        let mut text = format!("<Rendered {}", counted(resources.len(), "resource"));
        if !names.is_empty() {
            text.extend([": ", &names.join(", ")]);
        }
        if !self.warnings.is_empty() {
            text.extend(["; ", &counted(self.warnings.len(), "warning")]);
        }
        text.push('>');
        text
    }
}

fn is(resource: &Resource, kind: Option<&str>, name: Option<&str>, namespace: Option<&str>) -> bool {
    kind.is_none_or(|kind| resource.kind() == kind)
        && name.is_none_or(|name| resource.name() == name)
        && namespace.is_none_or(|namespace| resource.namespace() == namespace)
}

/// Text as it stands in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `Deployment production/web`.
fn name(resource: &Resource) -> String {
    match resource.namespace() {
        "" => format!("{} {}", resource.kind(), resource.name()),
        namespace => format!("{} {namespace}/{}", resource.kind(), resource.name()),
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
