//! Flags of all commands that render: those of `kustomize build`.

use clap::{Args, ValueEnum};
use kustomize_core::{BuildOptions, LoadRestrictor, OptionNames, Reorder};
use kustomize_host::OsHost;

use super::value::load_restrictor;

/// What a build may do, and how.
#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
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

/// How messages name the flags. Remote bases are always on, and have none.
const OPTION_NAMES: OptionNames = OptionNames {
    enable_exec: "--enable-exec",
    enable_helm: "--enable-helm",
    enable_plugins: "--enable-alpha-plugins",
    enable_remote: "`BuildOptions::enable_remote`",
    helm_command: "--helm-command",
    load_restrictor: "--load-restrictor LoadRestrictionsNone",
    network: "--network",
};

/// `--reorder`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ReorderArg {
    Legacy,
    None,
}

impl RenderArgs {
    /// What the library is to do. Unlike the library's own default, remote bases are on.
    pub(crate) fn options(&self) -> BuildOptions {
        BuildOptions {
            load_restrictor: self.load_restrictor,
            reorder: match self.reorder {
                Some(ReorderArg::Legacy) => Reorder::Legacy,
                Some(ReorderArg::None) => Reorder::None,
                None => Reorder::Unspecified,
            },
            add_managed_by_label: self.enable_managedby_label || label_by_environment(),
            enable_remote: true,
            enable_helm: self.runs_programs(),
            helm_command: self.helm.helm_command.clone(),
            helm_kube_version: self.helm.helm_kube_version.clone(),
            helm_api_versions: self.helm.helm_api_versions.clone(),
            helm_debug: self.helm.helm_debug,
            enable_plugins: self.function.enable_alpha_plugins,
            enable_exec: self.function.enable_exec,
            network: self.function.network,
            network_name: self.function.network_name.clone(),
            env: self.function.env.clone(),
            mounts: self.function.mount.clone(),
            as_current_user: self.function.as_current_user,
            option_names: OPTION_NAMES,
            ..BuildOptions::default()
        }
    }

    /// A host that may do what the flags allow. Remote bases are on, as in kustomize.
    pub(crate) fn host(&self) -> OsHost {
        let host = OsHost::new().allow_git().allow_http();
        if self.runs_programs() { host.allow_programs() } else { host }
    }

    /// Whether the build may start helm or functions. kustomize's `--enable-alpha-plugins`
    /// allows helm as well.
    pub(crate) fn runs_programs(&self) -> bool {
        self.helm.enable_helm || self.function.enable_alpha_plugins
    }
}

/// kustomize's other way to ask for the managed-by label.
fn label_by_environment() -> bool {
    std::env::var_os("KUSTOMIZE_ENABLE_MANAGEDBY_LABEL").is_some_and(|value| value == "on")
}
