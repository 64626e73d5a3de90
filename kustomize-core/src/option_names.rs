//! How messages name the options of a build.

/// How errors and warnings name an option that would help, set so that it allows what they are about.
///
/// The default is the fields of [`BuildOptions`](crate::BuildOptions). A front end gives the names that its
/// own users write:
///
/// ```
/// use kustomize_core::{BuildOptions, OptionNames};
///
/// let option_names = OptionNames { enable_helm: "--enable-helm", ..OptionNames::default() };
/// let options = BuildOptions { option_names, ..BuildOptions::default() };
/// assert_eq!(options.option_names.enable_exec, "`BuildOptions::enable_exec`");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionNames {
    /// Allows functions that are programs.
    pub enable_exec: &'static str,
    /// Allows helm charts.
    pub enable_helm: &'static str,
    /// Allows generators, transformers and validators that are not built in.
    pub enable_plugins: &'static str,
    /// Allows files and repositories of other machines.
    pub enable_remote: &'static str,
    /// Names the helm program.
    pub helm_command: &'static str,
    /// Allows files outside the directory of a kustomization.
    pub load_restrictor: &'static str,
    /// Allows container functions to use the network.
    pub network: &'static str,
}

impl Default for OptionNames {
    fn default() -> Self {
        OptionNames {
            enable_exec: "`BuildOptions::enable_exec`",
            enable_helm: "`BuildOptions::enable_helm`",
            enable_plugins: "`BuildOptions::enable_plugins`",
            enable_remote: "`BuildOptions::enable_remote`",
            helm_command: "`BuildOptions::helm_command`",
            load_restrictor: "`LoadRestrictor::None`",
            network: "`BuildOptions::network`",
        }
    }
}
