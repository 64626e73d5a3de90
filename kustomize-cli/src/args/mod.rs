//! The arguments: the flags of `kustomize build`, with their names, meanings and defaults.

mod value;

use std::ffi::OsString;

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use kustomize_core::{BuildOptions, LoadRestrictor, Reorder};

use value::{Bool, load_restrictor};

/// Renders kustomizations, byte for byte as kustomize v5.8.1 does.
#[derive(Debug, Parser)]
#[command(name = "kustomize-rs", version, args_override_self = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build a kustomization from a directory or URL
    Build(Box<BuildArgs>),
    /// Print the version, and the version of kustomize whose output is reproduced
    Version(VersionArgs),
    /// Generate a shell completion script
    Completion(CompletionArgs),
}

/// Renders the resources of a kustomization.
///
/// The argument is a directory with a kustomization.yaml, or the URL of a git repository with a
/// path within it. Without it, the current directory is built.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub(crate) struct BuildArgs {
    /// Directory or URL to build
    #[arg(value_name = "DIR|URL", default_value = ".", hide_default_value = true)]
    pub(crate) target: String,

    /// Write here instead of standard output; into an existing directory, one file for each resource
    #[arg(short, long, value_name = "PATH", allow_hyphen_values = true)]
    pub(crate) output: Option<OsString>,

    /// Which files a kustomization may load; with LoadRestrictionsNone also those outside its own
    /// directory, which makes it impossible to move
    #[arg(
        long,
        value_name = "RULE",
        default_value = "LoadRestrictionsRootOnly",
        value_parser = load_restrictor()
    )]
    load_restrictor: LoadRestrictor,

    /// The order of the output, unless the kustomization has sortOptions
    #[arg(long, value_name = "ORDER", hide = true)]
    pub(crate) reorder: Option<ReorderArg>,

    /// Add the label app.kubernetes.io/managed-by to every resource
    #[arg(long, hide = true)]
    pub(crate) enable_managedby_label: bool,

    #[command(flatten)]
    helm: HelmArgs,

    #[command(flatten)]
    function: FunctionArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Helm")]
struct HelmArgs {
    /// Let helmCharts run helm
    #[arg(long)]
    enable_helm: bool,

    /// Name or path of the helm program
    #[arg(long, value_name = "PROGRAM", default_value = "helm", allow_hyphen_values = true)]
    helm_command: String,

    /// Kubernetes version that helm renders for
    #[arg(long, value_name = "VERSION", default_value = "", hide_default_value = true)]
    helm_kube_version: String,

    /// An API version that helm takes to be there; may be given several times
    #[arg(long, value_name = "API", allow_hyphen_values = true)]
    helm_api_versions: Vec<String>,

    /// Run helm with --debug
    #[arg(long)]
    helm_debug: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Functions and plugins")]
struct FunctionArgs {
    /// Allow generators, transformers and validators that are not built in
    #[arg(long)]
    enable_alpha_plugins: bool,

    /// Allow functions that are programs on this machine; never for configuration that is not yours
    #[arg(long)]
    enable_exec: bool,

    /// Allow network access to functions that ask for it
    #[arg(long)]
    network: bool,

    /// The docker network of functions
    #[arg(long, value_name = "NAME", default_value = "bridge", allow_hyphen_values = true)]
    network_name: String,

    /// An environment variable for functions, NAME or NAME=value; may be given several times
    #[arg(short, long, value_name = "NAME[=VALUE]", allow_hyphen_values = true)]
    env: Vec<String>,

    /// A mount for functions; may be given several times
    #[arg(long, value_name = "MOUNT", allow_hyphen_values = true)]
    mount: Vec<String>,

    /// Run functions with the user and group of the caller
    #[arg(long)]
    as_current_user: bool,
}

#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub(crate) struct VersionArgs {
    /// Print the bare version
    #[arg(long, conflicts_with = "output")]
    pub(crate) short: bool,

