//! `images`.

/// One entry of `images`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
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
