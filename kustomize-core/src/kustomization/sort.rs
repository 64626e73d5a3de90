//! `sortOptions`.

use serde::{Deserialize, Serialize};

use crate::yaml::decode::fields;

/// `sortOptions`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SortOptions {
    /// `legacy` or `fifo`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub order: String,
    /// Kinds that come first and last in the legacy order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legacy_sort_options: Option<LegacySortOptions>,
}

fields!(SortOptions { order, legacy_sort_options = "legacySortOptions" });

/// Kinds that come first and last.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LegacySortOptions {
    /// Kinds that come first, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order_first: Vec<String>,
    /// Kinds that come last, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order_last: Vec<String>,
}

fields!(LegacySortOptions { order_first = "orderFirst", order_last = "orderLast" });
