//! What a caller may choose.

use crate::cancellation::Cancellation;
use crate::option_names::OptionNames;

/// Options of a build. The default is kustomize's, with everything that reaches outside off.
///
/// Later versions may have more of them, so write what is different from the default:
///
/// ```
/// use kustomize_core::BuildOptions;
///
/// let options = BuildOptions { enable_helm: true, ..BuildOptions::default() };
/// assert!(!options.enable_remote);
/// ```
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// Which files a kustomization may load.
    pub load_restrictor: LoadRestrictor,
    /// The order of the output, unless the kustomization says `sortOptions`.
    pub reorder: Reorder,
    /// Adds the label `app.kubernetes.io/managed-by` to every resource.
    pub add_managed_by_label: bool,
    /// Allows `http(s)` files and git repositories in resources.
    pub enable_remote: bool,
    /// Allows `helmCharts`, by running `helm_command`.
    pub enable_helm: bool,
    /// The helm program.
    pub helm_command: String,
    /// `--kube-version` for helm.
    pub helm_kube_version: String,
    /// `--api-versions` for helm.
    pub helm_api_versions: Vec<String>,
    /// `--debug` for helm.
    pub helm_debug: bool,
    /// Allows generators, transformers and validators that are not built in.
    pub enable_plugins: bool,
    /// Allows functions that are programs on this machine; needs `enable_plugins`.
    pub enable_exec: bool,
    /// Allows container functions to use the network.
    pub network: bool,
    /// Network name for container functions.
    pub network_name: String,
    /// Environment variables for functions, `NAME` or `NAME=value`.
    pub env: Vec<String>,
    /// Mounts for container functions.
    pub mounts: Vec<String>,
    /// Runs container functions as the current user.
    pub as_current_user: bool,
    /// Ends the build early. A session whose builds are cancelled cannot build again.
    pub cancellation: Cancellation,
    /// How errors and warnings name these options.
    pub option_names: OptionNames,
}

impl Default for BuildOptions {
    fn default() -> Self {
        BuildOptions {
            load_restrictor: LoadRestrictor::RootOnly,
            reorder: Reorder::Unspecified,
            add_managed_by_label: false,
            enable_remote: false,
            enable_helm: false,
            helm_command: "helm".to_owned(),
            helm_kube_version: String::new(),
            helm_api_versions: Vec::new(),
            helm_debug: false,
            enable_plugins: false,
            enable_exec: false,
            network: false,
            network_name: "bridge".to_owned(),
            env: Vec::new(),
            mounts: Vec::new(),
            as_current_user: false,
            cancellation: Cancellation::default(),
            option_names: OptionNames::default(),
        }
    }
}

/// Which files a kustomization may load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadRestrictor {
    /// Only files at or below its own directory.
    #[default]
    RootOnly,
    /// Any file.
    None,
}

/// The order of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reorder {
    /// Nothing said: legacy.
    #[default]
    Unspecified,
    /// Namespaces and definitions first, webhooks last, the rest by kind and name.
    Legacy,
    /// As accumulated.
    None,
}
