//! The commands.

pub(crate) mod build;
pub(crate) mod completion;
pub(crate) mod diff;
pub(crate) mod test;
pub(crate) mod version;
pub(crate) mod watch;