    /// Print all there is to know in this format
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) output: Option<VersionFormat>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum VersionFormat {
    Json,
    Yaml,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// The shell to complete for
    pub(crate) shell: Shell,
}

/// `--reorder`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ReorderArg {
    Legacy,
    None,
}

impl Cli {
    /// Reads the arguments of this process.
    pub(crate) fn read<I>(arguments: I) -> Result<Cli, clap::Error>
    where
        I: IntoIterator,
        I::Item: Into<OsString> + Clone,
    {
        Cli::from_arg_matches(&Cli::definition().try_get_matches_from(arguments)?)
    }

    /// All commands and flags.
    pub(crate) fn definition() -> clap::Command {
        Cli::command().mut_subcommand("build", |build| build.mut_args(as_in_go))
    }
}

/// Lets a switch take a value as well: `--enable-helm`, `--enable-helm=false`, `--enable-helm=1`.
fn as_in_go(argument: clap::Arg) -> clap::Arg {
    if !matches!(argument.get_action(), ArgAction::SetTrue) {
        return argument;
    }
    argument
        .action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_value("false")
        .default_missing_value("true")
        .hide_default_value(true)
        .hide_possible_values(true)
        .value_name("BOOL")
        .value_parser(Bool)
}

impl BuildArgs {
    /// What the library is to do. Unlike the library's own default, remote bases are on.
    pub(crate) fn options(&self) -> BuildOptions {
        let mut options = BuildOptions::default();
        options.load_restrictor = self.load_restrictor;
        options.reorder = match self.reorder {
            Some(ReorderArg::Legacy) => Reorder::Legacy,
            Some(ReorderArg::None) => Reorder::None,
            None => Reorder::Unspecified,
        };
        options.add_managed_by_label = self.enable_managedby_label || label_by_environment();
        options.enable_remote = true;
        options.enable_helm = self.runs_programs();
        options.helm_command.clone_from(&self.helm.helm_command);
        options.helm_kube_version.clone_from(&self.helm.helm_kube_version);
        options.helm_api_versions.clone_from(&self.helm.helm_api_versions);
        options.helm_debug = self.helm.helm_debug;
        options.enable_plugins = self.function.enable_alpha_plugins;
        options.enable_exec = self.function.enable_exec;
        options.network = self.function.network;
        options.network_name.clone_from(&self.function.network_name);
        options.env.clone_from(&self.function.env);
        options.mounts.clone_from(&self.function.mount);
        options.as_current_user = self.function.as_current_user;
        options
    }

    /// Whether the build may start helm or functions. The reference's `--enable-alpha-plugins`
    /// allows helm as well.
    pub(crate) fn runs_programs(&self) -> bool {
        self.helm.enable_helm || self.function.enable_alpha_plugins
    }
}

/// The reference's other way to ask for the managed-by label.
fn label_by_environment() -> bool {
    std::env::var_os("KUSTOMIZE_ENABLE_MANAGEDBY_LABEL").is_some_and(|value| value == "on")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(arguments: &[&str]) -> BuildArgs {
        let all = ["kustomize-rs", "build"].iter().chain(arguments);
        match Cli::read(all).map(|cli| cli.command) {
            Ok(Command::Build(args)) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::definition().debug_assert();
    }

    #[test]
    fn flags_are_read_as_cobra_reads_them() {
        let args =
            build(&["--enable-helm=F", "--network", "dir", "-e", "A=1", "-eB", "--env=-C", "-o", "x", "-o="]);
        let options = args.options();
        assert!(!options.enable_helm);
        assert!(options.network);
        assert_eq!(options.env, ["A=1", "B", "-C"]);
        assert_eq!(args.target, "dir");
        assert_eq!(args.output.as_deref(), Some(std::ffi::OsStr::new("")));
    }

    #[test]
    fn plugins_bring_helm_along() {
        assert!(build(&["--enable-alpha-plugins"]).options().enable_helm);
        assert_eq!(build(&["--load-restrictor="]).options().load_restrictor, LoadRestrictor::RootOnly);
    }
}
