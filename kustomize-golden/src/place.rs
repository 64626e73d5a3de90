//! Where golden files really are. The repository may be untrusted: no link in it may lead a test to read,
//! write or remove a file elsewhere.

use std::iter;

use kustomize_core::host::{EntryKind, Host, HostError, path};
use kustomize_core::yaml::{self, FileId, Node};
use kustomize_core::{BuildError, ErrorKind};

use crate::config::CONFIG_FILE;

/// The place that a path means, with links resolved. Links may lead to a repository, but not out of
/// one, not to what git keeps in it, and not out of the current directory.
pub(crate) fn resolve_within(host: &dyn Host, given: &str) -> Result<String, BuildError> {
    let given = absolute(host, given)?;
    let resolved = host.resolve(&given).map_err(|error| BuildError::host(error, &given))?;
    if resolved == given {
        return Ok(resolved);
    }
    // Where there is no repository, what is below the current directory stays there.
    let here = host.current_directory().ok();
    let mut written = "/".to_owned();
    let mut real = "/".to_owned();
    let mut top: Option<(&str, String)> = None;
    for part in given.split('/').filter(|part| !part.is_empty()) {
        let step = path::join(&real, part);
        let next = host.resolve(&step).map_err(|error| BuildError::host(error, &step))?;
        if let Some((what, top)) = top.as_ref().filter(|_| next != step) {
            let refuse = |message: String| Err(BuildError::new(ErrorKind::Golden, message).in_file(&step));
            if !path::is_within(top, &next) {
                let refused = refuse(format!("{step} is a link that leads out of {what} {top}"));
                return refused.map_err(|error| {
                    error.with_help(format!("if that is meant, name the place: {resolved}"))
                });
            }
            if is_gits(&path::relative(top, &next)) {
                return refuse(format!("{step} is a link to what git keeps of {what} {top}"));
            }
        }
        if is_top(host, &next) {
            top = Some(("the repository", next.clone()));
        }
        written = path::join(&written, part);
        if top.is_none() && here.as_ref() == Some(&written) {
            top = Some(("the current directory", next.clone()));
        }
        real = next;
    }
    // What was looked at step by step, should the path lead elsewhere meanwhile.
    Ok(real)
}

/// The same for a path that need not exist yet.
pub(crate) fn resolve_new(host: &dyn Host, given: &str) -> Result<String, BuildError> {
    let given = absolute(host, given)?;
    let existing = nearest(host, &given);
    let resolved = resolve_within(host, existing)?;
    Ok(path::join(&resolved, given.get(existing.len()..).unwrap_or_default()))
}

/// The place that the machine writes to for a path, at which there need not be anything yet.
///
/// For the machine, `link/..` is what holds the directory that the link leads to, and not what holds
/// the link. Both must be in the same repository, or the same current directory where there is none.
pub(crate) fn resolve_to_write(host: &dyn Host, given: &str) -> Result<String, BuildError> {
    let seen = resolve_new(host, given)?;
    let here = host.current_directory().and_then(|here| host.resolve(&here));
    let written = match path::is_absolute(given) {
        true => given.to_owned(),
        false => format!(
            "{}/{given}",
            here.as_ref().map_err(|error| BuildError::no_current_directory(error.clone()))?
        ),
    };
    let existing = nearest(host, &written);
    let real = host.resolve(existing).map_err(|error| BuildError::host(error, existing))?;
    let place = path::join(&real, written.get(existing.len()..).unwrap_or_default());
    let is_top = |directory: &&str| is_top(host, directory);
    let top = above(&seen).find(is_top).or(here.as_deref().ok().filter(|here| path::is_within(here, &seen)));
    match top.filter(|_| place != seen) {
        Some(top) if !path::is_within(top, &place) || is_gits(&path::relative(top, &place)) => {
            let message = format!("{given} leads through a link to {place}, and not to {seen}");
            Err(BuildError::new(ErrorKind::Golden, message).with_help("write the path without `..`"))
        }
        _ => Ok(place),
    }
}

