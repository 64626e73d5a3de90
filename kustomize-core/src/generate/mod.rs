//! Generators: one file each.

mod iam_policy;

pub(crate) use iam_policy::IamPolicyGenerator;

use crate::context::Context;
use crate::error::BuildError;
use crate::resource::Resource;

/// Makes resources.
pub(crate) trait Generator {
    /// The resources, in order.
    fn generate(&self, cx: &Context<'_>) -> Result<Vec<Resource>, BuildError>;
}

/// Where generators find the files that their configuration names.
pub(crate) trait Files {
    /// The content of a file, by a path relative to the kustomization.
    fn bytes(&self, path: &str) -> Result<Vec<u8>, BuildError>;
}
