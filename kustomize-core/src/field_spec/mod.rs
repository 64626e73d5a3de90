//! Where transformers look: field specs, kustomize's default tables, and how a field spec is
//! applied to a resource.

mod apply;
mod config;
pub(crate) mod configurations;
pub(crate) mod crds;
mod defaults;
mod field_trie;
mod order;
mod path;
mod table;

pub(crate) use apply::{Create, FieldSpecs};
pub(crate) use config::merge_field_specs;
pub use config::{NameReference, TransformerConfig};
pub(crate) use field_trie::FieldTries;
pub use path::{FieldPath, Segment, Segments};
pub use table::Table;

use serde::{Deserialize, Serialize};

use crate::yaml::decode::{Decode, Decoder, Mismatch, ways};
use crate::yaml::{Pos, Str};

/// A field of the resources that a selector picks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct FieldSpec {
    /// API group, empty for any.
    #[serde(skip_serializing_if = "Str::is_empty")]
    #[cfg_attr(feature = "json-schema", schemars(with = "String"))]
    pub group: Str,
    /// API version, empty for any.
    #[serde(skip_serializing_if = "Str::is_empty")]
    #[cfg_attr(feature = "json-schema", schemars(with = "String"))]
    pub version: Str,
    /// Kind, empty for any.
    #[serde(skip_serializing_if = "Str::is_empty")]
    #[cfg_attr(feature = "json-schema", schemars(with = "String"))]
    pub kind: Str,
    /// Path to the field.
    pub path: FieldPath,
    /// Makes the field when it is missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
    /// Where it is written, if in a file. Does not count in comparisons.
    #[serde(skip)]
    pub pos: Pos,
}

impl Decode for FieldSpec {
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch> {
        let FieldSpec { group, version, kind, path, create, pos } = self;
        *pos = decoder.pos();
        decoder.fields(
            &["group", "version", "kind", "path", "create"],
            &mut [
                &mut ways::verbatim(group),
                &mut ways::verbatim(version),
                &mut ways::verbatim(kind),
                path,
                create,
            ],
        )
    }
}

impl PartialEq for FieldSpec {
    fn eq(&self, other: &Self) -> bool {
        self.has_selector_of(other) && self.path == other.path && self.create == other.create
    }
}

impl Eq for FieldSpec {}

impl FieldSpec {
    /// A field of resources of any kind.
    #[must_use]
    pub fn any(path: impl Into<FieldPath>, create: bool) -> Self {
        FieldSpec { path: path.into(), create, ..FieldSpec::default() }
    }

    /// Whether resources of this group, version and kind are picked.
    #[must_use]
    pub fn selects(&self, group: &str, version: &str, kind: &str) -> bool {
        (self.kind.is_empty() || self.kind == kind)
            && (self.group.is_empty() || self.group == group)
            && (self.version.is_empty() || self.version == version)
    }

    fn has_selector_of(&self, other: &Self) -> bool {
        self.kind == other.kind && self.group == other.group && self.version == other.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_counts_all_but_the_place() {
        let spec = FieldSpec {
            group: "g".into(),
            version: "v".into(),
            kind: "k".into(),
            ..FieldSpec::any("p", true)
        };
        let (other, base) = (Str::from("x"), spec.clone());
        assert_eq!(spec, FieldSpec { pos: Pos::default(), ..base.clone() });
        assert_ne!(spec, FieldSpec { group: other.clone(), ..base.clone() });
        assert_ne!(spec, FieldSpec { version: other.clone(), ..base.clone() });
        assert_ne!(spec, FieldSpec { kind: other, ..base.clone() });
        assert_ne!(spec, FieldSpec { path: "x".into(), ..base.clone() });
        assert_ne!(spec, FieldSpec { create: false, ..base });
        assert_ne!(Table::from(vec![spec.clone()]), Table::from(vec![spec.clone(), spec]));
    }
}
