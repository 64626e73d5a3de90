//! `patches` and `patchesJson6902`.

use super::Selector;
use crate::yaml::decode::{Spanned, fields};

/// One entry of `patches` or `patchesJson6902`.
#[derive(Clone, Debug, Default)]
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

fields!(Patch { path, patch, target, options });

/// What a patch may change of its target's identity.
#[derive(Clone, Copy, Debug, Default)]
pub struct PatchOptions {
    /// Its name.
    pub allow_name_change: bool,
    /// Its kind.
    pub allow_kind_change: bool,
}

fields!(PatchOptions { allow_name_change = "allowNameChange", allow_kind_change = "allowKindChange" });
