//! `images`.

use serde::{Deserialize, Serialize};

use crate::yaml::decode::fields;

/// One entry of `images`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Image {
    /// Name to look for, without tag and digest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Name to put in its place.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub new_name: String,
    /// What to append to the tag.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tag_suffix: String,
    /// New tag.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub new_tag: String,
    /// New digest; wins over the tag.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
}

fields!(Image { name, new_name = "newName", tag_suffix = "tagSuffix", new_tag = "newTag", digest });
