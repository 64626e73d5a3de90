//! How messages name the options of a build.

/// How errors and warnings name an option that would help: as whoever reads them would write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionNames {
    /// Fields of [`BuildOptions`](crate::BuildOptions).
    #[default]
    Rust,
    /// Flags of the command.
    Flags,
    /// Keyword arguments of the Python package.
    Python,
    /// Options of the npm package; where it has none, the command's flags.
    JavaScript,
}

/// An option that messages speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "programs"), allow(dead_code))]
pub(crate) enum NamedOption {
    EnableExec,
    EnableHelm,
    EnablePlugins,
    EnableRemote,
    HelmCommand,
    LoadRestrictor,
    Network,
}

impl OptionNames {
    /// The option, set so that it allows what it is about.
    pub(crate) fn of(self, option: NamedOption) -> &'static str {
        use NamedOption::{
            EnableExec, EnableHelm, EnablePlugins, EnableRemote, HelmCommand, LoadRestrictor, Network,
        };
        let [rust, flag, python] = match option {
            EnableExec => ["`BuildOptions::enable_exec`", "--enable-exec", "enable_exec=True"],
            EnableHelm => ["`BuildOptions::enable_helm`", "--enable-helm", "enable_helm=True"],
            EnablePlugins => {
                ["`BuildOptions::enable_plugins`", "--enable-alpha-plugins", "enable_plugins=True"]
            }
            // The command has it always on, and no flag for it.
            EnableRemote => {
                ["`BuildOptions::enable_remote`", "`BuildOptions::enable_remote`", "enable_remote=True"]
            }
            HelmCommand => ["`BuildOptions::helm_command`", "--helm-command", "helm_command="],
            LoadRestrictor => [
                "`LoadRestrictor::None`",
                "--load-restrictor LoadRestrictionsNone",
                "load_restrictor=\"none\"",
            ],
            Network => ["`BuildOptions::network`", "--network", "network=True"],
        };
        match (self, option) {
            (OptionNames::Rust, _) => rust,
            (OptionNames::Python, _) => python,
            (OptionNames::JavaScript, EnablePlugins) => "enablePlugins: true",
            (OptionNames::JavaScript, LoadRestrictor) => "loadRestrictor: 'none'",
            (OptionNames::Flags | OptionNames::JavaScript, _) => flag,
        }
    }
}
