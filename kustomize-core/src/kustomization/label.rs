//! `labels`.

use serde::{Deserialize, Serialize};

use crate::yaml::decode::fields;
use std::collections::BTreeMap;

use crate::field_spec::FieldSpec;

/// One entry of `labels`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Label {
    /// Labels to set.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pairs: BTreeMap<String, String>,
    /// Sets them in selectors and templates too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub include_selectors: bool,
    /// Sets them in templates too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub include_templates: bool,
    /// Further fields to set them in.
    #[serde(rename = "fields", skip_serializing_if = "Vec::is_empty")]
    pub field_specs: Vec<FieldSpec>,
}

fields!(Label {
    pairs, include_selectors = "includeSelectors", include_templates = "includeTemplates",
    field_specs = "fields",
});
