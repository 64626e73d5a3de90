//! Leaving out what policies would refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kube::ResourceExt;
use kustomize_core::Cancellation;
use reconciler_api::image_policy::ImageRef;
use reconciler_api::{annotation, reason};

use super::super::outcome::Failure;
use super::Attempt;
use super::update::Update;
use crate::build::Admission;
use crate::source::git::WorkingCopy;

/// The latest images that may be committed.
pub(super) struct Allowed {
    pub(super) latest: BTreeMap<String, ImageRef>,
    /// Why others may not.
    pub(super) refused: Vec<String>,
}

impl Update<'_> {
    /// Asks the policies of the repository, if an annotation says where they are, about what the latest images
    /// would change. Image policies whose update would be refused are left out, or all if only their updates
    /// together would be.
    pub(super) async fn allowed(&self, copy: &WorkingCopy<'_>) -> Result<Allowed, Attempt> {
        let all = &self.policies.latest;
        let mut allowed = Allowed { latest: all.clone(), refused: Vec::new() };
        let Some(path) = self.automation.annotations().get(annotation::POLICIES) else { return Ok(allowed) };
        if self.refusals(copy, path, all).await?.is_empty() {
            return Ok(allowed);
        }
        for (name, image) in all {
            let alone = BTreeMap::from([(name.clone(), image.clone())]);
            let refusals = self.refusals(copy, path, &alone).await?;
            if !refusals.is_empty() {
                allowed.latest.remove(name);
                allowed.refused.push(format!(
                    "{}:{}, because of {}",
                    image.name,
                    image.tag,
                    listed(refusals)
                ));
            }
        }
        let rest = self.refusals(copy, path, &allowed.latest).await?;
        if !rest.is_empty() {
            allowed.latest.clear();
            allowed.refused.push(format!("all other updates, because together of {}", listed(rest)));
        }
        Ok(allowed)
    }

    /// What policies have against an update. The files are what they were afterwards.
    async fn refusals(
        &self,
        copy: &WorkingCopy<'_>,
        path: &str,
        latest: &BTreeMap<String, ImageRef>,
    ) -> Result<BTreeSet<String>, Attempt> {
        let updated = self.set(copy, latest).await?;
        if updated.files.is_empty() {
            return Ok(BTreeSet::new());
        }
        let change = self.change(copy, &updated.files).await?;
        copy.reset().await?;
        let fail = |error: String| Failure::new(reason::UPDATE_FAILED, format!("policies: {error}"));
        let (path, evaluator) = (path.to_owned(), self.context.evaluator.clone());
        let work = move |cancellation: &Cancellation| {
            let change = change.until(cancellation);
            Admission::read(&change.before, &path, &evaluator)?.refusals(&change)
        };
        let refusals = self.context.build(&self.key.namespace, Duration::MAX, work).await;
        Ok(refusals.map_err(|error| fail(error.to_string()))?.map_err(fail)?)
    }
}

fn listed(refusals: BTreeSet<String>) -> String {
    refusals.into_iter().collect::<Vec<_>>().join(", ")
}
