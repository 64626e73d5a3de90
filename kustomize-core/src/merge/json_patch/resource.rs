//! JSON patches of the crate `json_patch`, applied to resources.

use super::JsonPatch;
use crate::error::BuildError;
use crate::resource::{JsonForm, Resource};
use crate::yaml::{FileId, SourceText};

impl Resource {
    /// Applies a JSON patch (RFC 6902) as kustomize does: like [`json_patch::patch`], but `/-1` names
    /// the last item of a list, and a failed operation leaves the resource as it was.
    ///
    /// ```
    /// # use kustomize_core::resource::Resource;
    /// # let value = serde_json::json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}});
    /// # let mut resource = Resource::from_serializable(&value)?;
    /// let patch: json_patch::Patch =
    ///     serde_json::from_str(r#"[{"op": "add", "path": "/spec", "value": {"replicas": 2}}]"#).unwrap();
    /// resource.patch(&patch)?;
    /// # assert_eq!(resource.node.at(&["spec", "replicas"]).unwrap().text(), "2");
    /// # Ok::<(), kustomize_core::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// An operation does not apply.
    pub fn patch(&mut self, patch: &json_patch::Patch) -> Result<(), BuildError> {
        let text = SourceText::from(patch.to_string());
        let patch = JsonPatch::read(&text, FileId::UNKNOWN)?;
        let mut node = self.node.clone();
        patch.apply(&mut node, &mut JsonForm::default())?;
        self.node = node;
        Ok(())
    }
}
