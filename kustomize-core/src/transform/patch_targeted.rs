//! A patch for all resources that a target selects.

use std::sync::OnceLock;

use super::Local;
use super::patch_apply::{self, Scope};
use super::patch_source;
use crate::context::Context;
use crate::error::BuildError;
use crate::kustomization::Selector;
use crate::merge::JsonPatch;
use crate::resource::{Change, JsonForm, Resource, ResourceSet};
use crate::schema::Schema;
use crate::selector::Matcher;
use crate::yaml::Node;
use crate::yaml::decode::Spanned;

/// One patch and its target, which is no single name.
#[derive(Debug)]
pub(super) struct TargetedPatch {
    content: Content,
    target: Spanned<Selector>,
    matcher: Matcher,
}

#[derive(Debug)]
enum Content {
    /// As written, and as it is handed to resources: what is wrong with it comes to light when
    /// there is one.
    Strategic(Box<(Resource, OnceLock<Result<Resource, BuildError>>)>),
    Json(JsonPatch),
}

impl TargetedPatch {
    /// A strategic merge patch.
    pub(super) fn strategic(patch: Resource, target: Spanned<Selector>, matcher: Matcher) -> Self {
        TargetedPatch { content: Content::Strategic(Box::new((patch, OnceLock::new()))), target, matcher }
    }

    /// A JSON patch.
    pub(super) fn json(patch: JsonPatch, target: Spanned<Selector>, matcher: Matcher) -> Self {
        TargetedPatch { content: Content::Json(patch), target, matcher }
    }
}

impl Change for TargetedPatch {
    fn selects(&self, resource: &Resource, schema: &Schema) -> Result<bool, BuildError> {
        self.matcher.matches(resource, schema).map_err(|error| error.at(self.target.pos))
    }

    fn selects_by_content(&self) -> bool {
        self.matcher.looks_at_labels()
    }

    fn apply(&self, resource: &mut Resource, schema: &Schema) -> Result<bool, BuildError> {
        self.apply_knowing(resource, &mut JsonForm::default(), schema)
    }

    fn is_json_patch(&self) -> bool {
        matches!(self.content, Content::Json(_))
    }

    fn apply_knowing(
        &self,
        resource: &mut Resource,
        form: &mut JsonForm,
        schema: &Schema,
    ) -> Result<bool, BuildError> {
        match &self.content {
            Content::Strategic(patch) => {
                *form = JsonForm::default();
                let (written, prepared) = &**patch;
                let patch = prepared.get_or_init(|| patch_apply::prepare(written));
                let patch = patch.as_ref().map_err(Clone::clone)?;
                patch_apply::merge_into(resource, patch, Scope::Target, schema)
            }
            Content::Json(patch) => {
                patch_apply::apply_json_to(resource, form, patch, true, schema).map(|()| true)
            }
        }
    }
}

impl Local for TargetedPatch {
    fn ignores_annotations(&self) -> bool {
        match &self.content {
            Content::Strategic(patch) => !self.matcher.looks_at_labels() && leaves_annotations(&patch.0.node),
            // The values of annotations change on their way through JSON.
            Content::Json(_) => false,
        }
    }

    fn candidates(&self, set: &mut ResourceSet) -> Option<Vec<usize>> {
        self.matcher.candidates(set)
    }

    fn has_finish(&self) -> bool {
        true
    }

    fn finish(&self, set: &mut ResourceSet, selected: usize, cx: &Context) -> Result<(), BuildError> {
        if selected == 0 {
            patch_source::warn_unmatched(&self.target, set, cx);
        }
        match &self.content {
            Content::Strategic(_) => patch_apply::expect_unique(set, cx),
            Content::Json(_) => Ok(()),
        }
    }
}

/// Whether a patch says nothing of annotations, or of how to merge what holds them.
fn leaves_annotations(patch: &Node) -> bool {
    let Some(root) = patch.as_map() else { return false };
    root.iter().all(|entry| match entry.key.as_str() {
        "metadata" => entry.value.as_map().is_some_and(|metadata| {
            let mut keys = metadata.iter().map(|entry| entry.key.as_str());
            keys.all(|key| matches!(key, "name" | "namespace"))
        }),
        key => !key.starts_with('$') && key != "<<",
    })
}
