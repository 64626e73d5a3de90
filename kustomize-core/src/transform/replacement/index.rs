//! Which resources have, or had, a name or a kind.

use std::sync::Arc;

use crate::collections::IndexMap;
use crate::resource::Resource;
use crate::yaml::Str;

/// Positions of resources by name and by kind, current and earlier ones. What it finds may have
/// another name by now: callers look closer.
#[derive(Debug)]
pub(super) struct Index {
    by_name: IndexMap<Str, Vec<usize>>,
    by_kind: IndexMap<Str, Vec<usize>>,
    all: Vec<usize>,
}

impl Index {
    pub(super) fn new(resources: &[Arc<Resource>]) -> Self {
        let mut index = Index {
            by_name: IndexMap::with_capacity_and_hasher(resources.len(), Default::default()),
            by_kind: IndexMap::default(),
            all: (0..resources.len()).collect(),
        };
        for (at, resource) in resources.iter().enumerate() {
            index.note(at, resource);
        }
        index
    }

    /// Adds what a resource is called now.
    pub(super) fn note(&mut self, at: usize, resource: &Resource) {
        for previous in &resource.history.previous {
            note(&mut self.by_name, &previous.name, at);
            note(&mut self.by_kind, &previous.kind, at);
        }
        note(&mut self.by_name, resource.name(), at);
        note(&mut self.by_kind, resource.kind(), at);
    }

    /// Positions, in order, of all resources that could have this name and kind, where these are
    /// given.
    pub(super) fn candidates(&self, name: Option<&str>, kind: Option<&str>) -> &[usize] {
        let found = match (name, kind) {
            (Some(name), _) => self.by_name.get(name),
            (None, Some(kind)) => self.by_kind.get(kind),
            (None, None) => Some(&self.all),
        };
        found.map(Vec::as_slice).unwrap_or_default()
    }
}

fn note(map: &mut IndexMap<Str, Vec<usize>>, key: &str, at: usize) {
    let positions = match map.get_mut(key) {
        Some(positions) => positions,
        None => map.entry(key.into()).or_default(),
    };
    if let Err(place) = positions.binary_search(&at) {
        positions.insert(place, at);
    }
}
