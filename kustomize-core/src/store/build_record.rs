//! What a session keeps of how a build went.

use crate::field_spec::{NameReference, Table};

use super::Lineage;

/// What a finished build was made of, as far as it matters for doing a part of it again.
#[derive(Debug)]
pub(crate) struct BuildRecord {
    pub(crate) lineage: Lineage,
    /// Fields that hold names.
    pub(crate) references: Table<NameReference>,
}
