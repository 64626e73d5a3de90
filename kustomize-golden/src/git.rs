//! What git keeps for itself in a repository: it is never shown, and never written.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kustomize_core::host::{Host, path};

/// Which directories git would take for its own, such as those of `git init --separate-git-dir`. Each is
/// looked at once.
#[derive(Debug, Default)]
pub(crate) struct GitDirectories {
    known: Mutex<BTreeMap<String, bool>>,
}

impl GitDirectories {
    /// Whether a place below a directory is among what git keeps for itself: in `.git`, or in a directory
    /// of git with another name.
    pub(crate) fn keep(&self, host: &dyn Host, top: &str, place: &str) -> bool {
        if is_gits(&path::relative(top, place)) {
            return true;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        path::ancestors(place).take_while(|directory| *directory != top).any(|directory| {
            match known.get(directory) {
                Some(is_of_git) => *is_of_git,
                None => {
                    let is_of_git = host.list(directory).is_ok_and(|names| has_names_of_git(&names));
                    known.insert(directory.to_owned(), is_of_git);
                    is_of_git
                }
            }
        })
    }
}

/// As [`GitDirectories::keep`], for a single place.
pub(crate) fn is_kept_by_git(host: &dyn Host, top: &str, place: &str) -> bool {
    GitDirectories::default().keep(host, top, place)
}

/// Whether these are the names in a directory of git. What they stand for does not matter, so that no
/// link is followed to find out.
pub(crate) fn has_names_of_git(names: &[String]) -> bool {
    let has = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
    has("HEAD") && (has("objects") && has("refs") || has("commondir"))
}

/// Whether a path leads to `.git`, or to something in it.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_git_are_told_by_what_is_in_them() {
        for (names, wanted) in [
            (&["HEAD", "objects", "refs"][..], true),
            (&["head", "Objects", "REFS", "x"], true),
            (&["HEAD", "commondir"], true),
            (&["HEAD", "objects"], false),
            (&["HEAD", "refs"], false),
            (&["objects", "refs"], false),
            (&["commondir"], false),
            (&["HEAD"], false),
            (&[], false),
        ] {
            let listed: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(has_names_of_git(&listed), wanted, "{names:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_git_makes_is_kept() {
        let tree = crate::test_tree::Tree::new();
        tree.write("r/file", "");
        tree.git(&["init", "--quiet", "--separate-git-dir=r/kept", "r/first"]);
        tree.git(&["-C", "r/first", "commit", "--quiet", "--allow-empty", "--message=x"]);
        tree.git(&["-C", "r/first", "worktree", "add", "--quiet", "../second"]);
        tree.git(&["init", "--quiet", "--bare", "r/bare"]);
        let top = tree.path("r");
        let directories = GitDirectories::default();
        for (place, wanted) in [
            ("r", false),
            ("r/file", false),
            ("r/new", false),
            ("r/first", false),
            ("r/first/file", false),
            ("r/first/.git", true),
            ("r/second/.git", true),
            ("r/second/new", false),
            ("r/kept", true),
            ("r/kept/config", true),
            ("r/kept/objects/new", true),
            ("r/kept/worktrees/second/HEAD", true),
            ("r/bare/hooks/new", true),
        ] {
            let place = tree.path(place);
            assert_eq!(directories.keep(&tree, &top, &place), wanted, "{place}");
            assert_eq!(is_kept_by_git(&tree, &top, &place), wanted, "{place}");
        }
        // From within, there is nothing to keep but `.git`.
        let bare = tree.path("r/bare");
        assert!(!is_kept_by_git(&tree, &bare, &tree.path("r/bare/config")));
        // That of another working tree has names of its own.
        assert!(is_kept_by_git(
            &tree,
            &tree.path("r/kept/worktrees"),
            &tree.path("r/kept/worktrees/second/x")
        ));
    }
}
