//! Collections, which are the standard ones, and for WebAssembly, where code is downloaded, such of
//! which little is compiled for each type.

#[cfg(any(test, target_family = "wasm"))]
#[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
mod hash_map;
#[cfg(target_family = "wasm")]
mod hash_set;
mod sort;

#[cfg(target_family = "wasm")]
pub(crate) use hash_map::{Entry, HashMap};
#[cfg(target_family = "wasm")]
pub(crate) use hash_set::HashSet;
#[cfg(not(target_family = "wasm"))]
pub(crate) use hashbrown::hash_map::Entry;
#[cfg(not(target_family = "wasm"))]
pub(crate) use hashbrown::{HashMap, HashSet};
pub(crate) use sort::{sort, sort_by, sort_by_key, sort_unstable_by_key};
