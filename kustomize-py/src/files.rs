//! Files in memory: a mapping of paths to `str` or `bytes`.

use kustomize_core::host::MemoryHost;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMapping, PyString};

use crate::options::{type_name, utf8};

/// A host that holds the files.
pub(crate) fn host(files: &Bound<'_, PyAny>) -> PyResult<MemoryHost> {
    let Ok(files) = files.cast::<PyMapping>() else {
        let kind = type_name(files);
        return Err(PyTypeError::new_err(format!("files must be a mapping of paths to content, not {kind}")));
    };
    let mut host = MemoryHost::new();
    for item in files.items()? {
        let (path, content): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        let Ok(path) = path.cast::<PyString>() else {
            return Err(PyTypeError::new_err(format!(
                "paths in files must be str, not {}",
                type_name(&path)
            )));
        };
        let path = path.to_cow().map_err(|error| utf8(path.py(), error, "a path in files"))?;
        host.insert(&path, bytes(&path, &content)?);
    }
    Ok(host)
}

fn bytes(path: &str, content: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(text) = content.cast::<PyString>() {
        let what = || format!("the content of '{path}'");
        let text = text.to_cow().map_err(|error| utf8(text.py(), error, &what()))?;
        return Ok(text.into_owned().into_bytes());
    }
    match content.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes().to_owned()),
        Err(_) => {
            let kind = type_name(content);
            Err(PyTypeError::new_err(format!("the content of '{path}' must be str or bytes, not {kind}")))
        }
    }
}
