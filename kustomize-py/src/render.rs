//! The functions that build.

use kustomize_core::host::Host;
use kustomize_core::{BuildError, BuildOptions, Session};
use kustomize_host::OsHost;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::interrupt::Interruptible;
use crate::rendered::{Finished, Rendered};
use crate::{error, files, interrupt, options, path};

/// Renders the kustomization in a directory, of this machine or among `files`.
///
/// `files` maps paths to content, as str or bytes. What cannot be built raises a `BuildError`.
///
/// Options (`kustomize_py.BuildOptions` is a `TypedDict` of them):
///
/// - `load_restrictor="root_only"`: which files may be loaded; `"none"`: any
/// - `reorder="unspecified"`: the order of the output, or `"legacy"`, `"none"`
/// - `add_managed_by_label=False`: add the label `app.kubernetes.io/managed-by`
/// - `enable_remote=False`: allow `http(s)` files and git repositories
/// - `enable_helm=False`: allow `helmCharts`, by running `helm_command="helm"` with
///   `helm_kube_version=""`, `helm_api_versions=[]`, `helm_debug=False`
/// - `enable_plugins=False`: allow generators, transformers and validators that are not built in
/// - `enable_exec=False`: allow those that are programs on this machine, too
/// - `network=False`, `network_name="bridge"`, `env=[]`, `mounts=[]`, `as_current_user=False`: for
///   those that are containers
#[pyfunction]
#[pyo3(signature = (path, *, files=None, **options))]
pub(crate) fn build(
    py: Python<'_>,
    path: &Bound<'_, PyAny>,
    files: Option<&Bound<'_, PyAny>>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Rendered> {
    let (path, options) = (path::extract(path)?, options::extract(options)?);
    let host = host(files, &options)?;
    let work =
        move |host: Interruptible| kustomize_core::build(&host, &path, &options).and_then(Finished::new);
    match interrupt::run(py, host, work)? {
        Ok(finished) => Ok(Rendered::new(py, finished)),
        Err(failure) => Err(error::exception(py, &failure)),
    }
}

/// Renders several kustomizations on all cores; results are in the order of `paths`.
///
/// The first one that cannot be built raises a `BuildError`; with `return_exceptions`, errors stand
/// among the results instead. Other arguments are those of `build`.
#[pyfunction]
#[pyo3(signature = (paths, *, files=None, return_exceptions=false, **options))]
pub(crate) fn build_many<'py>(
    py: Python<'py>,
    paths: &Bound<'py, PyAny>,
    files: Option<&Bound<'py, PyAny>>,
    return_exceptions: bool,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyList>> {
    let (paths, options) = (path::extract_all(paths)?, options::extract(options)?);
    let host = host(files, &options)?;
    let built = interrupt::run(py, host, move |host| all(host, &paths, options))?;
    let results = PyList::empty(py);
    for result in built {
        match result {
            Ok(finished) => results.append(Rendered::new(py, finished))?,
            Err(failure) => {
                let exception = error::exception(py, &failure);
                match return_exceptions {
                    true => results.append(exception.into_value(py))?,
                    false => return Err(exception),
                }
            }
        }
    }
    Ok(results)
}

/// The host of a build: files in memory, or this machine, which may do what the options allow.
fn host(files: Option<&Bound<'_, PyAny>>, options: &BuildOptions) -> PyResult<Box<dyn Host + Send + Sync>> {
    if let Some(files) = files {
        return Ok(Box::new(files::host(files)?));
    }
    Ok(Box::new(this_machine(options)))
}

/// This machine, which may do what the options allow.
pub(crate) fn this_machine(options: &BuildOptions) -> OsHost {
    let mut host = OsHost::new();
    if options.enable_remote {
        host = host.allow_git().allow_http();
    }
    if options.enable_helm || options.enable_plugins {
        host = host.allow_programs();
    }
    host
}

/// Builds all, on all cores, and prints them.
fn all(host: Interruptible, paths: &[String], options: BuildOptions) -> Vec<Result<Finished, BuildError>> {
    let built = Session::new(host, options).build_many(paths);
    built.into_iter().map(|built| built.and_then(Finished::new)).collect()
}
