//! The content hash on the names of generated resources (`HashTransformer`).

use super::Transformer;
use crate::context::Context;
use crate::error::BuildError;
use crate::generate::content_hash;
use crate::resource::ResourceSet;

/// Appends `-<hash>` to the name of every resource that needs it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HashTransformer;

impl Transformer for HashTransformer {
    fn transform(&self, set: &mut ResourceSet, cx: &Context) -> Result<(), BuildError> {
        let schema = cx.schema();
        for at in 0..set.len() {
            let Some(resource) = set.as_slice().get(at).filter(|resource| resource.history.needs_hash) else {
                continue;
            };
            let hash = content_hash(&resource.node, &cx.sources)
                .map_err(|error| BuildError::from(error).about(resource.written_id()))?;
            set.update(at, schema, |resource| {
                resource.remember_id(schema);
                let name = format!("{}-{hash}", resource.name());
                resource.set_name(&name);
            });
        }
        Ok(())
    }
}
