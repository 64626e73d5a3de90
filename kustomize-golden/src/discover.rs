//! Finding overlays and their golden files.

use std::collections::{BTreeMap, BTreeSet};

use kustomize_core::host::{EntryKind, Host, path};
use kustomize_core::{BuildError, ErrorKind};

use crate::git::GitDirectories;
use crate::kustomizations::Found;
use crate::place::{resolve_within, root_around};
use crate::{Case, Layout};

/// Finds the overlays at or below these paths and their golden files, sorted by overlay.
///
/// An overlay is a kustomization that no other one found builds on, that has a golden file, or
/// that is itself one of the paths. Components are not overlays. A golden file without an overlay is a
/// case as well, and fails.
///
/// A path is a directory, or the kustomization or golden file in it.
///
/// What is in another repository than the layout's has its golden files where that repository says,
/// unless they have a directory of their own: a repository cannot say what files of another one are
/// golden files, since these are replaced and removed.
///
/// # Errors
/// A path cannot be read, a configuration is wrong, or an overlay has no place for its golden file
/// ([`Layout::golden_of`]).
pub fn discover(host: &dyn Host, layout: &Layout, paths: &[&str]) -> Result<Vec<Case>, BuildError> {
    let mut found = Found::default();
    let mut tops = Vec::new();
    for path in paths {
        let top = directory(host, layout, path)?;
        found.walk(host, &top, layout)?;
        tops.push(top);
    }
    let mut goldens: BTreeSet<String> = found.with_golden.iter().cloned().collect();
    for (directory, layout) in &found.layouts {
        goldens
            .extend(layout.directory().into_iter().flat_map(|tree| mirrored(host, layout, tree, directory)));
    }
    let mut overlays = tips(host, &found);
    for (directory, kustomization) in &found.kustomizations {
        if !kustomization.is_component && (goldens.contains(directory) || tops.contains(directory)) {
            overlays.insert(directory.clone());
        }
    }
    let of_git = GitDirectories::default();
    let case = |overlay: &String, is_orphan| -> Result<Case, BuildError> {
        let layout = found.layout_of(overlay).unwrap_or(layout);
        let golden = layout.golden_of(overlay)?;
        let root = root_around(host, overlay);
        let top = if path::is_within(root, &golden) { root } else { layout.directory().unwrap_or(root) };
        if of_git.keep(host, top, &golden) {
            let message = format!("the golden file {golden} would be among what git keeps");
            return Err(BuildError::new(ErrorKind::Golden, message).in_file(overlay));
        }
        if let Some(tree) = layout.directory()
            && is_foreign(host, tree, &golden)
        {
            let message = format!("the golden file {golden} would be in another repository");
            let help = format!("move that repository out of {tree}, or exclude the overlay");
            return Err(BuildError::new(ErrorKind::Golden, message).in_file(overlay).with_help(help));
        }
        Ok(Case { overlay: overlay.clone(), golden, is_orphan })
    };
    let mut cases = overlays.iter().map(|overlay| case(overlay, false)).collect::<Result<Vec<_>, _>>()?;
    for orphan in goldens.difference(&overlays) {
        cases.push(case(orphan, true)?);
    }
    cases.sort_by(|a, b| a.overlay.cmp(&b.overlay));
    Ok(cases)
}

/// The directory of a path, with links resolved.
fn directory(host: &dyn Host, layout: &Layout, given: &str) -> Result<String, BuildError> {
    let resolved = resolve_within(host, given)?;
    if host.kind(&resolved) == Ok(EntryKind::Directory) {
        return Ok(resolved);
    }
    match layout.overlay_of(&resolved) {
        // A link is not followed: the error would tell what it leads to.
        Some(overlay)
            if host.resolve(&overlay).as_ref() == Ok(&overlay)
                && host.kind(&overlay) == Ok(EntryKind::Directory) =>
        {
            Ok(overlay)
        }
        _ => Ok(path::parent(&resolved).to_owned()),
    }
}

/// The overlays below a directory that have a golden file in a tree of its own.
fn mirrored(host: &dyn Host, layout: &Layout, tree: &str, top: &str) -> Vec<String> {
    if !path::is_within(layout.top(), top) {
        return Vec::new();
    }
    let mut found = Found::default();
    let place = path::join(tree, &path::relative(layout.top(), top));
    // It need not exist yet, and nothing is looked for behind a link.
    if host.resolve(&place).as_ref() == Ok(&place) {
        let _ = found.walk(host, &place, &layout.of_tree());
    }
    let goldens = found.with_golden.iter().map(|directory| path::join(directory, layout.file_name()));
    goldens
        .filter(|golden| !is_foreign(host, tree, golden))
        .filter_map(|golden| layout.overlay_of(&golden))
        .filter(|overlay| !layout.excludes(overlay))
        .collect()
}

/// Whether a file below the directory of golden files is in another repository, such as a submodule. Its
/// files are not ours to replace or remove.
fn is_foreign(host: &dyn Host, tree: &str, golden: &str) -> bool {
    root_around(host, path::parent(golden)) != root_around(host, tree)
}

/// Kustomizations that no other one builds on, and one of each cycle that nothing else builds on: it
/// fails with an error that names the cycle.
fn tips(host: &dyn Host, found: &Found) -> BTreeSet<String> {
    let kustomizations = &found.kustomizations;
    let known = |named: &String| match kustomizations.contains_key(named) {
        true => Some(named.clone()),
        false => host.resolve(named).ok().filter(|real| kustomizations.contains_key(real)),
    };
    let bases: BTreeMap<&String, Vec<String>> = kustomizations
        .iter()
        .map(|(path, one)| (path, one.names.iter().filter_map(known).filter(|base| base != path).collect()))
        .collect();
    let used: BTreeSet<&String> = bases.values().flatten().collect();
    let mut reached = BTreeSet::new();
    let mut reach = |start: &String| {
        let mut waiting = vec![start.clone()];
        let is_new = !reached.contains(start);
        while let Some(path) = waiting.pop() {
            waiting.extend(
                bases.get(&path).into_iter().flatten().filter(|base| !reached.contains(*base)).cloned(),
            );
            reached.insert(path);
        }
        is_new
    };
    let (tips, others): (Vec<&String>, Vec<&String>) =
        kustomizations.keys().partition(|path| !used.contains(path));
    // An unused component is not an overlay, and neither are its bases.
    for path in &tips {
        reach(path);
    }
    let of_circles = others.into_iter().filter(|path| reach(path)).collect::<Vec<_>>();
    let all = tips.into_iter().chain(of_circles);
    all.filter(|path| kustomizations.get(*path).is_some_and(|one| !one.is_component)).cloned().collect()
}
