//! The older plugins: executables in the plugin home, found by the kind of their configuration.

use super::run::run_error;
use super::shell_words;
use crate::error::{BuildError, ErrorKind};
use crate::host::{Command, EntryKind, Host, HostError, Scratch, path};
use crate::loader::Loader;
use crate::resource::Resource;
use crate::yaml::decode::{fields, from_node_loosely};
use crate::yaml::print;

/// Longest value of an environment variable that is set; a longer one is left out.
const LONGEST_VARIABLE: usize = 131_071;

/// An executable and the arguments that its configuration asks for.
pub(super) struct Executable {
    path: String,
    arguments: Vec<String>,
}

#[derive(Default)]
struct Arguments {
    args_one_liner: String,
    args_from_file: String,
}

fields!(Arguments { args_one_liner = "argsOneLiner", args_from_file = "argsFromFile" });

impl Executable {
    /// The executable for a kind: `HOME/GROUP/VERSION/kind/Kind`.
    pub(super) fn find(loader: &Loader<'_>, config: &Resource) -> Result<Self, BuildError> {
        let cx = loader.context();
        let home = plugin_home(cx.host)?;
        let gvk = config.original_id(cx.schema()).gvk;
        let below = format!("{}/{}/{}/{}", gvk.group, gvk.version, gvk.kind.to_lowercase(), gvk.kind);
        let path = path::join(&home, &below);
        match cx.host.kind(&path) {
            Ok(EntryKind::File) => {}
            Ok(_) | Err(HostError::NotFound) => return Err(missing(cx.host, &path, &gvk.kind)),
            Err(error) => return Err(BuildError::host(error, &path)),
        }
        let arguments = Self::arguments(loader, config)?;
        Ok(Executable { path, arguments })
    }

    fn arguments(loader: &Loader<'_>, config: &Resource) -> Result<Vec<String>, BuildError> {
        let given: Arguments = from_node_loosely(&config.node)
            .map_err(|error| BuildError::decode(ErrorKind::Function, error))?;
        let mut arguments = shell_words::split(&given.args_one_liner).ok_or_else(|| {
            BuildError::new(ErrorKind::Function, "a quote is not closed").field("argsOneLiner")
        })?;
        if !given.args_from_file.is_empty() {
            let (_, text) =
                loader.text(&given.args_from_file).map_err(|error| error.field("argsFromFile"))?;
            let lines = text.split('\n').map(|line| line.trim_start_matches(' '));
            arguments.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
        }
        Ok(arguments)
    }

    /// Runs it on resources as YAML; what it writes to standard output.
    pub(super) fn run(
        &self,
        loader: &Loader<'_>,
        config: &Resource,
        resources: &[Resource],
    ) -> Result<Vec<u8>, BuildError> {
        let host = loader.context().host;
        let mut input = String::new();
        for resource in resources {
            if !input.is_empty() {
                input.push_str("---\n");
            }
            print(&resource.node, &mut input)?;
        }
        let mut text = String::new();
        print(&config.node, &mut text)?;
        let scratch = Scratch::new(host).map_err(|error| run_error(error, &self.path))?;
        let file = format!("{}/config.yaml", scratch.path());
        host.write_scratch(&file, text.as_bytes()).map_err(|error| BuildError::host(error, &file))?;
        let mut command = Command::new(self.path.as_str(), loader.root());
        command.arguments.push(file);
        command.arguments.extend_from_slice(&self.arguments);
        command.environment = [
            ("KUSTOMIZE_PLUGIN_CONFIG_STRING", text),
            ("KUSTOMIZE_PLUGIN_CONFIG_ROOT", loader.root().to_owned()),
        ]
        .into_iter()
        .filter(|(name, value)| name.len() + 1 + value.len() <= LONGEST_VARIABLE)
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        command.input = input.into_bytes();
        let output = host.run(&command).map_err(|error| run_error(error, &self.path))?;
        if output.succeeded() {
            return Ok(output.stdout);
        }
        let message = format!("plugin {} failed: {}", self.path, output.last_words());
        Err(BuildError::new(ErrorKind::Function, message))
    }
}

fn missing(host: &dyn Host, path: &str, kind: &str) -> BuildError {
    let library = format!("{path}.so");
    if host.kind(&library).is_ok() {
        let message = format!("{library} is a Go plugin: those work inside of Go programs only");
        return BuildError::new(ErrorKind::Function, message)
            .with_help("make it an executable, or better a KRM function");
    }
    let message = format!("there is no plugin for the kind {kind}: no executable at {path}");
    BuildError::new(ErrorKind::Function, message).with_help(
        "builtin plugins have `apiVersion: builtin`; a function is named by the annotation \
         config.kubernetes.io/function",
    )
}

/// The first of the places for plugins that exists.
fn plugin_home(host: &dyn Host) -> Result<String, BuildError> {
    let variable = |name: &str| host.environment(name).filter(|value| !value.is_empty());
    let home = variable("HOME").or_else(|| variable("USERPROFILE")).unwrap_or_else(|| "~".to_owned());
    let places = [
        variable("KUSTOMIZE_PLUGIN_HOME"),
        variable("XDG_CONFIG_HOME").map(|config| path::join(&config, "kustomize/plugin")),
        Some(path::join(&home, ".config/kustomize/plugin")),
        Some(path::join(&home, "kustomize/plugin")),
    ];
    let tried: Vec<String> = places.into_iter().flatten().collect();
    if let Some(place) = tried.iter().find(|place| host.kind(place).is_ok()) {
        return Ok(place.clone());
    }
    let message = format!("there is no directory of plugins; looked for {}", tried.join(", "));
    Err(BuildError::new(ErrorKind::Function, message).with_help("name it in KUSTOMIZE_PLUGIN_HOME"))
}
