//! Reading the configuration of builtin transformers that are given by kind.

use crate::error::{BuildError, ErrorKind};
use crate::field_spec::{FieldSpec, Table};
use crate::yaml::decode::{self, Decode, Spanned};
use crate::yaml::{self, Node};

use super::Files;

/// Decodes a plugin's configuration as loosely as kustomize does.
pub(crate) fn decode<T: Decode + Default>(config: &Node) -> Result<T, BuildError> {
    decode::from_node_loosely(config).map_err(|error| BuildError::decode(ErrorKind::Transformer, error))
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

/// The root of a configuration file; none when it is empty.
pub(crate) fn read_file(path: &Spanned<String>, files: &dyn Files) -> Result<Option<Node>, BuildError> {
    let (file, text) = files.text(path).map_err(|error| error.at(path.pos))?;
    Ok(yaml::read_config(&text, file)?.filter(|root| !root.is_null()))
}
