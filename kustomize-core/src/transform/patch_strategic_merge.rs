//! `patchesStrategicMerge` and `PatchStrategicMergeTransformer`.

use super::config::decode;
use super::patch_apply::{self, Scope};
use super::patch_source::{self, PatchSource};
use super::{Files, Transformer};
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::resource::{Resource, ResourceSet};
use crate::yaml::Node;
use crate::yaml::decode::{Spanned, fields};

/// Applies strategic merge patches, each to the one resource that has or had its identity.
#[derive(Clone, Debug)]
pub(crate) struct PatchStrategicMergeTransformer {
    patches: Vec<Resource>,
}

#[derive(Default)]
struct Config {
    paths: Vec<Spanned<String>>,
    patches: Spanned<String>,
}

fields!(Config { paths, patches });

impl PatchStrategicMergeTransformer {
    /// Reads the entries of `patchesStrategicMerge`: each a patch, else the path of a file.
    ///
    /// # Errors
    /// An entry is neither, or there are no patches in any of them.
    pub(crate) fn new(
        entries: &[Spanned<String>],
        files: &dyn Files,
        cx: &Context,
    ) -> Result<Self, BuildError> {
        let mut patches = Vec::new();
        for entry in entries {
            patches.extend(read(entry, files, cx)?);
        }
        match (patches.is_empty(), entries.first()) {
            (true, Some(entry)) => Err(patch_source::empty(entry)),
            _ => Ok(PatchStrategicMergeTransformer { patches }),
        }
    }

    /// From a configuration of this kind.
    pub(crate) fn from_config(config: &Node, files: &dyn Files, cx: &Context) -> Result<Self, BuildError> {
        let Config { paths, patches: text } = decode(config)?;
        if paths.is_empty() && text.is_empty() {
            return Err(
                BuildError::new(ErrorKind::Patch, "there are no `paths` and no `patches`").at(config.pos)
            );
        }
        let mut patches = Vec::new();
        for entry in &paths {
            patches.extend(read(entry, files, cx)?);
        }
        if !text.is_empty() {
            patches.extend(PatchSource::verbatim(&text, cx).resources()?);
        }
        match patches.is_empty() {
            true => Err(patch_source::empty(paths.first().unwrap_or(&text))),
            false => Ok(PatchStrategicMergeTransformer { patches }),
        }
    }
}

fn read(entry: &Spanned<String>, files: &dyn Files, cx: &Context) -> Result<Vec<Resource>, BuildError> {
    let inline = PatchSource::verbatim(entry, cx).resources();
    match inline {
        Ok(patches) => Ok(patches),
        // No path has several lines: what is wrong is the patch.
        Err(error) if entry.contains('\n') => Err(error),
        Err(_) => PatchSource::file(entry, files)?.resources(),
    }
}

impl Transformer for PatchStrategicMergeTransformer {
    fn transform(&self, set: &mut ResourceSet, cx: &Context) -> Result<(), BuildError> {
        for patch in &self.patches {
            let at = patch_apply::target_of(patch, set, cx)?;
            let patch = patch_apply::prepare(patch)?;
            patch_apply::merge(set, &[at], &patch, Scope::Target, cx)?;
            patch_apply::expect_unique(set, cx)?;
        }
        Ok(())
    }
}
