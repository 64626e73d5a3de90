//! Generators: one file each.

use crate::context::Context;
use crate::error::BuildError;
use crate::resource::Resource;

/// Makes resources.
pub(crate) trait Generator {
    /// The resources, in order.
    fn generate(&self, cx: &Context<'_>) -> Result<Vec<Resource>, BuildError>;
}
