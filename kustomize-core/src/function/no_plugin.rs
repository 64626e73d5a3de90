//! What stands in for plugins where no programs can be run.

use super::disabled;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::generate::Generator;
use crate::loader::Loader;
use crate::resource::{Resource, ResourceSet};
use crate::transform::Transformer;

/// There is none.
pub(crate) enum Plugin {}

impl Plugin {
    /// Refuses it.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn load(loader: Loader<'_>, config: Resource) -> Result<Self, BuildError> {
        let cx = loader.context();
        let error = if cx.options.enable_plugins {
            let message = format!("{} is not built in, and no programs can be run here", config.kind());
            BuildError::new(ErrorKind::NotAllowed, message)
        } else {
            disabled(cx, &config)
        };
        Err(error.about(config.id(cx.schema())).at(config.node.pos))
    }
}

impl Generator for Plugin {
    fn generate(&self, _: &Context) -> Result<Vec<Resource>, BuildError> {
        match *self {}
    }
}

impl Transformer for Plugin {
    fn transform(&self, _: &mut ResourceSet, _: &Context) -> Result<(), BuildError> {
        match *self {}
    }
}
