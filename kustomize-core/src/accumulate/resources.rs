//! Bringing in what `resources` and `components` list.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::accumulator::Accumulator;
use super::base;
use super::target::Target;
use crate::build_context::BuildContext;
use crate::error::{BuildError, ErrorKind};
use crate::host::{HostError, RepositorySpec};
use crate::loader::{Loader, is_url, neither};
use crate::parallel::Threads;
use crate::resource::{Resource, parse_all_resources};
use crate::yaml::decode::Spanned;
use crate::yaml::{FileId, SourceText};

/// Brings in every entry, in order: each a file, else a directory or repository with a
/// kustomization.
pub(super) fn accumulate<'a>(
    cx: &BuildContext<'a>,
    target: &mut Target<'a>,
    accumulator: &mut Accumulator,
    paths: &[Spanned<String>],
) -> Result<(), BuildError> {
    let mut ahead = read_ahead(cx, target, paths).into_iter();
    for path in paths {
        cx.cancellation.check()?;
        accumulator.entries.push((accumulator.set.len(), path.pos));
        let as_file = ahead.next().flatten().unwrap_or_else(|| read_file(target, path, &cx.threads));
        match open(target, path, as_file).map_err(|error| error.at(path.pos))? {
            Entry::Resources(file, resources) => {
                if resources.is_empty() {
                    let help = "an empty file, or nothing but comments: remove the entry, if that is meant";
                    cx.warn_with_help(format!("`{}` holds no resources", path.value), path.pos, help);
                }
                accumulator.lineage.files.push(file);
                accumulator.append(cx, resources)
            }
            Entry::Directory(loader) => base::accumulate(cx, target, loader, path)
                .map_err(|error| error.within(format!("resources: {}", path.value), path.pos))
                .and_then(|base| accumulator.merge(cx, base)),
        }
        .map_err(|error| error.at(path.pos))?;
    }
    accumulator.entries.clear();
    Ok(())
}

/// Reads files on several threads: many are shared out as they are, of a few each is cut into its
/// documents. What is on the network is left for later. When one fails, those that were not read by
/// then are left.
fn read_ahead(
    cx: &BuildContext<'_>,
    target: &Target<'_>,
    paths: &[Spanned<String>],
) -> Vec<Option<Result<File, BuildError>>> {
    /// So many files for each thread.
    const LEAST: usize = 16;
    if paths.len() < 2 || paths.iter().any(|path| is_url(path)) {
        return Vec::new();
    }
    let failed = AtomicBool::new(false);
    let text_of = |path: &Spanned<String>| {
        if failed.load(Ordering::Relaxed) || cx.cancellation.is_cancelled() {
            return None;
        }
        let text = target.loader.text(path);
        failed.fetch_or(text.as_ref().is_err_and(|error| ends_the_build(path, error)), Ordering::Relaxed);
        Some(text)
    };
    if paths.len() < 2 * LEAST {
        let texts = paths.iter().map_while(|path| Some((path.as_str(), text_of(path)?))).collect();
        return read_files(target, texts, &cx.threads).into_iter().map(Some).collect();
    }
    cx.threads.map(paths, LEAST, |path| {
        let read = read_files(target, vec![(path.as_str(), text_of(path)?)], &Threads::one()).pop();
        failed.fetch_or(read.as_ref().is_some_and(|read| matches!(read, Ok(Err(_)))), Ordering::Relaxed);
        read
    })
}

/// Whether an entry that is no file is certain to be no base either.
fn ends_the_build(path: &str, error: &BuildError) -> bool {
    *error.kind() == ErrorKind::Host(HostError::NotFound) && RepositorySpec::parse(path).is_err()
}

/// Brings in one entry of `components`, which works on what its parent has gathered.
pub(super) fn accumulate_component<'a>(
    cx: &BuildContext<'a>,
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
    accumulator.lineage.is_opaque = true;
    Ok(accumulator)
}

/// What an entry of `resources` turned out to be.
enum Entry<'a> {
    Resources(FileId, Vec<Arc<Resource>>),
    Directory(Loader<'a>),
}

/// An entry as a file: its resources, or why it holds none.
type File = Result<(FileId, Vec<Arc<Resource>>), BuildError>;

/// The text of an entry. Fails on what is no file.
type Text = Result<(FileId, SourceText), BuildError>;

/// Reads an entry as a file. Fails on what is none.
fn read_file(target: &Target<'_>, path: &str, threads: &Threads) -> Result<File, BuildError> {
    let (file, text) = target.loader.text(path)?;
    Ok(read_resources(target, path, file, &text, threads).map(|resources| (file, resources)))
}

/// Makes resources of the texts of entries, on several threads when there is enough of them.
fn read_files(
    target: &Target<'_>,
    entries: Vec<(&str, Text)>,
    threads: &Threads,
) -> Vec<Result<File, BuildError>> {
    let texts = &target.loader.context().store.texts;
    let entries: Vec<_> = entries
        .into_iter()
        .map(|(path, text)| (path, text.map(|(file, text)| (file, text, texts.resources(file)))))
        .collect();
    let unknown = entries.iter().filter_map(|(_, text)| match text {
        Ok((file, text, None)) => Some((*file, &**text)),
        _ => None,
    });
    let mut parsed = parse_all_resources(&unknown.collect::<Vec<_>>(), threads).into_iter();
    let file_of = |(path, text): (&str, Result<_, BuildError>)| {
        let (file, _, known): (_, SourceText, Option<_>) = text?;
        let parsed = if known.is_none() { parsed.next() } else { None };
        Ok(keep(target, path, file, known, parsed).map(|resources| (file, resources)))
    };
    entries.into_iter().map(file_of).collect()
}

/// Takes an entry as a file, else as a directory or repository, as kustomize does. A URL of a
/// repository often answers with a page, so a remote document that holds no resources is tried as
/// a repository too.
fn open<'a>(
    target: &Target<'a>,
    path: &str,
    as_file: Result<File, BuildError>,
) -> Result<Entry<'a>, BuildError> {
    let as_file = match as_file {
        Ok(Ok((file, resources))) => return Ok(Entry::Resources(file, resources)),
        Ok(Err(error)) if is_url(path) => error,
        Ok(Err(error)) => return Err(error),
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
    threads: &Threads,
) -> Result<Vec<Arc<Resource>>, BuildError> {
    let known = target.loader.context().store.texts.resources(file);
    let parsed = if known.is_none() { parse_all_resources(&[(file, text)], threads).pop() } else { None };
    keep(target, path, file, known, parsed)
}

/// The resources of a text, as they were known or parsed just now.
fn keep(
    target: &Target<'_>,
    path: &str,
    file: FileId,
    known: Option<Vec<Arc<Resource>>>,
    parsed: Option<Result<Vec<Arc<Resource>>, BuildError>>,
) -> Result<Vec<Arc<Resource>>, BuildError> {
    let store = target.loader.context().store;
    let mut resources = known.unwrap_or_default();
    if let Some(parsed) = parsed {
        resources = parsed?;
        if store.is_lasting() {
            store.texts.put_resources(file, &resources);
        }
    }
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
    cx: &BuildContext<'a>,
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
    cx: &BuildContext<'a>,
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
    cx: &BuildContext<'_>,
    target: &Target<'_>,
    field: &'static str,
    entry: &Spanned<String>,
) -> Result<Vec<Arc<Resource>>, BuildError> {
    let name = format!("{field} in {}", target.file_name);
    let file = cx.sources.add(name, entry.value.clone().into(), Some(entry.pos));
    read_resources(target, target.file_name, file, &entry.value, &cx.threads)
}
