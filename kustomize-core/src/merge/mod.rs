//! Strategic merge and JSON patches, on nodes.
//!
//! [`strategic`] holds the walk over maps; [`list`] the lists that merge by key and [`by_value`]
//! those that merge by value; [`irregular`] has kustomize's rules for lists that lack their keys.
//! [`json_patch`] is a world of its own.

mod by_value;
mod directive;
mod irregular;
mod json_patch;
mod list;
mod path;
mod strategic;
#[cfg(test)]
mod tests;

pub(crate) use directive::replaces;
pub(crate) use json_patch::JsonPatch;
pub(crate) use strategic::merge;
