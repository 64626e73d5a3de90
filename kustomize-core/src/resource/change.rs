//! A change to a resource by itself.

use super::{JsonForm, Resource};
use crate::error::BuildError;
use crate::schema::Schema;

/// Changes resources, each without regard to the others.
pub(crate) trait Change: Send + Sync {
    /// Whether it has anything to do with a resource.
    fn selects(&self, _resource: &Resource, _schema: &Schema) -> Result<bool, BuildError> {
        Ok(true)
    }

    /// Whether that depends on anything but the ids that a resource has and had.
    fn selects_by_content(&self) -> bool {
        false
    }

    /// Changes a resource that it selects. Says whether the resource stays.
    fn apply(&self, resource: &mut Resource, schema: &Schema) -> Result<bool, BuildError>;

    /// Whether it is a JSON patch.
    fn is_json_patch(&self) -> bool {
        false
    }

    /// The same as `apply`, with what earlier changes have left to know of the resource. Only JSON
    /// patches make use of that; after all other changes nothing is known.
    fn apply_knowing(
        &self,
        resource: &mut Resource,
        form: &mut JsonForm,
        schema: &Schema,
    ) -> Result<bool, BuildError> {
        *form = JsonForm::default();
        self.apply(resource, schema)
    }
}
