//! Evaluates Rego policies on Kubernetes objects, in a process that is limited in time and memory.
//!
//! Two conventions are known: conftest's, with rules `deny`, `violation` and `warn` in `package main`, and
//! Gatekeeper's, with ConstraintTemplates and their constraints.
//!
//! A call of a builtin function cannot be interrupted, and may take any amount of memory. Modules are therefore
//! parsed and evaluated in a process of their own, a [`Worker`], which is killed when it takes too long.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod constraint;
mod policies;
mod program;
mod worker;

pub use policies::{Finding, Policies};
pub use program::Module;
pub use worker::{Worker, serve};

use thiserror::Error;

/// Why policies cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Error(String);
