//! Paths as Python gives them: `str` or `os.PathLike`.

use std::ffi::OsString;
use std::path::PathBuf;

use kustomize_host::OsHost;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::options::type_name;

/// Where a build starts, as hosts write it.
pub(crate) fn extract(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let path: PathBuf = value.extract().map_err(|error: PyErr| {
        if !error.is_instance_of::<PyTypeError>(value.py()) {
            return error;
        }
        PyTypeError::new_err(format!("path must be str or os.PathLike, not {}", type_name(value)))
    })?;
    let written = OsHost::path(&path);
    written.ok_or_else(|| PyValueError::new_err(format!("the path {} is not Unicode text", path.display())))
}

/// A path of a host as Python writes it, so that it can be opened.
pub(crate) fn given_back(path: &str) -> OsString {
    OsHost::machine_path(path).into_os_string()
}

/// Several of them, from anything that can be iterated over but text.
pub(crate) fn extract_all(values: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    let refuse = || {
        let kind = type_name(values);
        PyTypeError::new_err(format!("paths must be an iterable of str or os.PathLike, not {kind}"))
    };
    if values.is_instance_of::<PyString>() || values.is_instance_of::<PyBytes>() {
        return Err(refuse());
    }
    let paths = values
        .try_iter()
        .map_err(|error| if error.is_instance_of::<PyTypeError>(values.py()) { refuse() } else { error })?;
    paths.map(|value| extract(&value?)).collect()
}
