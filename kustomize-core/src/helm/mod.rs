//! `helmCharts`, and the builtin plugin `HelmChartInflationGenerator`: whether there is helm at all.

#[cfg(feature = "programs")]
mod generator;

use crate::error::{BuildError, ErrorKind};
use crate::generate::Generator;
use crate::kustomization::{HelmChart, HelmGlobals};
use crate::loader::Loader;
use crate::yaml::Node;
use crate::yaml::decode::{DecodeError, from_node_loosely};
#[cfg(feature = "programs")]
use generator::HelmGenerator;

/// From an entry of `helmCharts`, its namespace already settled.
///
/// # Errors
/// Helm is not allowed, or no part of this library; the chart is not one that helm could be asked
/// for.
pub(crate) fn helm_chart<'l>(
    loader: &Loader<'l>,
    globals: &HelmGlobals,
    chart: HelmChart,
) -> Result<Box<dyn Generator + 'l>, BuildError> {
    let options = loader.context().options;
    if !options.enable_helm {
        let option = options.option_names.enable_helm;
        return Err(BuildError::new(ErrorKind::NotAllowed, "helm charts are not allowed")
            .with_help(format!("to allow them, use {option}: it runs the helm program")));
    }
    inflate(loader, globals, chart)
}

#[cfg(feature = "programs")]
fn inflate<'l>(
    loader: &Loader<'l>,
    globals: &HelmGlobals,
    chart: HelmChart,
) -> Result<Box<dyn Generator + 'l>, BuildError> {
    Ok(Box::new(HelmGenerator::new(loader.clone(), globals, chart)?))
}

#[cfg(not(feature = "programs"))]
fn inflate<'l>(_: &Loader<'l>, _: &HelmGlobals, _: HelmChart) -> Result<Box<dyn Generator + 'l>, BuildError> {
    Err(BuildError::new(ErrorKind::NotAllowed, "this library was built without what runs helm"))
}

/// From a configuration of kind `HelmChartInflationGenerator`: both parts in one map.
///
/// # Errors
/// As for [`helm_chart`]; a field of the wrong type.
pub(crate) fn helm_chart_of_config<'l>(
    loader: &Loader<'l>,
    config: &Node,
) -> Result<Box<dyn Generator + 'l>, BuildError> {
    let invalid = |error: DecodeError| BuildError::decode(ErrorKind::Generator, error);
    let globals: HelmGlobals = from_node_loosely(config).map_err(invalid)?;
    let chart: HelmChart = from_node_loosely(config).map_err(invalid)?;
    helm_chart(loader, &globals, chart)
}
