//! Collections, which are the standard ones, and for WebAssembly, where code is downloaded, such of
//! which little is compiled for each type.

mod sort;

pub(crate) use sort::{sort, sort_by, sort_by_key, sort_unstable_by_key};
