//! The transformers and validators of a kustomization, in the reference's order.

use super::accumulator::Accumulator;
use super::plugin;
use super::resources::accumulate_configurations;
use super::step::Step;
use super::target::Target;
use crate::context::Context;
use crate::error::BuildError;
use crate::field_spec::{FieldSpec, Table, TransformerConfig, merge_field_specs};
use crate::kustomization::Label;
use crate::resource::expect_unchanged;
use crate::transform::{
    AnnotationsTransformer, ImageTagTransformer, LabelTransformer, NamespaceTransformer,
    PatchJson6902Transformer, PatchStrategicMergeTransformer, PatchTransformer, PrefixTransformer,
    ReplacementTransformer, ReplicaCountTransformer, SuffixTransformer, Transformer,
};
use crate::yaml::Pos;
use crate::yaml::decode::Spanned;

type TransformerStep<'a> = Step<Box<dyn Transformer + 'a>>;

/// Runs all transformers on what was gathered.
pub(super) fn run<'a>(
    cx: &Context<'a>,
    target: &mut Target<'a>,
    accumulator: &mut Accumulator,
) -> Result<(), BuildError> {
    let mut steps = of_fields(cx, target, &accumulator.config)?;
    let entries = std::mem::take(&mut target.kustomization.transformers);
    steps.extend(of_configurations(cx, target, "transformers", &entries)?);
    for step in steps {
        step.plugin.transform(&mut accumulator.set, cx).map_err(|error| error.at(step.pos))?;
        if let Some(origin) = &step.origin {
            for resource in accumulator.set.iter_mut() {
                resource.note_transformation(origin)?;
            }
        }
    }
    Ok(())
}

/// Runs all validators, which may refuse but not change anything.
pub(super) fn validate<'a>(
    cx: &Context<'a>,
    target: &mut Target<'a>,
    accumulator: &mut Accumulator,
) -> Result<(), BuildError> {
    let entries = std::mem::take(&mut target.kustomization.validators);
    for step in of_configurations(cx, target, "validators", &entries)? {
        let before = accumulator.set.clone();
        step.plugin.transform(&mut accumulator.set, cx).map_err(|error| error.at(step.pos))?;
        expect_unchanged(&before, &accumulator.set, cx).map_err(|error| error.at(step.pos))?;
    }
    Ok(())
}

fn of_configurations<'a>(
    cx: &Context<'a>,
    target: &mut Target<'a>,
    field: &'static str,
    entries: &[Spanned<String>],
) -> Result<Vec<TransformerStep<'a>>, BuildError> {
    let configurations = accumulate_configurations(cx, target, field, entries)?;
    configurations
        .iter()
        .map(|configuration| {
            let transformer = plugin::transformer(cx, &target.loader, configuration)
                .map_err(|error| error.at(configuration.node.pos).about(configuration.id(cx.schema())))?;
            Step::of_configuration(configuration, transformer)
        })
        .collect()
}

/// Gathers the steps of one kustomization's fields.
struct Steps<'t, 'a> {
    target: &'t Target<'a>,
    list: Vec<TransformerStep<'a>>,
}

impl<'a> Steps<'_, 'a> {
    fn push(&mut self, kind: &str, pos: Pos, transformer: impl Transformer + 'a) {
        self.list.push(Step::of_field(self.target, kind, pos, Box::new(transformer)));
    }
}

fn of_fields<'a>(
    cx: &Context<'a>,
    target: &Target<'a>,
    config: &TransformerConfig,
) -> Result<Vec<TransformerStep<'a>>, BuildError> {
    let kustomization = &target.kustomization;
    let files = &target.loader;
    let mut steps = Steps { target, list: Vec::new() };
    if !kustomization.patches_strategic_merge.is_empty() {
        let patches = &kustomization.patches_strategic_merge;
        let transformer = PatchStrategicMergeTransformer::new(patches, files, cx)?;
        steps.push("PatchStrategicMergeTransformer", patches[0].pos, transformer);
    }
    for patch in &kustomization.patches {
        let transformer = PatchTransformer::new(patch, files, cx).map_err(|error| error.at(patch.pos))?;
        steps.push("PatchTransformer", patch.pos, transformer);
    }
    if !kustomization.namespace.is_empty() {
        let transformer = NamespaceTransformer::new(&kustomization.namespace, &config.namespace);
        steps.push("NamespaceTransformer", Pos::NONE, transformer);
    }
    if !kustomization.name_prefix.is_empty() {
        let transformer = PrefixTransformer::new(&kustomization.name_prefix, config.name_prefix.clone());
        steps.push("PrefixTransformer", Pos::NONE, transformer);
    }
    if !kustomization.name_suffix.is_empty() {
        let transformer = SuffixTransformer::new(&kustomization.name_suffix, config.name_suffix.clone());
        steps.push("SuffixTransformer", Pos::NONE, transformer);
    }
    if !kustomization.labels.is_empty() || !kustomization.common_labels.is_empty() {
        for label in &kustomization.labels {
            let transformer = LabelTransformer::new(&label.pairs, label_specs(label, config)?);
            steps.push("LabelTransformer", Pos::NONE, transformer);
        }
        let transformer = LabelTransformer::new(&kustomization.common_labels, config.common_labels.clone());
        steps.push("LabelTransformer", Pos::NONE, transformer);
    }
    if !kustomization.common_annotations.is_empty() {
        let specs = config.common_annotations.clone();
        let transformer = AnnotationsTransformer::new(&kustomization.common_annotations, specs);
        steps.push("AnnotationsTransformer", Pos::NONE, transformer);
    }
    for patch in &kustomization.patches_json6902 {
        let transformer =
            PatchJson6902Transformer::new(patch, files, cx).map_err(|error| error.at(patch.pos))?;
        steps.push("PatchJson6902Transformer", patch.pos, transformer);
    }
    for replica in &kustomization.replicas {
        let transformer =
            ReplicaCountTransformer::new(std::slice::from_ref(replica), config.replicas.clone());
        steps.push("ReplicaCountTransformer", replica.pos, transformer);
    }
    for image in &kustomization.images {
        let transformer = ImageTagTransformer::new(std::slice::from_ref(image), config.images.clone());
        steps.push("ImageTagTransformer", Pos::NONE, transformer);
    }
    if !kustomization.replacements.is_empty() {
        let replacements = &kustomization.replacements;
        let transformer = ReplacementTransformer::new(replacements, files)?;
        steps.push("ReplacementTransformer", replacements[0].pos, transformer);
    }
    Ok(steps.list)
}

/// Where one entry of `labels` goes.
fn label_specs(label: &Label, config: &TransformerConfig) -> Result<Table<FieldSpec>, BuildError> {
    let own = Table::from(label.field_specs.clone());
    let specs = merge_field_specs(&own, &config.labels, "labels")?;
    if label.include_selectors {
        return merge_field_specs(&specs, &config.common_labels, "commonLabels");
    }
    let specs = if label.include_templates {
        merge_field_specs(&specs, &config.template_labels, "templateLabels")?
    } else {
        specs
    };
    let metadata = Table::from(vec![FieldSpec::any("metadata/labels", true)]);
    merge_field_specs(&specs, &metadata, "labels")
}
