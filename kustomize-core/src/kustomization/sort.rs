//! `sortOptions`.

use crate::yaml::decode::fields;

/// `sortOptions`.
#[derive(Clone, Debug, Default)]
pub struct SortOptions {
    /// `legacy` or `fifo`.
    pub order: String,
    /// Kinds that come first and last in the legacy order.
    pub legacy_sort_options: Option<LegacySortOptions>,
}

fields!(SortOptions { order, legacy_sort_options = "legacySortOptions" });

/// Kinds that come first and last.
#[derive(Clone, Debug, Default)]
pub struct LegacySortOptions {
    /// Kinds that come first, in this order.
    pub order_first: Vec<String>,
    /// Kinds that come last, in this order.
    pub order_last: Vec<String>,
}

fields!(LegacySortOptions { order_first = "orderFirst", order_last = "orderLast" });
