//! `helmCharts`: what `helm template` makes of a chart (kustomize's
//! `HelmChartInflationGenerator`).

mod aliases;
mod arguments;
mod output;
#[cfg(test)]
#[cfg(unix)]
mod tests;
mod values;

use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::generate::Generator;
use crate::host::{Command, EntryKind, HostError, Scratch, path};
use crate::kustomization::{HelmChart, HelmGlobals};
use crate::loader::Loader;
use crate::resource::Resource;
use values::Precedence;

/// Directory of charts unless `helmGlobals` says otherwise.
const DEFAULT_CHART_HOME: &str = "charts";

/// One chart to render.
pub(crate) struct HelmGenerator<'a> {
    loader: Loader<'a>,
    chart: HelmChart,
    /// Directory that the chart's directory is in.
    chart_home: String,
    /// Directory of helm's configuration; a temporary one when empty.
    config_home: String,
    precedence: Precedence,
}

impl<'a> HelmGenerator<'a> {
    /// From an entry of `helmCharts`, its namespace already settled and helm allowed.
    ///
    /// # Errors
    /// The chart has no name; `valuesMerge` is none of the three; one of `additionalValuesFiles`
    /// cannot be loaded.
    pub(crate) fn new(
        loader: Loader<'a>,
        globals: &HelmGlobals,
        mut chart: HelmChart,
    ) -> Result<Self, BuildError> {
        let options = loader.context().options;
        if options.helm_command.is_empty() {
            let option = options.option_names.helm_command;
            return Err(
                generator_error("no helm program is named").with_help(format!("name it with {option}"))
            );
        }
        if chart.name.is_empty() {
            return Err(generator_error("a helm chart has no name").field("name"));
        }
        let precedence = Precedence::parse(&chart.values_merge)?;
        for file in &mut chart.additional_values_files {
            loader.bytes(&file.value).map_err(|error| error.at(file.pos).field("additionalValuesFiles"))?;
            file.value = path::join(loader.root(), &file.value);
        }
        // The file wins over the command line, except for debug, where either will do.
        if chart.kube_version.is_empty() {
            chart.kube_version.clone_from(&options.helm_kube_version);
        }
        if chart.api_versions.is_empty() {
            chart.api_versions.clone_from(&options.helm_api_versions);
        }
        chart.debug |= options.helm_debug;
        let chart_home = chart_home(&loader, globals, &chart);
        if chart.values_file.is_empty() {
            chart.values_file.value = path::join(&chart_home, &format!("{}/values.yaml", chart.name));
        }
        Ok(HelmGenerator { loader, chart, chart_home, config_home: globals.config_home.clone(), precedence })
    }

    /// Runs helm; what it writes to standard output.
    fn run(&self, arguments: Vec<String>, scratch: &Scratch<'_>) -> Result<Vec<u8>, BuildError> {
        let cx = self.loader.context();
        let helm = &cx.options.helm_command;
        let config_home = match self.config_home.as_str() {
            "" => path::join(scratch.path(), "helm"),
            home => home.to_owned(),
        };
        let mut command = Command::new(helm.as_str(), "");
        command.arguments = arguments;
        command.environment = vec![
            ("HELM_CACHE_HOME".to_owned(), format!("{config_home}/.cache")),
            ("HELM_DATA_HOME".to_owned(), format!("{config_home}/.data")),
            ("HELM_CONFIG_HOME".to_owned(), config_home),
        ];
        let what = || format!("{helm} {}", command.arguments.join(" "));
        let output = cx.host.run(&command).map_err(|error| match error {
            HostError::Refused { .. } => BuildError::new(ErrorKind::NotAllowed, error.to_string()),
            HostError::NotFound => generator_error(format!("there is no program '{helm}'"))
                .with_help(format!("install helm, or name it with {}", cx.options.option_names.helm_command)),
            error => generator_error(format!("'{}' could not be run: {error}", what())),
        })?;
        if output.succeeded() {
            return Ok(output.stdout);
        }
        Err(generator_error(format!("'{}' failed: {}", what(), output.last_words())))
    }

    /// Refuses helm 2 and whatever else is not helm 3 or 4.
    fn check_version(&self, scratch: &Scratch<'_>) -> Result<(), BuildError> {
        let output = self.run(vec!["version".to_owned(), "--short".to_owned()], scratch)?;
        let output = String::from_utf8_lossy(&output);
        match output::major_version(&output) {
            Some("3" | "4") => Ok(()),
            Some(major) => {
                Err(generator_error(format!("helm 3 or 4 is needed, this one is version {major}")))
            }
            None => {
                let said: String = output.trim().chars().take(200).collect();
                Err(generator_error(format!("helm does not tell its version, but '{said}'")))
            }
        }
    }

    /// Pulls the chart unless it is there already.
    fn ensure_chart(&self, scratch: &Scratch<'_>) -> Result<(), BuildError> {
        let directory = path::join(&self.chart_home, &self.chart.name);
        if self.loader.context().host.kind(&directory) == Ok(EntryKind::Directory) {
            return Ok(());
        }
        if self.chart.repo.is_empty() {
            let place = self.loader.display(&directory);
            let message = format!("there is no chart at '{place}', and no repo to pull it from");
            return Err(generator_error(message)
                .with_help("name a repo, or the directory of local charts in helmGlobals.chartHome"));
        }
        self.run(arguments::pull(&self.chart, &self.chart_home), scratch).map(drop)
    }

    fn render(&self, cx: &Context) -> Result<Vec<Resource>, BuildError> {
        let host = self.loader.context().host;
        let scratch = Scratch::new(host).map_err(|error| BuildError::host(error, "temporary directory"))?;
        self.check_version(&scratch)?;
        self.ensure_chart(&scratch)?;
        let values = self.values()?;
        let values_file = format!("{}/{}-kustomize-values.yaml", scratch.path(), self.chart.name);
        host.write_scratch(&values_file, &values).map_err(|error| BuildError::host(error, &values_file))?;
        let arguments = arguments::template(&self.chart, &self.chart_home, &values_file);
        let output = self.run(arguments, &scratch)?;
        let mut resources = output::resources(cx, &self.chart.name, output)?;
        for resource in &mut resources {
            output::mark(resource);
        }
        Ok(resources)
    }
}

impl Generator for HelmGenerator<'_> {
    fn generate(&self, cx: &Context) -> Result<Vec<Resource>, BuildError> {
        self.render(cx).map_err(|error| error.about(format_args!("helm chart {}", self.chart.name)))
    }
}

/// Charts of a given version are kept apart, so that another version is pulled beside them.
fn chart_home(loader: &Loader<'_>, globals: &HelmGlobals, chart: &HelmChart) -> String {
    let home = match globals.chart_home.as_str() {
        "" => DEFAULT_CHART_HOME,
        home => home,
    };
    let home = loader.absolute(home);
    if chart.version.is_empty() || chart.repo.is_empty() {
        return home;
    }
    path::join(&home, &format!("{}-{}", chart.name, chart.version))
}

fn generator_error(message: impl Into<String>) -> BuildError {
    BuildError::new(ErrorKind::Generator, message)
}
