//! The transformers and validators of a kustomization, in kustomize's order.

use std::sync::Arc;

use super::accumulator::Accumulator;
use super::configured_plugin::ConfiguredPlugin;
use super::plugin;
use super::resources::accumulate_configurations;
use super::target::Target;
use crate::build_context::BuildContext;
use crate::error::BuildError;
use crate::field_spec::{FieldSpec, Table, TransformerConfig, merge_field_specs};
use crate::kustomization::Label;
use crate::resource::{Origin, ResourceSet, expect_unchanged};
use crate::transform::{
    Action, AnnotationsTransformer, ImageTagTransformer, LabelTransformer, Local, LocalStep,
    NamespaceTransformer, PatchJson6902Transformer, PatchStrategicMergeTransformer, PatchTransformer,
    PrefixTransformer, ReplacementTransformer, ReplicaCountTransformer, SuffixTransformer, Transformer,
    run_local,
};
use crate::yaml::Pos;
use crate::yaml::decode::Spanned;

type TransformerStep<'a> = ConfiguredPlugin<Action<'a>>;

/// Runs all transformers on what was gathered.
pub(super) fn run<'a>(
    cx: &BuildContext<'a>,
    target: &mut Target<'a>,
    accumulator: &mut Accumulator,
) -> Result<(), BuildError> {
    let mut steps = of_fields(cx, target, &accumulator.config)?;
    let entries = std::mem::take(&mut target.kustomization.transformers);
    steps.extend(of_configurations(cx, target, "transformers", &entries)?);
    run_steps(cx, &steps, &mut accumulator.set)?;
    for step in steps {
        match step.plugin {
            Action::Each(change) if step.origin.is_none() => accumulator.lineage.changes.push(change),
            _ => accumulator.lineage.is_opaque = true,
        }
    }
    Ok(())
}

/// Steps that look at each resource by itself are run together, up to one that looks at all of
/// them at its end.
fn run_steps(
    cx: &BuildContext<'_>,
    steps: &[TransformerStep<'_>],
    set: &mut ResourceSet,
) -> Result<(), BuildError> {
    let mut together: Vec<LocalStep<'_>> = Vec::new();
    // What waits to be noted of steps that ignore annotations: noting each by itself would write the whole
    // list as often. The first is noted at once, since that makes strings of all annotations.
    let mut unnoted: Vec<&Origin> = Vec::new();
    let mut can_wait = false;
    for step in steps {
        cx.cancellation.check()?;
        let ignores = matches!(&step.plugin, Action::Each(local) if local.ignores_annotations());
        if !ignores && !unnoted.is_empty() {
            run_local(&std::mem::take(&mut together), set, cx)?;
            set.note_transformations(&unnoted)?;
            unnoted.clear();
        }
        let mut origin = step.origin.as_ref();
        if ignores && can_wait {
            unnoted.extend(origin.take());
        }
        can_wait = step.origin.is_some() || ignores && can_wait;
        match &step.plugin {
            Action::Each(local) => {
                let transformer = &**local;
                together.push(LocalStep { transformer, origin, pos: step.pos });
                if transformer.has_finish() {
                    run_local(&std::mem::take(&mut together), set, cx)?;
                }
            }
            Action::All(transformer) => {
                run_local(&std::mem::take(&mut together), set, cx)?;
                transformer.transform(set, cx).map_err(|error| error.at(step.pos))?;
                if let Some(origin) = origin {
                    set.note_transformations(&[origin])?;
                }
            }
        }
    }
    run_local(&together, set, cx)?;
    set.note_transformations(&unnoted)
}

/// Runs all validators, which may refuse but not change anything.
pub(super) fn validate<'a>(
    cx: &BuildContext<'a>,
    target: &mut Target<'a>,
    accumulator: &mut Accumulator,
) -> Result<(), BuildError> {
    let entries = std::mem::take(&mut target.kustomization.validators);
    accumulator.lineage.is_opaque |= !entries.is_empty();
    for step in of_configurations(cx, target, "validators", &entries)? {
        let pos = step.pos;
        let before = accumulator.set.clone();
        run_steps(cx, &[ConfiguredPlugin { origin: None, ..step }], &mut accumulator.set)?;
        expect_unchanged(&before, &accumulator.set, cx).map_err(|error| error.at(pos))?;
    }
    Ok(())
}

fn of_configurations<'a>(
    cx: &BuildContext<'a>,
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
            ConfiguredPlugin::of_configuration(configuration, transformer)
        })
        .collect()
}

