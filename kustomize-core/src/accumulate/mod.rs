//! The recursion over bases, components and overlays: the only place that knows the order of things.
//!
//! [`target`] reads one kustomization and says what happens in which order; [`resources`] brings in
//! files and directories; [`generators`] and [`transformers`] make the steps that its fields and
//! plugin configurations ask for; [`finish`] does what happens once, at the top.

mod accumulator;
mod base;
mod configured_plugin;
mod finish;
mod generators;
mod plugin;
mod resources;
mod target;
mod transformers;

use std::sync::Arc;

use crate::build_context::BuildContext;
use crate::error::BuildError;
use crate::loader::Loader;
use crate::resource::{Origin, ResourceSet};
use crate::store::{BuildRecord, Trace};
use accumulator::Accumulator;
use target::Target;

/// Renders the kustomization at a path: kustomize's `Kustomizer.Run`. Also says what it took,
/// whether or not it was a success.
pub(crate) fn render(
    cx: &BuildContext<'_>,
    path: &str,
) -> (Result<(ResourceSet, BuildRecord), BuildError>, Arc<Trace>) {
    cx.recorder.begin(path);
    let outcome = run(cx, path);
    (outcome, cx.recorder.end())
}

fn run(cx: &BuildContext<'_>, path: &str) -> Result<(ResourceSet, BuildRecord), BuildError> {
    let here = cx.host.current_directory().map_err(BuildError::no_current_directory)?;
    let loader = Loader::new_root(cx, path, &here)?;
    let mut target = Target::load(cx, loader)?;
    target.put_schema_in_force(cx)?;
    if !target.kustomization.build_metadata.is_empty() {
        target.origin = Some(Origin::default());
    }
    let mut accumulator = target.accumulate(cx)?;
    finish::finish(cx, &target, &mut accumulator)?;
    let Accumulator { set, config, lineage, .. } = accumulator;
    Ok((set, BuildRecord { lineage, references: config.name_reference }))
}
