//! `patches` and `PatchTransformer`.

use std::sync::Arc;

use super::config::decode;
use super::patch_apply::{self, Scope};
use super::patch_source::{self, PatchSource};
use super::patch_targeted::TargetedPatch;
use super::{Action, Files, Transformer};
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::kustomization::{Patch, PatchOptions, Selector};
use crate::merge::JsonPatch;
use crate::resource::{Resource, ResourceSet};
use crate::selector::Matcher;
use crate::yaml::decode::Spanned;
use crate::yaml::{Node, Pos};

/// Applies a strategic merge patch or a JSON patch to the resources that its target selects. A
/// strategic merge patch without a target applies to the resource that has or had its identity.
#[derive(Clone, Debug)]
pub(crate) struct PatchTransformer {
    content: Content,
    target: Option<Spanned<Selector>>,
    pos: Pos,
}

#[derive(Clone, Debug)]
enum Content {
    Strategic(Vec<Resource>),
    Json(JsonPatch),
}

impl PatchTransformer {
    /// Reads one entry of `patches`.
    ///
    /// # Errors
    /// There is not exactly one of `path` and `patch`, the file cannot be read, or its text is
    /// neither kind of patch.
    pub(crate) fn new(patch: &Spanned<Patch>, files: &dyn Files, cx: &Context) -> Result<Self, BuildError> {
        let source = match (patch.path.is_empty(), patch.patch.trim().is_empty()) {
            (true, true) => return Err(one_of(patch.pos, "a patch needs a `path` or a `patch`")),
            (false, false) => {
                return Err(one_of(patch.pos, "a patch has either a `path` or a `patch`, not both"));
            }
            (true, false) => PatchSource::inline(&patch.patch, cx),
            (false, true) => PatchSource::file(&patch.path, files)?,
        };
        let content = match source.resources() {
            Ok(resources) => Content::Strategic(allowing(resources, patch.options)),
            Err(not_strategic) => match source.json_patch() {
                Ok(patch) => Content::Json(patch),
                Err(not_json) => return Err(source.more_telling(not_strategic, not_json)),
            },
        };
        Ok(PatchTransformer { content, target: patch.target.clone(), pos: patch.pos })
    }

    /// From a configuration of this kind.
    pub(crate) fn from_config(config: &Node, files: &dyn Files, cx: &Context) -> Result<Self, BuildError> {
        let patch: Patch = decode(config)?;
        Self::new(&Spanned { value: patch, pos: config.pos }, files, cx)
    }

    /// The way in which it goes about its work: over all resources, unless it is quicker to look
    /// up those that it changes.
    ///
    /// # Errors
    /// The target is no selector.
    pub(crate) fn into_action<'a>(self) -> Result<Action<'a>, BuildError> {
        let Some(target) = self.target.clone() else { return Ok(Action::All(Box::new(self))) };
        let matcher = Matcher::new(&target).map_err(|error| error.at(target.pos))?;
        if matcher.is_by_name() {
            return Ok(Action::All(Box::new(self)));
        }
        Ok(match self.content {
            Content::Json(patch) => Action::Each(Arc::new(TargetedPatch::json(patch, target, matcher))),
            Content::Strategic(mut patches) => match (patches.len(), patches.pop()) {
                (1, Some(patch)) => Action::Each(Arc::new(TargetedPatch::strategic(patch, target, matcher))),
                (_, last) => {
                    patches.extend(last);
                    Action::All(Box::new(PatchTransformer { content: Content::Strategic(patches), ..self }))
                }
            },
        })
    }

    fn merge(&self, patches: &[Resource], set: &mut ResourceSet, cx: &Context) -> Result<(), BuildError> {
        let Some(target) = &self.target else {
            return patches.iter().try_for_each(|patch| {
                let at = patch_apply::target_of(patch, set, cx)?;
                patch_apply::merge(set, &[at], patch, Scope::Identity, cx)
            });
        };
        let [patch] = patches else {
            if patches.is_empty() {
                return Ok(());
            }
            let message = "a patch with a `target` may hold one strategic merge patch only";
            return Err(BuildError::new(ErrorKind::Patch, message)
                .at(patches[1].node.pos)
                .with_help("give each its own entry in `patches`, or leave the target away"));
        };
        let selected = self.select(target, set, cx)?;
        if selected.is_empty() {
            return patch_apply::expect_unique(set, cx);
        }
        let patch = patch_apply::prepare(patch)?;
        patch_apply::merge(set, &selected, &patch, Scope::Target, cx)?;
        patch_apply::expect_unique(set, cx)
    }

    fn select(
        &self,
        target: &Spanned<Selector>,
        set: &mut ResourceSet,
        cx: &Context,
    ) -> Result<Vec<usize>, BuildError> {
        let matcher = Matcher::new(target).map_err(|error| error.at(target.pos))?;
        let selected = matcher.select(set, cx.schema()).map_err(|error| error.at(target.pos))?;
        if selected.is_empty() {
            patch_source::warn_unmatched(target, set, cx);
        }
        Ok(selected)
    }
}

impl Transformer for PatchTransformer {
    fn transform(&self, set: &mut ResourceSet, cx: &Context) -> Result<(), BuildError> {
        match &self.content {
            Content::Strategic(patches) => self.merge(patches, set, cx),
            Content::Json(patch) => {
                let Some(target) = &self.target else {
                    return Err(BuildError::new(ErrorKind::Patch, "a JSON patch needs a `target`")
                        .at(self.pos)
                        .with_help(
                            "say what it applies to, for example `target: {kind: Deployment, name: web}`",
                        ));
                };
                let selected = self.select(target, set, cx)?;
                patch_apply::apply_json(set, &selected, patch, true, cx)
            }
        }
    }
}

/// The patches, with the options of the entry on them. As kustomize notes options in
/// annotations, which makes it write all annotations anew, their values become strings.
fn allowing(mut patches: Vec<Resource>, options: Option<PatchOptions>) -> Vec<Resource> {
    let Some(options) = options.filter(|options| options.allow_name_change || options.allow_kind_change)
    else {
        return patches;
    };
    for patch in &mut patches {
        patch.history.allow_name_change |= options.allow_name_change;
        patch.history.allow_kind_change |= options.allow_kind_change;
        patch_apply::rewrite_annotations(patch);
    }
    patches
}

fn one_of(pos: Pos, message: &str) -> BuildError {
    BuildError::new(ErrorKind::Patch, message).at(pos).with_help(
        "`path` names a file that holds the patch, `patch` is the patch itself, written below `patch: |-`",
    )
}
