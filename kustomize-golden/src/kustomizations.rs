//! The kustomizations below a directory, and which of them build on which.

use std::collections::BTreeMap;
use std::rc::Rc;

use kustomize_core::BuildError;
use kustomize_core::BuildOptions;
use kustomize_core::host::{EntryKind, Host, path};
use kustomize_core::kustomization::FILE_NAMES;
use kustomize_core::yaml::{FileId, Node, read_config};

use crate::git::has_names_of_git;
use crate::{Confined, Layout};

/// Fields that can name directories of other kustomizations.
const FIELDS: [&str; 6] = ["resources", "bases", "components", "generators", "transformers", "validators"];

/// The parts of a kustomization that tell overlays from bases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kustomization {
    pub(crate) is_component: bool,
    /// The files and directories that it names, joined to its directory.
    pub(crate) names: Vec<String>,
}

/// The result of a walk.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// By directory.
    pub(crate) kustomizations: BTreeMap<String, Kustomization>,
    /// Directories with a golden file, where these stand next to overlays.
    pub(crate) with_golden: Vec<String>,
    /// Where golden files stand, by the directory from which on that holds: where the walk began, and
    /// the top of each repository on its way.
    pub(crate) layouts: BTreeMap<String, Layout>,
}

/// A repository, or the part of it below which a walk began.
struct Area<'h> {
    layout: Layout,
    /// Everything on the host.
    confined: Confined<'h>,
}

impl Found {
    /// Looks in a directory without links in its path, and all below it. Links to directories, hidden ones,
    /// those of git, `node_modules` and excluded ones are passed over. A kustomization that is a link out of the repository names nothing:
    /// which overlays are found would tell what it holds.
    ///
    /// # Errors
    /// The directory cannot be listed, or a configuration is wrong; directories below it that cannot be
    /// listed are passed over.
    pub(crate) fn walk(&mut self, host: &dyn Host, top: &str, layout: &Layout) -> Result<(), BuildError> {
        let names = host.list_unlinked(top).map_err(|error| BuildError::host(error, top))?;
        let area = self.enter(host, top, layout)?;
        let mut waiting = vec![(top.to_owned(), names, area)];
        while let Some((directory, names, area)) = waiting.pop() {
            let (layout, confined) = (&area.layout, &area.confined);
            if has_names_of_git(&names) {
                continue;
            }
            let is_file = |name: &&str| {
                let place = confined.resolve_below(&directory, &path::join(&directory, name));
                // A link that cannot be followed, wherever it leads, counts as a file.
                place.and_then(|place| host.kind(&place)).unwrap_or(EntryKind::File) == EntryKind::File
            };
            let has = |wanted: &str| names.iter().any(|name| name == wanted);
            if let Some(name) = FILE_NAMES.iter().copied().filter(|name| has(name)).find(is_file) {
                let place = confined.resolve_below(&directory, &path::join(&directory, name));
                let content = place.and_then(|place| host.read_unlinked(&place)).unwrap_or_default();
                let kustomization = parse(&directory, content);
                self.kustomizations.insert(directory.clone(), kustomization);
            }
            let file = layout.file_name();
            if layout.directory().is_none() && has(file) && is_file(&file) {
                self.with_golden.push(directory.clone());
            }
            for name in names.iter().rev().filter(|name| !name.starts_with('.') && *name != "node_modules") {
                let below = path::join(&directory, name);
                let is_directory = || host.kind(&below) == Ok(EntryKind::Directory);
                // The directory has no links in it: only the last step may be one.
                let is_link = || host.resolve_below(&directory, &below).as_ref() != Ok(&below);
                if layout.excludes(&below) || !is_directory() || is_link() {
                    continue;
                }
                let Ok(names) = host.list_unlinked(&below) else { continue };
                let is_repository = names.iter().any(|name| name == ".git");
                let area = if is_repository { self.enter(host, &below, layout)? } else { Rc::clone(&area) };
                waiting.push((below, names, area));
            }
        }
        Ok(())
    }

