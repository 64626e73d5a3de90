//! Generators and transformers that are configured by a resource of their own: builtin ones by
//! kind, all others as functions.

use std::sync::Arc;

use crate::build_context::BuildContext;
use crate::error::{BuildError, ErrorKind};
use crate::function::Plugin;
use crate::generate::{ConfigMapGenerator, Generator, IamPolicyGenerator, SecretGenerator};
use crate::helm::helm_chart_of_config;
use crate::loader::Loader;
use crate::resource::Resource;
use crate::transform::{
    Action, AnnotationsTransformer, HashTransformer, ImageTagTransformer, LabelTransformer,
    NamespaceTransformer, PatchJson6902Transformer, PatchStrategicMergeTransformer, PatchTransformer,
    PrefixSuffixTransformer, PrefixTransformer, ReplacementTransformer, ReplicaCountTransformer,
    SuffixTransformer, ValueAddTransformer,
};
use crate::yaml::Node;

/// Kinds of builtin generators.
const GENERATORS: [&str; 4] =
    ["ConfigMapGenerator", "HelmChartInflationGenerator", "IAMPolicyGenerator", "SecretGenerator"];

/// Kinds of builtin transformers.
const TRANSFORMERS: [&str; 14] = [
    "AnnotationsTransformer",
    "HashTransformer",
    "ImageTagTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "PatchTransformer",
    "PrefixSuffixTransformer",
    "PrefixTransformer",
    "ReplacementTransformer",
    "ReplicaCountTransformer",
    "SuffixTransformer",
    "ValueAddTransformer",
];

/// The generator that a configuration asks for.
pub(super) fn generator<'l, 'a>(
    loader: &'l Loader<'a>,
    configuration: &Resource,
) -> Result<Box<dyn Generator + 'l>, BuildError> {
    if !is_builtin(configuration) {
        return Plugin::load(loader.clone(), configuration.clone()).map(|plugin| Box::new(plugin) as _);
    }
    let node = &configuration.node;
    Ok(match configuration.kind() {
        "ConfigMapGenerator" => Box::new(ConfigMapGenerator::from_config(node, loader)?),
        "SecretGenerator" => Box::new(SecretGenerator::from_config(node, loader)?),
        "HelmChartInflationGenerator" => helm_chart_of_config(loader, node)?,
        "IAMPolicyGenerator" => Box::new(IamPolicyGenerator::from_config(node)?),
        kind => return Err(not_a("generator", kind, &GENERATORS, &TRANSFORMERS)),
    })
}

/// The transformer or validator that a configuration asks for.
pub(super) fn transformer<'a>(
    cx: &BuildContext<'a>,
    loader: &Loader<'a>,
    configuration: &Resource,
) -> Result<Action<'a>, BuildError> {
    if !is_builtin(configuration) {
        let plugin = Plugin::load(loader.clone(), configuration.clone())?;
        return Ok(Action::All(Box::new(plugin)));
    }
    builtin_transformer(cx, loader, configuration.kind(), &configuration.node)
}

fn builtin_transformer<'a>(
    cx: &BuildContext<'a>,
    loader: &Loader<'a>,
    kind: &str,
    node: &Node,
) -> Result<Action<'a>, BuildError> {
    use Action::{All, Each};
    Ok(match kind {
        "AnnotationsTransformer" => Each(Arc::new(AnnotationsTransformer::from_config(node)?)),
        "HashTransformer" => All(Box::new(HashTransformer)),
        "ImageTagTransformer" => Each(Arc::new(ImageTagTransformer::from_config(node)?)),
        "LabelTransformer" => Each(Arc::new(LabelTransformer::from_config(node)?)),
        "NamespaceTransformer" => Each(Arc::new(NamespaceTransformer::from_config(node)?)),
        "PatchJson6902Transformer" => All(Box::new(PatchJson6902Transformer::from_config(node, loader, cx)?)),
        "PatchStrategicMergeTransformer" => {
            All(Box::new(PatchStrategicMergeTransformer::from_config(node, loader, cx)?))
        }
        "PatchTransformer" => PatchTransformer::from_config(node, loader, cx)?.into_action()?,
        "PrefixSuffixTransformer" => Each(Arc::new(PrefixSuffixTransformer::from_config(node)?)),
        "PrefixTransformer" => Each(Arc::new(PrefixTransformer::from_config(node)?)),
        "ReplacementTransformer" => All(Box::new(ReplacementTransformer::from_config(node, loader)?)),
        "ReplicaCountTransformer" => All(Box::new(ReplicaCountTransformer::from_config(node)?)),
        "SuffixTransformer" => Each(Arc::new(SuffixTransformer::from_config(node)?)),
        "ValueAddTransformer" => {
            All(Box::new(ValueAddTransformer::from_config(node, loader.root(), loader)?))
        }
        kind => return Err(not_a("transformer", kind, &TRANSFORMERS, &GENERATORS)),
    })
}

/// kustomize marks its own plugins by `apiVersion: builtin`.
fn is_builtin(configuration: &Resource) -> bool {
    configuration.api_version() == "builtin"
}

fn not_a(role: &str, kind: &str, known: &[&str], other_role: &[&str]) -> BuildError {
    let message = if other_role.contains(&kind) {
        format!("{kind} is not a {role}")
    } else {
        format!("there is no builtin {role} {kind}")
    };
    BuildError::new(ErrorKind::Function, message)
        .with_help(format!("builtin {role}s are {}", known.join(", ")))
}
