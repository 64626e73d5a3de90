//! The commands.

pub(crate) mod build;
pub(crate) mod completion;
pub(crate) mod version;
