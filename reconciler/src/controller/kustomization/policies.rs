//! The policies of the source that a Kustomization names.

use std::fmt::Display;

use futures::{StreamExt, TryStreamExt, stream};
use kube::ResourceExt;
use kustomize_core::Cancellation;
use reconciler_api::{annotation, reason};
use reconciler_core::sops::Plaintext;
use reconciler_core::ssa::ObjectId;
use serde_json::Value;

use super::{Failure, Reconciliation};
use crate::apply::{CONCURRENCY, Objects};
use crate::source::Snapshot;
use crate::{apply, build};

impl Reconciliation<'_> {
    /// Asks the policies of the source, if an annotation says where they are, about all objects before one is applied.
    pub(super) async fn ask_policies(
        &self,
        commit: &Snapshot,
        objects: &[build::Object],
        cluster: &Objects,
    ) -> Result<(), Failure> {
        let Some(path) = self.object.annotations().get(annotation::KUSTOMIZATION_POLICIES) else {
            return Ok(());
        };
        let existing = existing(cluster, objects).await?;
        let old_secrets =
            existing.iter().map(Plaintext::of_secret).fold(Plaintext::default(), |mut all, one| {
                all.extend(one);
                all
            });
        let (tree, path, evaluator) = (commit.tree.clone(), path.clone(), self.context.evaluator.clone());
        let (mut objects, common) = (objects.to_vec(), self.object.spec.common_metadata.clone());
        let work = move |cancellation: &Cancellation| {
            if let Some(common) = &common {
                objects.iter_mut().for_each(|object| apply::add_common(&mut object.value, common));
            }
            build::Admission::read(&tree.until(cancellation), &path, &evaluator)?
                .refusals_of(&objects, &existing)
        };
        let refusals =
            self.context.build(&self.key.namespace, self.object.spec.timeout().to_std(), work).await;
        let refusals = refusals.map_err(|error| fail(error.to_string()))?.map_err(fail)?;
        if refusals.is_empty() {
            return Ok(());
        }
        let refusals: Vec<String> = refusals.into_iter().collect();
        let message = format!("nothing is applied, because of {}", refusals.join(", "));
        Err(Failure::new(reason::RECONCILIATION_FAILED, message).masked(&old_secrets))
    }
}

fn fail(error: impl Display) -> Failure {
    Failure::new(reason::RECONCILIATION_FAILED, format!("policies: {error}"))
}

/// What the cluster has of some objects.
async fn existing(cluster: &Objects, objects: &[build::Object]) -> Result<Vec<Value>, Failure> {
    let find = async |object: &build::Object| {
        let id = ObjectId::of(&object.value);
        let found = cluster.find_like(&object.value).await;
        found.map_err(|error| fail(format!("{} cannot be read: {error}", id.subject())))
    };
    let found: Vec<Option<Value>> =
        stream::iter(objects).map(find).buffered(CONCURRENCY).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}
