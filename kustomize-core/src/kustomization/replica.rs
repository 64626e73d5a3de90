//! `replicas`.

use serde::{Deserialize, Serialize};

use crate::yaml::decode::fields;

/// One entry of `replicas`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Replica {
    /// Name of the workload.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How many.
    pub count: i64,
}

fields!(Replica { name, count });
