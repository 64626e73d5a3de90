//! `patchesJson6902` and `PatchJson6902Transformer`.

use super::config::decode;
use super::patch_source::{self, PatchSource};
use super::{Files, Transformer, patch_apply};
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::kustomization::{Patch, Selector};
use crate::merge::JsonPatch;
use crate::resource::ResourceSet;
use crate::selector::Matcher;
use crate::yaml::Node;
use crate::yaml::Pos;
use crate::yaml::decode::{Spanned, fields};

/// Applies a JSON patch to the resources that its target selects.
#[derive(Clone, Debug)]
pub(crate) struct PatchJson6902Transformer {
    patch: JsonPatch,
    target: Spanned<Selector>,
}

#[derive(Default)]
struct Config {
    target: Option<Spanned<Selector>>,
    path: Spanned<String>,
    json_op: Spanned<String>,
}

fields!(Config { target, path, json_op = "jsonOp" });

impl PatchJson6902Transformer {
    /// Reads one entry of `patchesJson6902`.
    ///
    /// # Errors
    /// There is no target with a name, not exactly one of `path` and `patch`, the file cannot be
    /// read, or its text is no JSON patch with at least one operation.
    pub(crate) fn new(patch: &Spanned<Patch>, files: &dyn Files, cx: &Context) -> Result<Self, BuildError> {
        Self::read(patch.target.clone(), &patch.path, &patch.patch, patch.pos, files, cx)
    }

    /// From a configuration of this kind.
    pub(crate) fn from_config(config: &Node, files: &dyn Files, cx: &Context) -> Result<Self, BuildError> {
        let Config { target, path, json_op } = decode(config)?;
        Self::read(target, &path, &json_op, config.pos, files, cx)
    }

    fn read(
        target: Option<Spanned<Selector>>,
        path: &Spanned<String>,
        text: &Spanned<String>,
        pos: Pos,
        files: &dyn Files,
        cx: &Context,
    ) -> Result<Self, BuildError> {
        let refuse = |message: &str| Err(BuildError::new(ErrorKind::Patch, message).at(pos));
        let Some(target) = target.filter(|target| !target.name.is_empty()) else {
            return refuse("a JSON patch needs a `target` with a name");
        };
        let (source, written) = match (path.is_empty(), text.is_empty()) {
            (true, true) => return refuse("a JSON patch needs a file or its operations"),
            (false, false) => return refuse("a JSON patch has either a file or operations, not both"),
            (true, false) => (PatchSource::verbatim(text, cx), text),
            (false, true) => (PatchSource::file(path, files)?, path),
        };
        let patch = source.json_patch()?;
        if patch.is_empty() {
            return Err(patch_source::empty(written));
        }
        Ok(PatchJson6902Transformer { patch, target })
    }
}

impl Transformer for PatchJson6902Transformer {
    fn transform(&self, set: &mut ResourceSet, cx: &Context) -> Result<(), BuildError> {
        let target = &self.target;
        let matcher = Matcher::new(target).map_err(|error| error.at(target.pos))?;
        let selected = matcher.select(set, cx.schema()).map_err(|error| error.at(target.pos))?;
        if selected.is_empty() {
            patch_source::warn_unmatched(target, set, cx);
        }
        patch_apply::apply_json(set, &selected, &self.patch, false, cx)
    }
}
