//! `patches` and `patchesJson6902`.

use super::Selector;
use crate::yaml::decode::Spanned;

/// One entry of `patches` or `patchesJson6902`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Patch {
    /// File that holds the patch.
    pub path: Spanned<String>,
    /// The patch itself.
    pub patch: Spanned<String>,
    /// What it applies to.
    pub target: Option<Spanned<Selector>>,
    /// What it may change.
    pub options: Option<PatchOptions>,
}

/// What a patch may change of its target's identity.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PatchOptions {
    /// Its name.
    pub allow_name_change: bool,
    /// Its kind.
    pub allow_kind_change: bool,
}
