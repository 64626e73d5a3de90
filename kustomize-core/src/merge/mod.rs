//! Strategic merge and JSON patches, on nodes.
//!
//! [`strategic`] holds the walk over maps; [`list`] the lists that merge by key and [`by_value`]
//! those that merge by value; [`irregular`] has the reference's rules for lists that lack their keys.

mod by_value;
mod directive;
mod irregular;
mod list;
mod strategic;
#[cfg(test)]
mod tests;

pub(crate) use strategic::merge;
