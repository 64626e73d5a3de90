//! Two sides, resource by resource.

use crate::snapshot::Entry;
use crate::{Change, Difference, ResourceChange, Snapshot, fields, pairs};

pub(crate) fn between(old: &Snapshot, new: &Snapshot) -> Difference {
    let (old, new) = (&old.entries, &new.entries);
    let pairs = pairs::pair(old, new);
    let mut gone = vec![true; old.len()];
    let mut resources = Vec::new();
    for (entry, pair) in new.iter().zip(&pairs) {
        match pair {
            None => resources.push(change(entry, Change::Added { value: entry.value.clone() })),
            Some(at) => {
                gone[*at] = false;
                resources.extend(changed(&old[*at], entry));
            }
        }
    }
    let gone = old.iter().zip(gone).filter(|(_, gone)| *gone);
    resources.extend(gone.map(|(entry, _)| change(entry, Change::Removed { value: entry.value.clone() })));
    Difference { resources, reordered: is_reordered(old, new, &pairs) }
}

fn change(entry: &Entry, change: Change) -> ResourceChange {
    ResourceChange { resource: entry.name.clone(), change }
}

fn changed(old: &Entry, new: &Entry) -> Option<ResourceChange> {
    let fields = fields::compare(&old.value, &new.value);
    let was = (old.name != new.name).then(|| old.name.clone());
    (was.is_some() || !fields.is_empty()).then(|| change(new, Change::Changed { was, fields }))
}

/// Whether resources that kept their names changed places. Others may have moved because of their
/// new name, which is told anyway.
fn is_reordered(old: &[Entry], new: &[Entry], pairs: &[Option<usize>]) -> bool {
    let kept =
        new.iter().zip(pairs).filter_map(|(entry, pair)| pair.filter(|at| old[*at].name == entry.name));
    !kept.is_sorted()
}
