//! kustomize-core as a WebAssembly module that imports nothing: bytes in, JSON out.
//!
//! What people call is the npm package beside this crate; its `engine.ts` is the other side of
//! [`abi`]. There is no rendering logic here.

#![deny(missing_docs)]

pub mod abi;
mod call;
mod json;
mod options;
mod response;
