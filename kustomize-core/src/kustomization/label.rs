//! `labels`.

use crate::yaml::decode::fields;
use std::collections::BTreeMap;

use crate::field_spec::FieldSpec;

/// One entry of `labels`.
#[derive(Clone, Debug, Default)]
pub struct Label {
    /// Labels to set.
    pub pairs: BTreeMap<String, String>,
    /// Sets them in selectors and templates too.
    pub include_selectors: bool,
    /// Sets them in templates too.
    pub include_templates: bool,
    /// Further fields to set them in.
    pub field_specs: Vec<FieldSpec>,
}

fields!(Label {
    pairs, include_selectors = "includeSelectors", include_templates = "includeTemplates",
    field_specs = "fields",
});
