//! A change to a resource by itself.

use super::Resource;
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
}
