//! `patches` and `patchesJson6902`.

use super::Selector;
use crate::error::{BuildError, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::yaml::decode::{Spanned, fields};

/// One entry of `patches` or `patchesJson6902`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Patch {
    /// File that holds the patch.
    #[serde(skip_serializing_if = "Spanned::is_empty")]
    pub path: Spanned<String>,
    /// The patch itself.
    #[serde(skip_serializing_if = "Spanned::is_empty")]
    pub patch: Spanned<String>,
    /// What it applies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Spanned<Selector>>,
    /// What it may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<PatchOptions>,
}

fields!(Patch { path, patch, target, options });

/// What a patch may change of its target's identity.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct PatchOptions {
    /// Its name.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_name_change: bool,
    /// Its kind.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_kind_change: bool,
}

fields!(PatchOptions { allow_name_change = "allowNameChange", allow_kind_change = "allowKindChange" });

impl Patch {
    /// A JSON patch for the resources that a selector picks.
    ///
    /// ```
    /// use kustomize_core::kustomization::{Patch, Selector};
    ///
    /// let operations: json_patch::Patch =
    ///     serde_json::from_str(r#"[{"op": "replace", "path": "/spec/replicas", "value": 3}]"#)?;
    /// let target = Selector { kind: "Deployment".to_owned(), ..Selector::default() };
    /// let patch = Patch::from_json(&operations, target);
    /// assert_eq!(patch.to_json()?, Some(operations));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn from_json(patch: &json_patch::Patch, target: Selector) -> Self {
        Patch {
            patch: Spanned::from(patch.to_string()),
            target: Some(Spanned::from(target)),
            ..Patch::default()
        }
    }

    /// The operations of an inline JSON patch. `None` if the patch is in a file, or is a strategic
    /// merge patch.
    ///
    /// # Errors
    /// The patch is a list, but not one of JSON patch operations.
    pub fn to_json(&self) -> Result<Option<json_patch::Patch>, BuildError> {
        let failed = |error: serde_yaml::Error| {
            let message = format!("the patch is not a JSON patch: {error}");
            BuildError::new(ErrorKind::Patch, message).at(self.patch.pos)
        };
        match serde_yaml::from_str::<serde_yaml::Value>(&self.patch).map_err(failed)? {
            value @ serde_yaml::Value::Sequence(_) => {
                json_patch::Patch::deserialize(value).map(Some).map_err(failed)
            }
            _ => Ok(None),
        }
    }
}
