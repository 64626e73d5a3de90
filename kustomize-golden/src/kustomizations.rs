//! The kustomizations below a directory, and which of them build on which.

use std::collections::BTreeMap;
use std::rc::Rc;

use kustomize_core::BuildError;
use kustomize_core::BuildOptions;
use kustomize_core::host::{EntryKind, Host, path};
use kustomize_core::kustomization::FILE_NAMES;
use kustomize_core::yaml::{FileId, Node, read_config};

use crate::place::above;
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
    /// Looks in a directory and all below it. Links to directories, hidden ones, `node_modules` and
    /// excluded ones are passed over. A kustomization that is a link out of the repository names nothing:
    /// which overlays are found would tell what it holds.
    ///
    /// # Errors
    /// The directory cannot be listed, or a configuration is wrong; directories below it that cannot be
    /// listed are passed over.
    pub(crate) fn walk(&mut self, host: &dyn Host, top: &str, layout: &Layout) -> Result<(), BuildError> {
        let names = host.list(top).map_err(|error| BuildError::host(error, top))?;
        let area = self.enter(host, top, layout)?;
        let mut waiting = vec![(top.to_owned(), names, area)];
        while let Some((directory, names, area)) = waiting.pop() {
            let (layout, confined) = (&area.layout, &area.confined);
            let is_file = |name: &&str| {
                // A link that cannot be followed, wherever it leads, counts as a file.
                confined.kind(&path::join(&directory, name)).unwrap_or(EntryKind::File) == EntryKind::File
            };
            let has = |wanted: &str| names.iter().any(|name| name == wanted);
            if let Some(name) = FILE_NAMES.iter().copied().filter(|name| has(name)).find(is_file) {
                let kustomization = read(confined, &directory, name);
                self.kustomizations.insert(directory.clone(), kustomization);
            }
            let file = layout.file_name();
            if layout.directory().is_none() && has(file) && is_file(&file) {
                self.with_golden.push(directory.clone());
            }
            for name in names.iter().rev().filter(|name| !name.starts_with('.') && *name != "node_modules") {
                let below = path::join(&directory, name);
                let is_directory = || host.kind(&below) == Ok(EntryKind::Directory);
                if layout.excludes(&below)
                    || !is_directory()
                    || host.resolve(&below).ok().as_deref() != Some(&below)
                {
                    continue;
                }
                let Ok(names) = host.list(&below) else { continue };
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
        above(overlay).find_map(|directory| self.layouts.get(directory))
    }
}

/// Reads the paths that a kustomization names. One that cannot be parsed names nothing; building it
/// reports the error.
fn read(host: &dyn Host, directory: &str, name: &str) -> Kustomization {
    let content = host.read(&path::join(directory, name)).unwrap_or_default();
    let text = String::from_utf8(content).unwrap_or_default();
    let Ok(Some(node)) = read_config(&text, FileId::UNKNOWN) else { return Kustomization::default() };
    let mut kustomization = Kustomization::default();
    for entry in node.as_map().into_iter().flatten() {
        let field = entry.key.as_str();
        if field.eq_ignore_ascii_case("kind") {
            kustomization.is_component = entry.value.text() == "Component";
        } else if FIELDS.iter().any(|known| field.eq_ignore_ascii_case(known)) {
            let items = entry.value.as_seq().into_iter().flatten();
            let paths = items.map(Node::text).filter(|path| !path.is_empty() && !path.contains('\n'));
            kustomization.names.extend(paths.map(|named| path::join(directory, named)));
        }
    }
    kustomization
}
