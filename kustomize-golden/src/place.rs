//! Where golden files really are. The repository may be untrusted: no link in it may lead a test to read,
//! write or remove a file elsewhere.

use std::iter;

use kustomize_core::host::{Host, HostError, path};
use kustomize_core::yaml::{self, FileId, Node};
use kustomize_core::{BuildError, ErrorKind};

use crate::config::CONFIG_FILE;
use crate::git::is_kept_by_git;

/// The place that a path means, with links resolved. Links may lead to a repository, but not out of
/// one, not to what git keeps in it, and not out of the current directory.
pub(crate) fn resolve_within(host: &dyn Host, given: &str) -> Result<String, BuildError> {
    let given = absolute(host, given)?;
    match resolve_steps(host, &given)? {
        (real, None) => Ok(real),
        (_, Some(missing)) => Err(BuildError::host(missing.error, &given)),
    }
}

/// The same for a path that need not exist yet.
pub(crate) fn resolve_new(host: &dyn Host, given: &str) -> Result<String, BuildError> {
    let given = absolute(host, given)?;
    match resolve_steps(host, &given)? {
        (real, None) => Ok(real),
        (real, Some(Missing { error: HostError::NotFound, rest })) => Ok(path::join(&real, &rest)),
        (_, Some(missing)) => Err(BuildError::host(missing.error, &given)),
    }
}

/// The end of a path that could not be resolved.
struct Missing {
    error: HostError,
    rest: String,
}

/// Resolves a path step by step, as far as it exists. A link out of a repository and one to nothing give the
/// same error, which does not tell whether anything is there.
fn resolve_steps(host: &dyn Host, given: &str) -> Result<(String, Option<Missing>), BuildError> {
    if host.resolve(given).is_ok_and(|resolved| resolved == given) {
        return Ok((given.to_owned(), None));
    }
    // Where there is no repository, what is below the current directory stays there.
    let here = host.current_directory().ok();
    let mut written = "/".to_owned();
    let mut real = "/".to_owned();
    let mut top: Option<(&str, String)> = None;
    let mut parts = given.split('/').filter(|part| !part.is_empty());
    while let Some(part) = parts.next() {
        let step = path::join(&real, part);
        let next = host.resolve_below(&real, &step);
        if let Some((what, top)) = &top {
            let is_allowed = match &next {
                Ok(next) if *next == step => true,
                Ok(next) => path::is_within(top, next) && !is_kept_by_git(host, top, next),
                Err(_) => !is_listed(host, &step),
            };
            if !is_allowed {
                let message = format!(
                    "{step} is a link that leads out of {what} {top}, to what git keeps of it, or to nothing"
                );
                return Err(BuildError::new(ErrorKind::Golden, message)
                    .in_file(&step)
                    .with_help("if that is meant, name the place that the link leads to"));
            }
        }
        let next = match next {
            Ok(next) => next,
            Err(error) => {
                let rest: Vec<&str> = iter::once(part).chain(parts).collect();
                return Ok((real, Some(Missing { error, rest: rest.join("/") })));
            }
        };
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
    Ok((real, None))
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
    let top = path::ancestors(&seen)
        .find(is_top)
        .or(here.as_deref().ok().filter(|here| path::is_within(here, &seen)));
    match top.filter(|_| place != seen) {
        Some(top) if !path::is_within(top, &place) || is_kept_by_git(host, top, &place) => {
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

/// What can be seen of a host around a directory: the nearest directory above it with `.git`, or where
/// there is none, as in an archive of a repository, the nearest one with a configuration file.
pub(crate) fn root_around<'p>(host: &dyn Host, directory: &'p str) -> &'p str {
    let around =
        |name: &str| path::ancestors(directory).find(|above| host.kind(&path::join(above, name)).is_ok());
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

/// Whether there is something with this name, if only a link to nothing.
fn is_listed(host: &dyn Host, path: &str) -> bool {
    let names = host.list(path::parent(path)).unwrap_or_default();
    names.iter().any(|name| name == path::base_name(path))
}

/// The first link on the way from a directory without links to a path below it, and where it leads if
/// there is anything.
pub(crate) fn first_link(host: &dyn Host, from: &str, path: &str) -> Option<(String, Option<String>)> {
    let steps: Vec<&str> = path::ancestors(path).take_while(|step| *step != from && *step != "/").collect();
    steps.into_iter().rev().find_map(|step| match host.resolve_below(path::parent(step), step) {
        Ok(real) => (real != step).then(|| (step.to_owned(), Some(real))),
        Err(_) => is_listed(host, step).then(|| (step.to_owned(), None)),
    })
}

/// Refuses a golden file that is a link or that links lead to.
pub(crate) fn refuse_links(host: &dyn Host, golden: &str) -> Result<(), BuildError> {
    let refuse = |link: &str, message: String| {
        Err(BuildError::new(ErrorKind::Golden, message)
            .in_file(link)
            .with_help("golden files are files of the repository: remove the link"))
    };
    // Whether a link leads to something or to nothing makes no difference.
    match first_link(host, "/", golden) {
        Some((link, _)) if link == golden => refuse(&link, format!("the golden file {golden} is a link")),
        Some((link, _)) => refuse(&link, format!("a link leads to the golden file {golden}")),
        None => Ok(()),
    }
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
