//! What happens once, at the top, when everything is gathered.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::accumulator::Accumulator;
use super::target::Target;
use crate::build_context::BuildContext;
use crate::error::BuildError;
use crate::field_spec::FieldSpec;
use crate::options::Reorder;
use crate::references;
use crate::resource::{drop_local_config, finish_resource};
use crate::transform::{HashTransformer, LabelTransformer, SortOrderTransformer, Transformer};

/// The label of `buildMetadata: [managedByLabel]`.
const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Its value names kustomize's version.
const MANAGED_BY: &str = "kustomize-v5.8.1";

/// Hashes into names, names into references, vars into values; then order and clean-up.
pub(super) fn finish(
    cx: &BuildContext<'_>,
    target: &Target<'_>,
    accumulator: &mut Accumulator,
) -> Result<(), BuildError> {
    let Accumulator { set, config, vars, lineage, entries: _ } = accumulator;
    lineage.is_opaque |= !vars.is_empty();
    cx.cancellation.check()?;
    HashTransformer.transform(set, cx)?;
    references::fix_names(set, &config.name_reference, cx)?;
    references::resolve_vars(set, vars, &config.var_reference, cx)?;
    let count = set.len();
    drop_local_config(set, cx)?;
    lineage.is_opaque |= set.len() < count;
    sort(cx, target, accumulator)?;
    let metadata =
        |option: &str| target.kustomization.build_metadata.iter().any(|entry| entry.value == option);
    accumulator.lineage.is_opaque |= target.origin.is_some();
    if cx.options.add_managed_by_label || metadata("managedByLabel") {
        accumulator.lineage.is_opaque = true;
        let labels = BTreeMap::from([(MANAGED_BY_LABEL.to_owned(), MANAGED_BY.to_owned())]);
        let specs = vec![FieldSpec::any("metadata/labels", true)].into();
        LabelTransformer::new(&labels, specs).transform(&mut accumulator.set, cx)?;
    }
    let (origins, transformations) = (metadata("originAnnotations"), metadata("transformerAnnotations"));
    /// Fewer resources than this are not worth a thread.
    const LEAST: usize = 128;
    cx.threads.for_each_chunk(accumulator.set.list_mut(), LEAST, |_, resources| {
        resources
            .iter_mut()
            .try_for_each(|resource| finish_resource(Arc::make_mut(resource), origins, transformations))
    })
}

/// The kustomization's own `sortOptions` win over the caller's choice.
fn sort(cx: &BuildContext<'_>, target: &Target<'_>, accumulator: &mut Accumulator) -> Result<(), BuildError> {
    match (&target.kustomization.sort_options, cx.options.reorder) {
        (Some(options), _) => SortOrderTransformer::new(options)?.transform(&mut accumulator.set, cx),
        (None, Reorder::Unspecified | Reorder::Legacy) => {
            SortOrderTransformer::legacy().transform(&mut accumulator.set, cx)
        }
        (None, Reorder::None) => Ok(()),
    }
}
