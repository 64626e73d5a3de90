//! The native part of the Python package `kustomize_py`: it turns Python's values into those of
//! `kustomize-core` and back, and knows nothing of rendering.

mod error;
mod files;
mod golden;
mod interrupt;
mod options;
mod path;
mod print;
mod render;
mod rendered;
mod stack;

use pyo3::prelude::*;

/// Renders kustomizations exactly as kustomize v5.8.1 does.
#[pymodule(gil_used = false)]
mod _kustomize {
    #[pymodule_export]
    use crate::golden::{GoldenCase, GoldenOutcome, accept_golden, check_goldens, discover_goldens};
    #[pymodule_export]
    use crate::print::to_yaml;
    #[pymodule_export]
    use crate::render::{build, build_many};
    #[pymodule_export]
    use crate::rendered::Rendered;

    /// The version of this package.
    #[pymodule_export]
    #[allow(non_upper_case_globals)] // Python's name for it
    const __version__: &str = env!("CARGO_PKG_VERSION");

    /// The version of kustomize whose output is reproduced.
    #[pymodule_export]
    const KUSTOMIZE_VERSION: &str = "v5.8.1";
}