/// Whether a directory is the top of a repository.
fn is_top(host: &dyn Host, directory: &str) -> bool {
    [".git", CONFIG_FILE].iter().any(|name| host.kind(&path::join(directory, name)).is_ok())
}

/// A path and the directories above it.
pub(crate) fn above(path: &str) -> impl Iterator<Item = &str> {
    iter::successors(Some(path), |path| Some(path::parent(path)).filter(|parent| parent.len() < path.len()))
}

/// Whether a path leads to git's own files.
pub(crate) fn is_gits(path: &str) -> bool {
    path.split('/').any(is_git)
}

/// Whether a name is `.git` for some file system: these may not regard case, what cannot be seen, or
/// what stands at the end, and may have a second name for it.
pub(crate) fn is_git(name: &str) -> bool {
    let ascii: String = name.chars().filter(char::is_ascii).collect();
    let plain = ascii.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    plain.eq_ignore_ascii_case(".git") || plain.eq_ignore_ascii_case("git~1")
}

/// What can be seen of a host around a directory: the nearest directory above it with `.git`, or where
/// there is none, as in an archive of a repository, the nearest one with a configuration file.
pub(crate) fn root_around<'p>(host: &dyn Host, directory: &'p str) -> &'p str {
    let around = |name: &str| above(directory).find(|above| host.kind(&path::join(above, name)).is_ok());
    around(".git").or_else(|| around(CONFIG_FILE)).unwrap_or("/")
}

/// A path relative to the host's current directory, as an absolute one.
pub(crate) fn absolute(host: &dyn Host, given: &str) -> Result<String, BuildError> {
    if path::is_absolute(given) {
        return Ok(path::clean(given));
    }
    let here = host.current_directory().map_err(BuildError::no_current_directory)?;
    Ok(path::join(&here, given))
}

/// The path or the nearest directory above it that exists.
fn nearest<'p>(host: &dyn Host, path: &'p str) -> &'p str {
    let mut path = path;
    while path != "/" && host.resolve(path) == Err(HostError::NotFound) {
        path = path::parent(path);
    }
    path
}

/// Refuses a golden file that is a link or that links lead to.
pub(crate) fn refuse_links(host: &dyn Host, golden: &str) -> Result<(), BuildError> {
    let refuse = |link: &str, message: String| {
        Err(BuildError::new(ErrorKind::Golden, message)
            .in_file(link)
            .with_help("golden files are files of the repository: remove the link"))
    };
    let directory = nearest(host, path::parent(golden));
    let real = host.resolve(directory).map_err(|error| BuildError::host(error, directory))?;
    if real != directory {
        return refuse(directory, format!("a link leads to the golden file {golden}"));
    }
    let is_link = match host.resolve(golden) {
        Ok(real) => real != golden,
        // A dangling link is listed as well.
        Err(_) => {
            let name = path::base_name(golden);
            let names = host.list(path::parent(golden)).unwrap_or_default();
            names.iter().any(|there| there == name) && host.kind(golden) != Ok(EntryKind::File)
        }
    };
    if is_link { refuse(golden, format!("the golden file {golden} is a link")) } else { Ok(()) }
}

/// Whether a text can be rendered output: resources, formatted as the printer does.
pub(crate) fn is_rendering(text: &str) -> bool {
    let text = text.replace("\r\n", "\n");
    let Ok(nodes) = yaml::read(&text, FileId::UNKNOWN) else { return false };
    let mut printed = String::with_capacity(text.len());
    let says = |node: &Node, path: &[&str]| node.at(path).is_some_and(|node| !node.text().is_empty());
    for node in &nodes {
        if !printed.is_empty() {
            printed.push_str("---\n");
        }
        let is_resource = says(node, &["kind"]) && says(node, &["metadata", "name"]);
        if !is_resource || yaml::print(node, &mut printed).is_err() {
            return false;
        }
    }
    !nodes.is_empty() && printed == text
}
