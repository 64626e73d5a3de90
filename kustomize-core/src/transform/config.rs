//! Reading the configuration of builtin transformers that are given by kind.

use crate::error::{BuildError, ErrorKind};
use crate::field_spec::{FieldSpec, Table};
use crate::yaml::Node;
use crate::yaml::decode::{self, DecodeError};

/// Decodes a plugin's configuration as loosely as the reference does.
pub(crate) fn decode<'de, T: serde::Deserialize<'de>>(config: &'de Node) -> Result<T, BuildError> {
    decode::from_node_loosely(config).map_err(refused)
}

/// The field specs that every plugin of this kind needs.
pub(crate) fn required(
    specs: Option<Table<FieldSpec>>,
    config: &Node,
) -> Result<Table<FieldSpec>, BuildError> {
    specs.ok_or_else(|| {
        BuildError::new(ErrorKind::Transformer, "the configuration has no `fieldSpecs`")
            .at(config.pos)
            .with_help("say which fields are meant, for example `fieldSpecs: [{path: metadata/name}]`")
    })
}

fn refused(error: DecodeError) -> BuildError {
    let path = error.path.join(".").replace(".[", "[");
    BuildError::new(ErrorKind::Transformer, error.message).at(error.pos).field(path)
}
