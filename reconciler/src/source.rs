//! Sources: where configuration comes from.

pub mod git;
