//! `images`.

use crate::yaml::decode::fields;

/// One entry of `images`.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// Name to look for, without tag and digest.
    pub name: String,
    /// Name to put in its place.
    pub new_name: String,
    /// What to append to the tag.
    pub tag_suffix: String,
    /// New tag.
    pub new_tag: String,
    /// New digest; wins over the tag.
    pub digest: String,
}

fields!(Image { name, new_name = "newName", tag_suffix = "tagSuffix", new_tag = "newTag", digest });
