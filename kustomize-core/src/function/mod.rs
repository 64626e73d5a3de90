//! Plugins that are not built in: KRM functions (a program or a container that is given resources
//! and gives them back) and the older executables in the plugin home.

#[cfg(feature = "programs")]
mod bookkeeping;
#[cfg(feature = "programs")]
mod environment;
#[cfg(feature = "programs")]
mod executable;
#[cfg(not(feature = "programs"))]
mod no_plugin;
#[cfg(feature = "programs")]
mod outcome;
#[cfg(feature = "programs")]
mod plugin;
#[cfg(feature = "programs")]
mod resource_list;
#[cfg(feature = "programs")]
mod run;
#[cfg(feature = "programs")]
mod shell_words;
#[cfg(feature = "programs")]
mod spec;
#[cfg(test)]
#[cfg(all(unix, feature = "programs"))]
mod tests;

use crate::build_context::BuildContext;
use crate::error::{BuildError, ErrorKind};
use crate::resource::Resource;

#[cfg(not(feature = "programs"))]
pub(crate) use no_plugin::Plugin;
#[cfg(feature = "programs")]
pub(crate) use plugin::Plugin;

/// The error about a plugin that is not built in where such are not allowed.
fn disabled(cx: &BuildContext<'_>, config: &Resource) -> BuildError {
    let message = format!("external plugins are disabled: {} is not built in", config.kind());
    BuildError::new(ErrorKind::NotAllowed, message).with_help(format!(
        "builtin plugins say `apiVersion: builtin`; to allow others, use {}, and {} for functions that are \
         programs",
        cx.options.option_names.enable_plugins, cx.options.option_names.enable_exec,
    ))
}
