//! Renders kustomizations exactly as kustomize v5.8.1 does.
//!
//! The library does no I/O of its own: everything outside comes in through [`host::Host`].

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod accumulate;
mod build;
mod build_context;
mod cancellation;
mod collections;
mod context;
mod error;
pub mod field_spec;
mod function;
mod generate;
mod helm;
pub mod host;
pub mod kustomization;
mod loader;
mod merge;
mod option_names;
mod options;
mod parallel;
mod pattern;
mod references;
pub mod resource;
pub mod schema;
mod selector;
mod session;
mod store;
mod suggest;
mod transform;
mod warning;

pub use build::{Rendered, build, build_kustomization, build_yaml};
pub use cancellation::Cancellation;
pub use error::{BuildError, ErrorKind, Note};
/// YAML: trees that know their positions, the reader, the printer.
pub use kustomize_yaml as yaml;
pub use option_names::OptionNames;
pub use options::{BuildOptions, LoadRestrictor, Reorder};
pub use session::Session;
pub use store::Input;
pub use suggest::closest;
pub use warning::Warning;
