//! The policies of the source that a Kustomization names.

use kube::ResourceExt;
use kustomize_core::Cancellation;
use reconciler_api::{annotation, reason};

use super::{Failure, Reconciliation};
use crate::source::Snapshot;
use crate::{apply, build};

impl Reconciliation<'_> {
    /// Asks the policies of the source, if an annotation says where they are, about all objects before one is applied.
    pub(super) async fn ask_policies(
        &self,
        commit: &Snapshot,
        objects: &[build::Object],
    ) -> Result<(), Failure> {
        let Some(path) = self.object.annotations().get(annotation::KUSTOMIZATION_POLICIES) else {
            return Ok(());
        };
        let (tree, path, evaluator) = (commit.tree.clone(), path.clone(), self.context.evaluator.clone());
        let (mut objects, common) = (objects.to_vec(), self.object.spec.common_metadata.clone());
        let work = move |cancellation: &Cancellation| {
            if let Some(common) = &common {
                objects.iter_mut().for_each(|object| apply::add_common(&mut object.value, common));
            }
            build::Admission::read(&tree.until(cancellation), &path, &evaluator)?.refusals_of(&objects)
        };
        let fail = |error: String| Failure::new(reason::RECONCILIATION_FAILED, format!("policies: {error}"));
        let refusals =
            self.context.build(&self.key.namespace, self.object.spec.timeout().to_std(), work).await;
        let refusals = refusals.map_err(|error| fail(error.to_string()))?.map_err(fail)?;
        if refusals.is_empty() {
            return Ok(());
        }
        let refusals: Vec<String> = refusals.into_iter().collect();
        let message = format!("nothing is applied, because of {}", refusals.join(", "));
        Err(Failure::new(reason::RECONCILIATION_FAILED, message))
    }
}
