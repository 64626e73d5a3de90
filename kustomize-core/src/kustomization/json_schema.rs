//! The JSON schema of the kustomization file, for editors.

use schemars::Schema;

use super::Kustomization;

/// The JSON schema (draft 2020-12) of a kustomization file.
///
/// Editors use it through a comment at the top of the file:
/// `# yaml-language-server: $schema=<path or URL of kustomization.schema.json>`.
#[must_use]
pub fn json_schema() -> Schema {
    schemars::schema_for!(Kustomization)
}
