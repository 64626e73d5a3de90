//! Files under `configurations`, which say where transformers look.

use super::TransformerConfig;
use crate::error::{BuildError, ErrorKind};
use crate::yaml::Node;
use crate::yaml::decode::{Rules, from_node};

/// Reads such a file from its root node; an empty file has none and says nothing.
pub(crate) fn load(root: Option<&Node>) -> Result<TransformerConfig, BuildError> {
    let Some(root) = root else { return Ok(TransformerConfig::default()) };
    let config: TransformerConfig = from_node(root, Rules::CONFIGURATION)
        .map_err(|error| BuildError::decode(ErrorKind::Transformer, error))?;
    Ok(config.sorted())
}
