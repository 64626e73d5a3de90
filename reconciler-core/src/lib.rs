//! What a GitOps reconciler decides, as functions without I/O.

pub mod cosign;
pub mod expression;
pub mod generator;
pub mod go;
pub mod image;
pub mod kstatus;
pub mod notify;
pub mod object;
pub mod pull_request;
mod quote;
pub mod receiver;
pub mod semver;
pub mod setters;
pub mod signature;
pub mod sops;
pub mod source;
pub mod ssa;
pub mod substitute;