    /// Notes where golden files stand from a directory on.
    fn enter<'h>(
        &mut self,
        host: &'h dyn Host,
        directory: &str,
        layout: &Layout,
    ) -> Result<Rc<Area<'h>>, BuildError> {
        let layout = layout.at(host, directory)?;
        self.layouts.insert(directory.to_owned(), layout.clone());
        let confined = Confined::around(host, directory, &BuildOptions::default());
        Ok(Rc::new(Area { layout, confined }))
    }

    /// Where the golden file of an overlay stands.
    pub(crate) fn layout_of(&self, overlay: &str) -> Option<&Layout> {
        path::ancestors(overlay).find_map(|directory| self.layouts.get(directory))
    }
}

/// The paths that a kustomization names. One that cannot be parsed names nothing; building it reports the
/// error.
fn parse(directory: &str, content: Vec<u8>) -> Kustomization {
    let text = String::from_utf8(content).unwrap_or_default();
    let Ok(Some(node)) = read_config(&text, FileId::UNKNOWN) else { return Kustomization::default() };
    let mut kustomization = Kustomization::default();
    for entry in node.as_map().into_iter().flatten() {
        let field = entry.key.as_str();
        if field.eq_ignore_ascii_case("kind") {
            kustomization.is_component = entry.value.text() == "Component";
        } else if FIELDS.iter().any(|known| field.eq_ignore_ascii_case(known)) {
            let items = entry.value.as_seq().into_iter().flatten();
            // Configuration of a transformer may be written there instead, on several lines.
            let paths = items.map(Node::text).filter(|path| !path.contains('\n'));
            kustomization.names.extend(paths.map(|named| path::join(directory, named)));
        }
    }
    kustomization
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use kustomize_core::host::{HostError, MemoryHost};

    use super::*;

    /// A host that counts the paths it resolves from their beginning, which takes a look at each part,
    /// and those that it is asked about.
    struct Counted {
        host: MemoryHost,
        resolved: AtomicUsize,
        asked: AtomicUsize,
    }

    impl Host for Counted {
        fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
            self.host.read(path)
        }

        fn resolve(&self, path: &str) -> Result<String, HostError> {
            self.resolved.fetch_add(1, Ordering::Relaxed);
            self.host.resolve(path)
        }

        fn resolve_below(&self, _: &str, path: &str) -> Result<String, HostError> {
            self.host.resolve(path)
        }

        fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            self.host.kind(path)
        }

        fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
            self.host.list(directory)
        }
    }

    #[test]
    fn nested_directories_are_not_looked_at_from_the_top_again() {
        let looks = |depth: usize| {
            let nested = "d/".repeat(depth);
            let file = format!("/r/{nested}kustomization.yaml");
            let host = MemoryHost::from_iter([("/r/.git/HEAD", ""), (file.as_str(), "resources: [a]\n")]);
            let host = Counted { host, resolved: AtomicUsize::new(0), asked: AtomicUsize::new(0) };
            let mut found = Found::default();
            found.walk(&host, "/r", &Layout::new("/r")).unwrap();
            assert_eq!(found.kustomizations.len(), 1);
            (host.resolved.into_inner(), host.asked.into_inner())
        };
        let (one, many, twice) = (looks(1), looks(101), looks(201));
        assert_eq!(many.0, one.0);
        // The same for each level.
        assert_eq!(twice.1 - many.1, many.1 - one.1);
    }

    #[test]
    fn kustomizations_name_paths_and_no_text() {
        let text = "Resources: [a, ../b, '', {c: d}]\ntransformers:\n- |-\n  kind: A\n  path: a/../../b\n";
        let kustomization = parse("/r/o", text.as_bytes().to_vec());
        assert!(!kustomization.is_component);
        // Nothing and no text name the directory itself, which does not count as its base.
        assert_eq!(kustomization.names, ["/r/o/a", "/r/b", "/r/o", "/r/o"]);
    }
}
