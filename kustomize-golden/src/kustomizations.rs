//! Which kustomizations there are below a directory, and which build on which.

use std::collections::BTreeMap;

use kustomize_core::BuildError;
use kustomize_core::BuildOptions;
use kustomize_core::host::{EntryKind, Host, path};
use kustomize_core::kustomization::FILE_NAMES;
use kustomize_core::yaml::{FileId, Node, read_config};

use super::Confined;

/// Fields that may name directories of other kustomizations.
const FIELDS: [&str; 6] = ["resources", "bases", "components", "generators", "transformers", "validators"];

/// A kustomization, as far as it matters to tell overlays from what they are made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kustomization {
    pub(crate) is_component: bool,
    /// Paths that it names, joined to its directory; files and directories.
    pub(crate) names: Vec<String>,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// By directory.
    pub(crate) kustomizations: BTreeMap<String, Kustomization>,
    /// Directories that hold a file of the name that was looked for.
    pub(crate) with_file: Vec<String>,
}

impl Found {
    /// Looks in a directory and all below it. Links to directories, hidden ones, `node_modules` and
    /// those that `skip` names are passed over. A kustomization that is a link out of the repository
    /// names nothing: which overlays are found would tell what it holds.
    ///
    /// # Errors
    /// The directory cannot be listed; those below it that cannot be are passed over.
    pub(crate) fn walk(
        &mut self,
        host: &dyn Host,
        top: &str,
        file: &str,
        skip: &dyn Fn(&str) -> bool,
    ) -> Result<(), BuildError> {
        let names = host.list(top).map_err(|error| BuildError::host(error, top))?;
        let confined = Confined::around(host, top, &BuildOptions::default());
        let mut waiting = vec![(top.to_owned(), names)];
        while let Some((directory, names)) = waiting.pop() {
            let is_file = |name: &&str| host.kind(&path::join(&directory, name)) == Ok(EntryKind::File);
            let has = |wanted: &str| names.iter().any(|name| name == wanted);
            if let Some(name) = FILE_NAMES.iter().copied().filter(|name| has(name)).find(is_file) {
                let kustomization = read(&confined, &directory, name);
                self.kustomizations.insert(directory.clone(), kustomization);
            }
            if has(file) && is_file(&file) {
                self.with_file.push(directory.clone());
            }
            for name in names.iter().rev().filter(|name| !name.starts_with('.') && *name != "node_modules") {
                let below = path::join(&directory, name);
                let is_directory = || host.kind(&below) == Ok(EntryKind::Directory);
                if skip(&below) || !is_directory() || host.resolve(&below).ok().as_deref() != Some(&below) {
                    continue;
                }
                if let Ok(names) = host.list(&below) {
                    waiting.push((below, names));
                }
            }
        }
        Ok(())
    }
}

/// Reads what a kustomization names. One that cannot be understood names nothing: building it will
/// say what is wrong.
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
