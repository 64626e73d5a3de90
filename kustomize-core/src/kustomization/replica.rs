//! `replicas`.

/// One entry of `replicas`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Replica {
    /// Name of the workload.
    pub name: String,
    /// How many.
    pub count: i64,
}