/// Gathers the steps of one kustomization's fields.
struct Steps<'t, 'a> {
    target: &'t Target<'a>,
    list: Vec<TransformerStep<'a>>,
}

impl<'a> Steps<'_, 'a> {
    fn each(&mut self, kind: &str, pos: Pos, transformer: impl Local + 'static) {
        self.push(kind, pos, Action::Each(Arc::new(transformer)));
    }

    fn all(&mut self, kind: &str, pos: Pos, transformer: impl Transformer + 'a) {
        self.push(kind, pos, Action::All(Box::new(transformer)));
    }

    fn push(&mut self, kind: &str, pos: Pos, action: Action<'a>) {
        self.list.push(ConfiguredPlugin::of_field(self.target, kind, pos, action));
    }
}

fn of_fields<'a>(
    cx: &BuildContext<'a>,
    target: &Target<'a>,
    config: &TransformerConfig,
) -> Result<Vec<TransformerStep<'a>>, BuildError> {
    let kustomization = &target.kustomization;
    let files = &target.loader;
    let mut steps = Steps { target, list: Vec::new() };
    if !kustomization.patches_strategic_merge.is_empty() {
        let patches = &kustomization.patches_strategic_merge;
        let transformer = PatchStrategicMergeTransformer::new(patches, files, cx)?;
        steps.all("PatchStrategicMergeTransformer", patches[0].pos, transformer);
    }
    for patch in &kustomization.patches {
        let action = PatchTransformer::new(patch, files, cx).and_then(PatchTransformer::into_action);
        steps.push("PatchTransformer", patch.pos, action.map_err(|error| error.at(patch.pos))?);
    }
    if !kustomization.namespace.is_empty() {
        let transformer = NamespaceTransformer::new(&kustomization.namespace, &config.namespace);
        steps.each("NamespaceTransformer", Pos::NONE, transformer);
    }
    if !kustomization.name_prefix.is_empty() {
        let transformer = PrefixTransformer::new(&kustomization.name_prefix, config.name_prefix.clone());
        steps.each("PrefixTransformer", Pos::NONE, transformer);
    }
    if !kustomization.name_suffix.is_empty() {
        let transformer = SuffixTransformer::new(&kustomization.name_suffix, config.name_suffix.clone());
        steps.each("SuffixTransformer", Pos::NONE, transformer);
    }
    if !kustomization.labels.is_empty() || !kustomization.common_labels.is_empty() {
        for label in &kustomization.labels {
            let transformer = LabelTransformer::new(&label.pairs, label_specs(label, config)?);
            steps.each("LabelTransformer", Pos::NONE, transformer);
        }
        let transformer = LabelTransformer::new(&kustomization.common_labels, config.common_labels.clone());
        steps.each("LabelTransformer", Pos::NONE, transformer);
    }
    if !kustomization.common_annotations.is_empty() {
        let specs = config.common_annotations.clone();
        let transformer = AnnotationsTransformer::new(&kustomization.common_annotations, specs);
        steps.each("AnnotationsTransformer", Pos::NONE, transformer);
    }
    for patch in &kustomization.patches_json6902 {
        let transformer =
            PatchJson6902Transformer::new(patch, files, cx).map_err(|error| error.at(patch.pos))?;
        steps.all("PatchJson6902Transformer", patch.pos, transformer);
    }
    for replicas in in_steps(target, &kustomization.replicas) {
        let transformer = ReplicaCountTransformer::new(replicas, config.replicas.clone());
        steps.all("ReplicaCountTransformer", replicas[0].pos, transformer);
    }
    for images in in_steps(target, &kustomization.images) {
        let transformer = ImageTagTransformer::new(images, config.images.clone());
        steps.each("ImageTagTransformer", Pos::NONE, transformer);
    }
    if !kustomization.replacements.is_empty() {
        let replacements = &kustomization.replacements;
        let transformer = ReplacementTransformer::new(replacements, files)?;
        steps.all("ReplacementTransformer", replacements[0].pos, transformer);
    }
    Ok(steps.list)
}

/// Entries of a field in as many steps as can be told apart: kustomize makes a step of each
/// entry, and notes each step where transformations are noted.
fn in_steps<'t, T>(target: &Target<'_>, entries: &'t [T]) -> std::slice::Chunks<'t, T> {
    entries.chunks(if target.origin.is_some() { 1 } else { entries.len().max(1) })
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
