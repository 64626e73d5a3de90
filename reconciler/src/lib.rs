//! A GitOps reconciler with Flux's kinds.
//!
//! Data flows one way: a source is fetched, its tree rendered, the objects applied and observed,
//! and the outcome reported.

#![deny(missing_docs)]

pub mod apply;
pub mod build;
pub mod controller;
pub mod environment;
pub mod image;
pub mod notify;
pub mod outbound;
pub mod policy;
pub mod run;
pub mod source;
mod turns;
