//! `replicas`.

use crate::yaml::decode::fields;

/// One entry of `replicas`.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    /// Name of the workload.
    pub name: String,
    /// How many.
    pub count: i64,
}

fields!(Replica { name, count });
