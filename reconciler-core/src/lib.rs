//! What a GitOps reconciler decides, as functions without I/O.

pub mod go;
pub mod image;
pub mod notify;
pub mod semver;
pub mod setters;
