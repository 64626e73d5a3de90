//! Options: keyword arguments with the names of `kustomize_core::BuildOptions`.

use kustomize_core::{BuildOptions, LoadRestrictor, OptionNames, Reorder};
use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::{PyTypeError, PyUnicodeEncodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// How messages name the keyword arguments.
const OPTION_NAMES: OptionNames = OptionNames {
    enable_exec: "enable_exec=True",
    enable_helm: "enable_helm=True",
    enable_plugins: "enable_plugins=True",
    enable_remote: "enable_remote=True",
    helm_command: "helm_command=",
    load_restrictor: "load_restrictor=\"none\"",
    network: "network=True",
};

const BOOL: &str = "bool";
const STR: &str = "str";
const LIST: &str = "a list of str";

/// Reads the keyword arguments.
///
/// # Errors
/// `TypeError` for a name that is no option, or a value of another type; `ValueError` for a value
/// that is none of those that may be chosen.
pub(crate) fn extract(keywords: Option<&Bound<'_, PyDict>>) -> PyResult<BuildOptions> {
    let mut options = BuildOptions { option_names: OPTION_NAMES, ..BuildOptions::default() };
    for (name, value) in keywords.into_iter().flatten() {
        let name: String = name.extract()?;
        let option = Given { name: &name, value: &value };
        match name.as_str() {
            "load_restrictor" => {
                options.load_restrictor = option
                    .choice(&[("root_only", LoadRestrictor::RootOnly), ("none", LoadRestrictor::None)])?;
            }
            "reorder" => {
                options.reorder = option.choice(&[
                    ("unspecified", Reorder::Unspecified),
                    ("legacy", Reorder::Legacy),
                    ("none", Reorder::None),
                ])?;
            }
            "add_managed_by_label" => options.add_managed_by_label = option.of(BOOL)?,
            "enable_remote" => options.enable_remote = option.of(BOOL)?,
            "enable_helm" => options.enable_helm = option.of(BOOL)?,
            "helm_command" => options.helm_command = option.of(STR)?,
            "helm_kube_version" => options.helm_kube_version = option.of(STR)?,
            "helm_api_versions" => options.helm_api_versions = option.of(LIST)?,
            "helm_debug" => options.helm_debug = option.of(BOOL)?,
            "enable_plugins" => options.enable_plugins = option.of(BOOL)?,
            "enable_exec" => options.enable_exec = option.of(BOOL)?,
            "network" => options.network = option.of(BOOL)?,
            "network_name" => options.network_name = option.of(STR)?,
            "env" => options.env = option.of(LIST)?,
            "mounts" => options.mounts = option.of(LIST)?,
            "as_current_user" => options.as_current_user = option.of(BOOL)?,
            _ => return Err(PyTypeError::new_err(format!("there is no option '{name}'"))),
        }
    }
    Ok(options)
}

/// An option that was given.
struct Given<'a, 'py> {
    name: &'a str,
    value: &'a Bound<'py, PyAny>,
}

impl<'py> Given<'_, 'py> {
    /// The value, of this type; `expected` names it for people.
    fn of<T: FromPyObjectOwned<'py>>(&self, expected: &str) -> PyResult<T> {
        self.value.extract().map_err(Into::into).map_err(|error: PyErr| {
            let name = self.name;
            if !error.is_instance_of::<PyTypeError>(self.value.py()) {
                return utf8(self.value.py(), error, &format!("option '{name}'"));
            }
            let kind = type_name(self.value);
            PyTypeError::new_err(format!("option '{name}' must be {expected}, not {kind}"))
        })
    }

    /// The value that a word stands for.
    fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> PyResult<T> {
        let word: String = self.of(STR)?;
        let chosen = choices.iter().find(|(name, _)| *name == word);
        chosen.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<String> = choices.iter().map(|(name, _)| format!("'{name}'")).collect();
            let (name, names) = (self.name, names.join(", "));
            PyValueError::new_err(format!("option '{name}' must be one of {names}, not '{word}'"))
        })
    }
}

/// An error of text that has no UTF-8, which says what the text is; others as they are.
pub(crate) fn utf8(py: Python<'_>, error: PyErr, what: &str) -> PyErr {
    if !error.is_instance_of::<PyUnicodeEncodeError>(py) {
        return error;
    }
    let named = PyValueError::new_err(format!("{what} is not UTF-8: it has lone surrogates"));
    named.set_cause(py, Some(error));
    named
}

/// The name of a value's type, for messages.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "something else".to_owned(), |name| name.to_string())
}
