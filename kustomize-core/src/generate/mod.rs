//! Generators: one file each.

mod config_map;
mod hash;
mod head;
mod iam_policy;
mod key_value;
mod node_json;
mod secret;

pub(crate) use config_map::ConfigMapGenerator;
pub(crate) use hash::content_hash;
pub(crate) use iam_policy::IamPolicyGenerator;
pub(crate) use secret::SecretGenerator;

use crate::context::Context;
use crate::error::BuildError;
use crate::resource::Resource;

/// Makes resources.
pub(crate) trait Generator {
    /// The resources, in order.
    fn generate(&self, cx: &Context) -> Result<Vec<Resource>, BuildError>;
}

/// Where generators find the files that their configuration names.
pub(crate) trait Files {
    /// The content of a file, by a path relative to the kustomization.
    fn bytes(&self, path: &str) -> Result<Vec<u8>, BuildError>;
}

#[cfg(test)]
mod tests;
