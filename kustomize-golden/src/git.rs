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
