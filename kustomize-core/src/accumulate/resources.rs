//! Bringing in what `resources` and `components` list.

use std::sync::Arc;

use super::accumulator::Accumulator;
use super::base;
use super::target::Target;
use crate::context::Context;
use crate::error::BuildError;
use crate::loader::{Loader, is_url, neither};
use crate::resource::{Resource, parse_resources};
use crate::yaml::FileId;
use crate::yaml::decode::Spanned;

/// Brings in every entry, in order: each a file, else a directory or repository with a
/// kustomization.
pub(super) fn accumulate<'a>(
    cx: &Context<'a>,
    target: &mut Target<'a>,
    accumulator: &mut Accumulator,
    paths: &[Spanned<String>],
) -> Result<(), BuildError> {
    for path in paths {
        match open(target, path).map_err(|error| error.at(path.pos))? {
            Entry::Resources(resources) => accumulator.append(cx, resources),
            Entry::Directory(loader) => base::accumulate(cx, target, loader, path)
                .map_err(|error| error.within(format!("resources: {}", path.value), path.pos))
                .and_then(|base| accumulator.merge(cx, base)),
        }
        .map_err(|error| error.at(path.pos))?;
    }
    Ok(())
}

/// Brings in one entry of `components`, which works on what its parent has gathered.
pub(super) fn accumulate_component<'a>(
    cx: &Context<'a>,
    target: &mut Target<'a>,
    parent: Accumulator,
    path: &Spanned<String>,
) -> Result<Accumulator, BuildError> {
    let within = |error: BuildError| error.within(format!("components: {}", path.value), path.pos);
    let loader = target.loader.child(path).map_err(|error| error.at(path.pos))?;
    cx.recorder.begin(loader.root());
    let gathered = accumulate_directory(cx, target, loader, path, Some(parent));
    cx.recorder.end();
    let gathered = gathered.map_err(within)?;
    let mut accumulator = Accumulator::default();
    accumulator.merge(cx, gathered).map_err(within)?;
    Ok(accumulator)
}

/// What an entry of `resources` turned out to be.
enum Entry<'a> {
    Resources(Vec<Arc<Resource>>),
    Directory(Loader<'a>),
}

/// Tries an entry as a file, then as a directory or repository, as the reference does. A URL of a
/// repository often answers with a page, so a remote document that holds no resources is tried as
/// a repository too.
fn open<'a>(target: &Target<'a>, path: &str) -> Result<Entry<'a>, BuildError> {
    let as_file = match target.loader.text(path) {
        Ok((file, text)) => match read_resources(target, path, file, &text) {
            Ok(resources) => return Ok(Entry::Resources(resources)),
            Err(error) if is_url(path) => error,
            Err(error) => return Err(error),
        },
        Err(error) if error.is_http_error() => return Err(error),
        Err(error) => error,
    };
    target.loader.child(path).map(Entry::Directory).map_err(|error| neither(path, as_file, error))
}

fn read_resources(
    target: &Target<'_>,
    path: &str,
    file: FileId,
    text: &str,
) -> Result<Vec<Arc<Resource>>, BuildError> {
    let store = target.loader.context().store;
    let mut resources = match store.texts.resources(file) {
        Some(resources) => resources,
        None => {
            let resources: Vec<_> = parse_resources(text, file)?.into_iter().map(Arc::new).collect();
            if store.is_lasting() {
                store.texts.put_resources(file, &resources);
            }
            resources
        }
    };
    note_origin(target, path, &mut resources)?;
    Ok(resources)
}

fn note_origin(target: &Target<'_>, path: &str, resources: &mut [Arc<Resource>]) -> Result<(), BuildError> {
    if let Some(origin) = &target.origin {
        let origin = origin.append(path);
        for resource in resources {
            Arc::make_mut(resource).set_origin(&origin)?;
        }
    }
    Ok(())
}

/// Reads the kustomization of a directory and gathers what it asks for, on top of what its parent
/// has gathered if it is a component.
pub(super) fn accumulate_directory<'a>(
    cx: &Context<'a>,
    parent: &Target<'a>,
    loader: Loader<'a>,
    path: &Spanned<String>,
    component_of: Option<Accumulator>,
) -> Result<Accumulator, BuildError> {
    let mut target = Target::load(cx, loader)?;
    target.put_schema_in_force(cx)?;
    target.expect_kind(component_of.is_some(), path.pos)?;
    target.kustomization.build_metadata.clone_from(&parent.kustomization.build_metadata);
    target.origin = parent.origin.as_ref().map(|origin| origin.append(path));
    target.helm_namespace = parent.helm_namespace_below().to_owned();
    target.accumulate_into(cx, component_of.unwrap_or_default())
}

/// Resources of plugin configurations: each entry is either the configuration itself or a path.
pub(super) fn accumulate_configurations<'a>(
    cx: &Context<'a>,
    target: &mut Target<'a>,
    field: &'static str,
    entries: &[Spanned<String>],
) -> Result<Vec<Resource>, BuildError> {
    let mut accumulator = Accumulator::default();
    let mut paths = Vec::new();
    for entry in entries {
        match read_inline(cx, target, field, entry) {
            Ok(resources) => accumulator.append(cx, resources).map_err(|error| error.at(entry.pos))?,
            Err(error) if entry.value.contains('\n') => return Err(error.at(entry.pos)),
            Err(_) => paths.push(entry.clone()),
        }
    }
    accumulate(cx, target, &mut accumulator, &paths)?;
    Ok(accumulator.set.into_list().into_iter().map(Arc::unwrap_or_clone).collect())
}

fn read_inline(
    cx: &Context<'_>,
    target: &Target<'_>,
    field: &'static str,
    entry: &Spanned<String>,
) -> Result<Vec<Arc<Resource>>, BuildError> {
    let name = format!("{field} in {}", target.file_name);
    let file = cx.sources.add(name, entry.value.as_str().into(), Some(entry.pos));
    read_resources(target, target.file_name, file, &entry.value)
}
