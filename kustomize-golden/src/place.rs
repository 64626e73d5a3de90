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
    let steps: Vec<&str> = path::ancestors(path).take_while(|step| *step != from).collect();
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::test_tree::Tree;

    const MEANT: &str = "if that is meant, name the place that the link leads to";

    /// A repository in `r`, one without `.git` in `s`, and directories that are no repository.
    fn tree() -> Tree {
        let tree = Tree::new();
        tree.git(&["init", "--quiet", "r"]);
        tree.write("r/a/b/file", "");
        tree.write("s/kustomize-golden.yaml", "");
        tree.write("s/file", "");
        tree.write("elsewhere/file", "");
        tree.write("plain/below/file", "");
        for (link, target) in [
            ("alias", "r"),
            ("plain/to-r", "../r"),
            ("plain/below/out", "../../elsewhere"),
            ("plain/below/in", "."),
            ("r/in", "a/b"),
            ("r/out", "../elsewhere"),
            ("r/nothing", "a/nothing"),
            ("r/kept", ".git/hooks"),
            ("r/kept-file", ".git/config"),
            ("s/out", "../elsewhere"),
            ("s/in", "file"),
        ] {
            tree.link(link, target);
        }
        tree
    }

    #[test]
    fn links_lead_to_repositories_and_not_out_of_them() {
        let tree = tree();
        for (given, wanted) in [
            ("r/a/b", "r/a/b"),
            ("alias", "r"),
            ("alias/a", "r/a"),
            ("plain/to-r/a", "r/a"),
            ("r/in/file", "r/a/b/file"),
            ("alias/in", "r/a/b"),
            ("s/in", "s/file"),
            // What git keeps may be named, without a link.
            ("alias/.git/HEAD", "r/.git/HEAD"),
            // Where there is no repository, links lead anywhere.
            ("plain/below/out/file", "elsewhere/file"),
            ("plain/below/in/file", "plain/below/file"),
        ] {
            for place in [resolve_within, resolve_new, resolve_to_write] {
                assert_eq!(place(&tree, &tree.path(given)).unwrap(), tree.path(wanted), "{given}");
            }
        }
        for (given, link, top) in [
            ("r/out", "r/out", "r"),
            ("r/out/file", "r/out", "r"),
            ("alias/out/file", "r/out", "r"),
            ("plain/to-r/out", "r/out", "r"),
            ("r/nothing", "r/nothing", "r"),
            ("r/nothing/new", "r/nothing", "r"),
            ("r/kept/new", "r/kept", "r"),
            ("r/kept-file", "r/kept-file", "r"),
            ("s/out/file", "s/out", "s"),
        ] {
            for place in [resolve_within, resolve_new, resolve_to_write] {
                let error = place(&tree, &tree.path(given)).unwrap_err();
                let wanted = format!(
                    "{} is a link that leads out of the repository {}, to what git keeps of it, or to nothing",
                    tree.path(link),
                    tree.path(top)
                );
                assert_eq!(error.message(), wanted, "{given}");
                assert_eq!(error.help(), Some(MEANT), "{given}");
            }
        }
    }

    #[test]
    fn only_places_to_write_to_need_not_exist() {
        let tree = tree();
        for (given, wanted) in [
            ("r/new", "r/new"),
            ("alias/new/file", "r/new/file"),
            ("r/in/new", "r/a/b/new"),
            ("new/x", "new/x"),
        ] {
            let given = tree.path(given);
            let error = resolve_within(&tree, &given).unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Host(HostError::NotFound), "{given}");
            for place in [resolve_new, resolve_to_write] {
                assert_eq!(place(&tree, &given).unwrap(), tree.path(wanted), "{given}");
            }
        }
        // A file is no directory to make something in.
        for place in [resolve_within, resolve_new] {
            let error = place(&tree, &tree.path("alias/a/b/file/new")).unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Host(HostError::NotDirectory));
        }
    }

    #[test]
    fn links_stay_below_the_current_directory_where_there_is_no_repository() {
        let mut tree = tree();
        tree.enter("plain/below");
        assert_eq!(resolve_within(&tree, "in/file").unwrap(), tree.path("plain/below/file"));
        let error = resolve_within(&tree, "out/file").unwrap_err();
        let wanted = format!("out of the current directory {}", tree.path("plain/below"));
        assert!(error.message().contains(&wanted), "{error}");
        // It counts for what is below it only.
        tree.enter("elsewhere");
        assert_eq!(resolve_within(&tree, "../plain/below/out").unwrap(), tree.path("elsewhere"));
        // A repository in it is what counts for what is in that one.
        tree.enter(".");
        assert_eq!(resolve_within(&tree, "alias/a").unwrap(), tree.path("r/a"));
        let error = resolve_within(&tree, "alias/out").unwrap_err();
        assert!(error.message().contains("out of the repository"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn links_of_the_machine_lead_anywhere() {
        let tree = Tree::new();
        assert_eq!(resolve_within(&tree, "/proc/self/root").unwrap(), "/");
    }

    #[test]
    fn two_dots_after_a_link_lead_to_where_the_machine_writes() {
        let mut tree = tree();
        tree.link("r/here", ".");
        tree.link("r/near", "a");
        for (given, wanted) in
            [("r/in/../new", "r/a/new"), ("r/near/../new", "r/new"), ("plain/below/out/../new", "new")]
        {
            assert_eq!(resolve_to_write(&tree, &tree.path(given)).unwrap(), tree.path(wanted), "{given}");
        }
        let refused = [("r/out/../new", "new"), ("r/here/../new", "new"), ("r/kept/../new", "r/.git/new")];
        for (given, place) in refused {
            let given = tree.path(given);
            let error = resolve_to_write(&tree, &given).unwrap_err();
            let (place, seen) = (tree.path(place), tree.path("r/new"));
            let wanted = format!("{given} leads through a link to {place}, and not to {seen}");
            assert_eq!(error.message(), wanted);
        }
        // The same from the current directory.
        tree.enter("r");
        assert_eq!(resolve_to_write(&tree, "in/../new").unwrap(), tree.path("r/a/new"));
        assert!(resolve_to_write(&tree, "out/../new").is_err());
        tree.enter("plain/below");
        assert_eq!(resolve_to_write(&tree, "new").unwrap(), tree.path("plain/below/new"));
        let error = resolve_to_write(&tree, "out/../new").unwrap_err();
        assert!(error.message().contains("leads through a link"), "{error}");
    }

    #[test]
    fn golden_files_are_reached_without_links() {
        let tree = tree();
        refuse_links(&tree, &tree.path("r/a/b/file")).unwrap();
        refuse_links(&tree, &tree.path("r/a/b/new")).unwrap();
        for (golden, link) in [("s/in", "s/in"), ("r/nothing", "r/nothing"), ("r/kept-file", "r/kept-file")] {
            let error = refuse_links(&tree, &tree.path(golden)).unwrap_err();
            assert_eq!(error.message(), format!("the golden file {} is a link", tree.path(link)));
        }
        for golden in ["r/in/file", "r/out/new", "r/nothing/new"] {
            let error = refuse_links(&tree, &tree.path(golden)).unwrap_err();
            assert_eq!(error.message(), format!("a link leads to the golden file {}", tree.path(golden)));
        }
    }

    #[test]
    fn rendered_output_is_told_from_other_files() {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n";
        for text in [pod.to_owned(), pod.replace('\n', "\r\n"), format!("{pod}---\n{pod}")] {
            assert!(is_rendering(&text), "{text}");
        }
        for text in [
            "",
            "# only a comment\n",
            "kind: [\n",
            "kind: Pod\n",
            "kind: Pod\nmetadata:\n  name: \"\"\n",
            "metadata:\n  name: a\n",
            "metadata: {name: a}\nkind: Pod\n",
            "kind: Pod\nmetadata:\n    name: a\n",
        ] {
            assert!(!is_rendering(text), "{text}");
        }
    }
}
