//! Plain data as YAML, as kustomize prints resources.

use kustomize_core::BuildError;
use kustomize_core::yaml::{self, Key, Map, Node, Scalar, Seq, Style, Tag};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::error;

/// How deep data may be nested; a list that holds itself has no end.
const MAX_DEPTH: usize = 500;

/// Prints resources as kustomize does: one dict, or several, such as a changed `Rendered.resources`.
///
/// Keys are sorted and strings quoted as in the output of a build. Comments and styles of the files
/// that the resources once came from are not there any more.
#[pyfunction]
#[pyo3(signature = (resources, /))]
pub(crate) fn to_yaml(py: Python<'_>, resources: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut out = String::new();
    let mut print = |resource: &Bound<'_, PyAny>| {
        let resource = resource.cast::<PyDict>().map_err(|_| {
            let class = resource.get_type();
            PyTypeError::new_err(format!("a resource is a dict, and this is a {class}"))
        })?;
        if !out.is_empty() {
            out.push_str("---\n");
        }
        let node = node(resource, 0)?;
        yaml::print(&node, &mut out).map_err(|failure| error::exception(py, &BuildError::from(failure)))
    };
    if resources.is_instance_of::<PyDict>() {
        print(resources)?;
    } else {
        for resource in resources.try_iter()? {
            print(&resource?)?;
        }
    }
    Ok(out)
}

/// A value as a node of YAML.
fn node(value: &Bound<'_, PyAny>, depth: usize) -> PyResult<Node> {
    if depth > MAX_DEPTH {
        return Err(PyValueError::new_err(format!("nested more than {MAX_DEPTH} levels deep")));
    }
    let plain = |text: &str, tag| Node::scalar(Scalar::new(text, tag, Style::Plain));
    if value.is_none() {
        return Ok(Node::null());
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Node::string(text.to_str()?));
    }
    if let Ok(map) = value.cast::<PyDict>() {
        let mut entries = Map::new();
        for (key, value) in map {
            let key = key.cast::<PyString>().map_err(|_| {
                PyTypeError::new_err(format!("keys are str, and this is a {}", key.get_type()))
            })?;
            entries.push(Key::new(key.to_str()?), node(&value, depth + 1)?);
        }
        return Ok(Node::map(entries));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let items = value.try_iter()?.map(|item| node(&item?, depth + 1));
        return Ok(Node::seq(Seq::from_items(items.collect::<PyResult<_>>()?)));
    }
    // A truth value is an integer, too.
    if let Ok(value) = value.cast::<PyBool>() {
        return Ok(plain(if value.is_true() { "true" } else { "false" }, Tag::Bool));
    }
    // Larger ones are read as floats, too. The text of an integer is its own affair: an enum's is a name.
    if value.is_instance_of::<PyInt>() {
        let number = value.extract::<i64>().map(|number| number.to_string());
        if let Ok(text) = number.or_else(|_| value.extract::<u64>().map(|number| number.to_string())) {
            return Ok(plain(&text, Tag::Int));
        }
    }
    if value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>() {
        let number: f64 = value.extract()?;
        if !number.is_finite() {
            return Err(PyValueError::new_err(format!("{number} is no number of JSON")));
        }
        return Ok(plain(&format!("{number:?}"), Tag::Float));
    }
    let message = format!("a {} is neither a dict, list, str, int, float, bool nor None", value.get_type());
    Err(PyTypeError::new_err(message))
}
