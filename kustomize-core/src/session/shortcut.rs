//! A shortcut for rebuilds.
//!
//! If only files of resources changed, the ids in them did not, and each change that the build makes to
//! these resources depends on the resource alone, then only these resources are built again.

use std::sync::Arc;

use crate::build::Rendered;
use crate::collections::IndexMap;
use crate::host::{EntryKind, Host};
use crate::references::Names;
use crate::resource::{Change, JsonForm, Resource, finish_resource, parse_resources};
use crate::schema::Schema;
use crate::store::{Store, Trace};
use crate::yaml::{FileId, Pos, SourceText};

/// The resources of a file, before it changed and now.
#[derive(Debug)]
pub(super) struct ChangedFile {
    path: String,
    before: Parsed,
    /// None when they are not of the same ids, or cannot be read.
    now: Option<Parsed>,
}

#[derive(Clone, Debug)]
struct Parsed {
    file: FileId,
    resources: Vec<Arc<Resource>>,
}

/// What is known of an outcome, and makes the way shorter the next time.
#[derive(Debug)]
pub(super) struct Shortcut {
    names: Names,
    /// Where a resource that starts at some place in a file ended up.
    positions: IndexMap<Pos, usize>,
    /// Files that have changed since the outcome was built: what they were then.
    originals: IndexMap<String, Parsed>,
}

impl ChangedFile {
    /// Where it is.
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

/// Reads changed files again, those that were read as resources before. To be called before
/// anything is forgotten.
pub(super) fn read(store: &Store, host: &dyn Host, changed: &[String]) -> Vec<ChangedFile> {
    changed
        .iter()
        .filter_map(|path| {
            let (file, resources) = store.texts.current_resources(path)?;
            let before = Parsed { file, resources };
            let now = read_again(store, host, path).filter(|now| same_ids(&before.resources, &now.resources));
            Some(ChangedFile { path: path.clone(), before, now })
        })
        .collect()
}

fn read_again(store: &Store, host: &dyn Host, path: &str) -> Option<Parsed> {
    // A link might lead elsewhere by now.
    if host.resolve(path).ok()? != *path || host.kind(path).ok()? != EntryKind::File {
        return None;
    }
    let content = host.read(path).ok()?;
    let digest = store.memo.digest(&content);
    let text: SourceText = String::from_utf8(content).ok()?.into();
    let name = store.texts.name(path)?;
    let file = store.sources.add(name.as_str(), text.clone(), None);
    let (file, text) = store.texts.put(path, digest, &name, file, text);
    let resources: Vec<_> = parse_resources(&text, file).ok()?.into_iter().map(Arc::new).collect();
    store.texts.put_resources(file, &resources);
    Some(Parsed { file, resources })
}

impl Shortcut {
    /// What has to be known of an outcome; none if there is no shorter way.
    pub(super) fn new(rendered: &Rendered) -> Option<Self> {
        let record = rendered.record()?;
        let resources = rendered.resources();
        let positions = resources.iter().enumerate().map(|(at, resource)| (resource.node.pos, at)).collect();
        let names = Names::new(resources, &record.references, rendered.schema())?;
        Some(Shortcut { names, positions, originals: IndexMap::default() })
    }

    /// The outcome after files have changed; none if it has to be built.
    pub(super) fn take(
        &mut self,
        rendered: &Rendered,
        trace: &Trace,
        touching: &[&ChangedFile],
    ) -> Option<Rendered> {
        let mut replaced = Vec::new();
        for changed in touching {
            let now = changed.now.as_ref()?;
            if trace.count_reads(&changed.path) != 1 {
                return None;
            }
            let original =
                self.originals.entry(changed.path.clone()).or_insert_with(|| changed.before.clone()).clone();
            if original.resources.len() != now.resources.len() {
                return None;
            }
            let changes = rendered.record()?.lineage.changes_to(original.file)?;
            if changes.iter().any(|change| change.selects_by_content()) {
                return None;
            }
            for (original, resource) in original.resources.iter().zip(&now.resources) {
                let at = *self.positions.get(&original.node.pos)?;
                replaced.push((at, self.make(rendered, at, resource, &changes)?));
            }
        }
        Some(rendered.with_replaced(replaced))
    }

    /// A resource as it comes out of the build.
    fn make(
        &self,
        rendered: &Rendered,
        at: usize,
        resource: &Resource,
        changes: &[Arc<dyn Change>],
    ) -> Option<Arc<Resource>> {
        let schema: &Schema = rendered.schema();
        let mut resource = resource.clone();
        let mut form = JsonForm::default();
        for change in changes {
            if change.selects(&resource, schema).ok()?
                && !change.apply_knowing(&mut resource, &mut form, schema).ok()?
            {
                return None;
            }
        }
        let references = &rendered.record()?.references;
        self.names.fix(&mut resource, at, references, schema).ok()?;
        resource.check_metadata().ok()?;
        finish_resource(&mut resource, false, false).ok()?;
        let before = rendered.resources().get(at)?;
        same_id(before, &resource).then(|| Arc::new(resource))
    }
}

fn same_ids(before: &[Arc<Resource>], now: &[Arc<Resource>]) -> bool {
    before.len() == now.len() && before.iter().zip(now).all(|(before, now)| same_id(before, now))
}

/// Whether two resources have the same ids, and had the same: then it makes no difference to others
/// which of them is there.
fn same_id(a: &Resource, b: &Resource) -> bool {
    a.kind() == b.kind()
        && a.name() == b.name()
        && a.namespace() == b.namespace()
        && a.api_version() == b.api_version()
        && a.history.previous == b.history.previous
        && a.history.prefixes == b.history.prefixes
        && a.history.suffixes == b.history.suffixes
        && !(a.is_local_config() || b.is_local_config())
        && !(a.history.needs_hash || b.history.needs_hash)
}
