//! The generators of a kustomization, in the reference's order: ConfigMaps, Secrets, helm charts,
//! then those configured as plugins.

use super::accumulator::Accumulator;
use super::pending::{ConfigMapGenerator, SecretGenerator};
use super::plugin;
use super::resources::accumulate_configurations;
use super::step::Step;
use super::target::Target;
use crate::context::Context;
use crate::error::BuildError;
use crate::generate::{Generator, HelmGenerator};

type GeneratorStep<'a> = Step<Box<dyn Generator + 'a>>;

/// Runs all generators and lets the set absorb what they make.
pub(super) fn run<'a>(
    cx: &Context<'a>,
    target: &mut Target<'a>,
    accumulator: &mut Accumulator,
) -> Result<(), BuildError> {
    let mut steps = of_fields(target)?;
    steps.extend(of_configurations(cx, target)?);
    for step in steps {
        let at = |error: BuildError| error.at(step.pos);
        for mut resource in step.plugin.generate(cx).map_err(at)? {
            if let Some(origin) = &step.origin {
                resource.set_origin_if_absent(origin);
            }
            accumulator.append(cx, [resource]).map_err(at)?;
        }
    }
    Ok(())
}

fn of_fields<'a>(target: &Target<'a>) -> Result<Vec<GeneratorStep<'a>>, BuildError> {
    let kustomization = &target.kustomization;
    let options = kustomization.generator_options.as_ref();
    let files = || Box::new(target.loader.clone());
    let mut steps: Vec<GeneratorStep<'a>> = Vec::new();
    for args in &kustomization.config_map_generator {
        let generator = ConfigMapGenerator::make()?;
        steps.push(Step::of_field(target, "ConfigMapGenerator", args.pos, Box::new(generator)));
    }
    for args in &kustomization.secret_generator {
        let generator = SecretGenerator::make()?;
        steps.push(Step::of_field(target, "SecretGenerator", args.pos, Box::new(generator)));
    }
    let globals = kustomization.helm_globals.clone().unwrap_or_default();
    for chart in &kustomization.helm_charts {
        let mut inherited = chart.value.clone();
        if inherited.namespace.is_empty() {
            let own = &kustomization.namespace;
            inherited.namespace = if own.is_empty() { &target.helm_namespace } else { own }.clone();
        }
        let generator = HelmGenerator::new(target.loader.clone(), &globals, inherited)?;
        steps.push(Step::of_field(target, "HelmChartInflationGenerator", chart.pos, Box::new(generator)));
    }
    Ok(steps)
}

fn of_configurations<'a>(
    cx: &Context<'a>,
    target: &mut Target<'a>,
) -> Result<Vec<GeneratorStep<'a>>, BuildError> {
    let entries = std::mem::take(&mut target.kustomization.generators);
    let configurations = accumulate_configurations(cx, target, "generators", &entries)?;
    configurations
        .iter()
        .map(|configuration| {
            let generator = plugin::generator(cx, &target.loader, configuration)
                .map_err(|error| error.at(configuration.node.pos).about(configuration.id(cx.schema())))?;
            Step::of_configuration(configuration, generator)
        })
        .collect()
}
