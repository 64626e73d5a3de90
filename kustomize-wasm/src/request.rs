//! What JavaScript asks for, as JSON.

use kustomize_core::{BuildOptions, LoadRestrictor, OptionNames, Reorder};
use serde::Deserialize;

/// One call. The paths are directories.
#[derive(Debug, Deserialize)]
#[serde(tag = "call", rename_all = "camelCase")]
pub(crate) enum Request {
    /// Renders kustomizations, each for itself.
    Render { paths: Vec<String>, options: Options },
    /// Renders two and compares.
    Diff { from: String, to: String, options: Options },
}

/// Options that make sense where nothing can be fetched or run.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Options {
    load_restrictor: Restrictor,
    reorder: Option<Order>,
    add_managed_by_label: bool,
    enable_plugins: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Restrictor {
    #[default]
    RootOnly,
    None,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Order {
    Legacy,
    None,
}

impl From<&Options> for BuildOptions {
    fn from(options: &Options) -> Self {
        let mut build = BuildOptions::default();
        build.load_restrictor = match options.load_restrictor {
            Restrictor::RootOnly => LoadRestrictor::RootOnly,
            Restrictor::None => LoadRestrictor::None,
        };
        build.reorder = match options.reorder {
            None => Reorder::Unspecified,
            Some(Order::Legacy) => Reorder::Legacy,
            Some(Order::None) => Reorder::None,
        };
        build.add_managed_by_label = options.add_managed_by_label;
        build.enable_plugins = options.enable_plugins;
        build.option_names = OptionNames::JavaScript;
        build
    }
}
