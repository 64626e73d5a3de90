//! `labels`.

use std::collections::BTreeMap;

use crate::field_spec::FieldSpec;

/// One entry of `labels`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Label {
    /// Labels to set.
    pub pairs: BTreeMap<String, String>,
    /// Sets them in selectors and templates too.
    pub include_selectors: bool,
    /// Sets them in templates too.
    pub include_templates: bool,
    /// Further fields to set them in.
    #[serde(rename = "fields")]
    pub field_specs: Vec<FieldSpec>,
}
