//! The generators of a kustomization, in kustomize's order: ConfigMaps, Secrets, helm charts,
//! then those configured as plugins.

use super::accumulator::Accumulator;
use super::configured_plugin::ConfiguredPlugin;
use super::plugin;
use super::resources::accumulate_configurations;
use super::target::Target;
use crate::build_context::BuildContext;
use crate::error::BuildError;
use crate::generate::{ConfigMapGenerator, Generator, SecretGenerator};
use crate::helm::helm_chart;
use crate::kustomization::GeneratorOptions;
use crate::loader::Loader;
use crate::resource::{Absorber, Behavior};

type GeneratorStep<'l> = ConfiguredPlugin<Box<dyn Generator + 'l>>;

/// Runs all generators and lets the set absorb what they make.
pub(super) fn run<'a>(
    cx: &BuildContext<'a>,
    target: &mut Target<'a>,
    accumulator: &mut Accumulator,
) -> Result<(), BuildError> {
    let loader = target.loader.clone();
    let mut steps = of_fields(target, &loader)?;
    steps.extend(of_configurations(cx, target, &loader)?);
    let Accumulator { set, lineage, .. } = accumulator;
    let mut absorber = Absorber::new(set, cx.schema());
    for step in steps {
        cx.cancellation.check()?;
        let at = |error: BuildError| error.at(step.pos);
        for mut resource in step.plugin.generate(cx).map_err(at)? {
            if let Some(origin) = &step.origin {
                resource.set_origin_if_absent(origin);
            }
            lineage.is_opaque |= matches!(resource.history.behavior, Behavior::Merge | Behavior::Replace);
            absorber.add(resource).map_err(at)?;
        }
    }
    absorber.finish();
    Ok(())
}

fn of_fields<'l, 'a>(
    target: &Target<'a>,
    loader: &'l Loader<'a>,
) -> Result<Vec<GeneratorStep<'l>>, BuildError> {
    let kustomization = &target.kustomization;
    let global = kustomization.generator_options.as_ref();
    let mut steps: Vec<GeneratorStep<'l>> = Vec::new();
    for args in &kustomization.config_map_generator {
        let mut args = args.clone();
        args.value.options = GeneratorOptions::merged(args.value.options, global);
        let pos = args.pos;
        let generator = ConfigMapGenerator::new(args, loader);
        steps.push(ConfiguredPlugin::of_field(target, "ConfigMapGenerator", pos, Box::new(generator)));
    }
    for args in &kustomization.secret_generator {
        let mut args = args.clone();
        args.value.options = GeneratorOptions::merged(args.value.options, global);
        let pos = args.pos;
        let generator = SecretGenerator::new(args, loader);
        steps.push(ConfiguredPlugin::of_field(target, "SecretGenerator", pos, Box::new(generator)));
    }
    let globals = kustomization.helm_globals.clone().unwrap_or_default();
    for chart in &kustomization.helm_charts {
        let mut inherited = chart.value.clone();
        if inherited.namespace.is_empty() {
            let own = &kustomization.namespace;
            inherited.namespace = if own.is_empty() { &target.helm_namespace } else { own }.clone();
        }
        let generator = helm_chart(loader, &globals, inherited).map_err(|error| error.at(chart.pos))?;
        steps.push(ConfiguredPlugin::of_field(target, "HelmChartInflationGenerator", chart.pos, generator));
    }
    Ok(steps)
}

fn of_configurations<'l, 'a>(
    cx: &BuildContext<'a>,
    target: &mut Target<'a>,
    loader: &'l Loader<'a>,
) -> Result<Vec<GeneratorStep<'l>>, BuildError> {
    let entries = std::mem::take(&mut target.kustomization.generators);
    let configurations = accumulate_configurations(cx, target, "generators", &entries)?;
    configurations
        .iter()
        .map(|configuration| {
            let generator = plugin::generator(loader, configuration)
                .map_err(|error| error.at(configuration.node.pos).about(configuration.id(cx.schema())))?;
            ConfiguredPlugin::of_configuration(configuration, generator)
        })
        .collect()
}
