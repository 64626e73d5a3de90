//! Options of a call, as a number. The npm package's `engine.ts` makes it.

use kustomize_core::{BuildOptions, LoadRestrictor, Reorder};

/// Options that make sense where nothing can be fetched or run, one bit each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options(pub(crate) u32);

impl Options {
    const LOAD_ANYTHING: u32 = 1;
    const LEGACY_ORDER: u32 = 2;
    const NO_ORDER: u32 = 4;
    const MANAGED_BY_LABEL: u32 = 8;
    const PLUGINS: u32 = 16;
}

impl From<Options> for BuildOptions {
    fn from(Options(bits): Options) -> Self {
        let has = |bit| bits & bit != 0;
        let mut build = BuildOptions::default();
        if has(Options::LOAD_ANYTHING) {
            build.load_restrictor = LoadRestrictor::None;
        }
        if has(Options::LEGACY_ORDER) {
            build.reorder = Reorder::Legacy;
        } else if has(Options::NO_ORDER) {
            build.reorder = Reorder::None;
        }
        build.add_managed_by_label = has(Options::MANAGED_BY_LABEL);
        build.enable_plugins = has(Options::PLUGINS);
        build
    }
}
