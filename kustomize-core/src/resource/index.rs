//! Indexes of a resource set: from ids and names to positions.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::Resource;
use super::beginnings::Beginnings;
use super::id::IdRef;
use crate::parallel::Threads;
use crate::schema::Schema;
use crate::yaml::Str;

/// Positions by hashes of ids and names. Each table is made when it is first asked, and all are
/// dropped when a caller may have changed ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    hasher: RandomState,
    by_current_id: Option<Table>,
    by_any_id: Option<Table>,
    by_any_name: Option<Table>,
    by_beginning: Beginnings,
    /// Whether current ids are known to be distinct.
    pub(super) unique: bool,
}

type Table = HashTable<(u64, u32)>;

/// Hashes under which one resource is found.
pub(super) struct Hashes {
    current: Option<u64>,
    ids: Vec<u64>,
    names: Vec<u64>,
    spelled_out: Vec<Str>,
}

impl Index {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.by_current_id = None;
        self.by_any_id = None;
        self.by_any_name = None;
        self.by_beginning = Beginnings::default();
        self.unique = false;
    }

    /// Forgets everything about earlier ids and names.
    pub(super) fn forget_earlier_ids(&mut self) {
        self.by_any_id = None;
        self.by_any_name = None;
        self.by_beginning = Beginnings::default();
    }

    /// Positions of the resources with this current id.
    pub(super) fn with_current_id<'a>(
        &'a mut self,
        list: &'a [Arc<Resource>],
        id: IdRef<'a>,
        schema: &'a Schema,
    ) -> impl Iterator<Item = usize> + 'a {
        let hash = self.hasher.hash_one(id);
        found(self.current_ids(list, schema), hash)
            .filter(move |at| list.get(*at).is_some_and(|resource| resource.id_ref(schema) == id))
    }

    fn current_ids(&mut self, list: &[Arc<Resource>], schema: &Schema) -> &mut Table {
        let Index { hasher, by_current_id, .. } = self;
        by_current_id.get_or_insert_with(|| {
            fill(list, |resource, hashes| hashes.push(hasher.hash_one(resource.id_ref(schema))))
        })
    }

    /// Makes room for so many more current ids.
    pub(super) fn reserve(&mut self, list: &[Arc<Resource>], more: usize, schema: &Schema) {
        self.current_ids(list, schema).reserve(more, |(hash, _)| *hash);
    }

    /// The hashes of the current ids of some resources, worked out on several threads if they are
    /// many.
    pub(super) fn hash_all(&self, list: &[Arc<Resource>], schema: &Schema, threads: &Threads) -> Vec<u64> {
        /// Fewer resources than this are not worth a thread.
        const LEAST: usize = 128;
        threads.map(list, LEAST, |resource| self.hash(resource, schema))
    }

    /// The hash of the current id of a resource.
    pub(super) fn hash(&self, resource: &Resource, schema: &Schema) -> u64 {
        self.hasher.hash_one(resource.id_ref(schema))
    }

    /// Adds the resource that is about to be the last of the list, unless another one has its
    /// current id: the position of that one. `hash` is that of its current id.
    pub(super) fn append(
        &mut self,
        list: &[Arc<Resource>],
        resource: &Resource,
        hash: u64,
        schema: &Schema,
    ) -> Result<(), usize> {
        let same =
            |at: &usize| list.get(*at).is_some_and(|other| other.id_ref(schema) == resource.id_ref(schema));
        if let Some(existing) = found(self.current_ids(list, schema), hash).filter(same).min() {
            return Err(existing);
        }
        let hashes = Hashes { current: Some(hash), ..self.hashes_of_all_ids(resource, schema) };
        self.insert(&hashes, list.len());
        self.unique |= list.is_empty();
        Ok(())
    }

    /// The first resource whose current id an earlier one has already: the earlier, then the later.
    pub(super) fn duplicate(
        &mut self,
        list: &[Arc<Resource>],
        schema: &Schema,
        threads: &Threads,
    ) -> Option<(usize, usize)> {
        if self.unique {
            return None;
        }
        let mut table = Table::with_capacity(list.len());
        for (later, (resource, hash)) in list.iter().zip(self.hash_all(list, schema, threads)).enumerate() {
            let same = |at: &usize| {
                list.get(*at).is_some_and(|other| other.id_ref(schema) == resource.id_ref(schema))
            };
            if let Some(earlier) = found(&table, hash).filter(same).min() {
                return Some((earlier, later));
            }
            let at = u32::try_from(later).unwrap_or(u32::MAX);
            table.insert_unique(hash, (hash, at), |(hash, _)| *hash);
        }
        self.by_current_id = Some(table);
        self.unique = true;
        None
    }

    /// Positions, in order, of the resources of which any id, earlier or current, is this one.
    pub(super) fn with_any_id(
        &mut self,
        list: &[Arc<Resource>],
        id: IdRef<'_>,
        schema: &Schema,
    ) -> Vec<usize> {
        let hash = self.hasher.hash_one(id);
        let Index { hasher, by_any_id, .. } = self;
        let table = by_any_id
            .get_or_insert_with(|| fill(list, |resource, hashes| hash_ids(hasher, resource, schema, hashes)));
        sorted(found(table, hash).filter(|at| {
            list.get(*at).is_some_and(|resource| resource.id_refs(schema).any(|other| other == id))
        }))
    }

    /// Positions, in order, of the resources that have or had this name.
    pub(super) fn with_any_name(&mut self, list: &[Arc<Resource>], name: &str) -> Vec<usize> {
        let hash = self.hasher.hash_one(name);
        let Index { hasher, by_any_name, .. } = self;
        let table = by_any_name
            .get_or_insert_with(|| fill(list, |resource, hashes| hash_names(hasher, resource, hashes)));
        sorted(found(table, hash).filter(|at| list.get(*at).is_some_and(|resource| has_name(resource, name))))
    }

    /// Positions, in order, of the resources that have or had a name that begins with one of these
    /// texts.
    pub(super) fn with_beginning(&mut self, list: &[Arc<Resource>], beginnings: &[String]) -> Vec<usize> {
        self.by_beginning.find(list, beginnings)
    }

    /// Where a resource stands in those tables that exist.
    pub(super) fn hashes(&self, resource: &Resource, schema: &Schema) -> Hashes {
        let current = self.by_current_id.is_some().then(|| self.hash(resource, schema));
        Hashes { current, ..self.hashes_of_all_ids(resource, schema) }
    }

    /// The same but for the table of current ids.
    fn hashes_of_all_ids(&self, resource: &Resource, schema: &Schema) -> Hashes {
        let spelled_out = self.by_beginning.names(resource);
        let mut hashes = Hashes { current: None, ids: Vec::new(), names: Vec::new(), spelled_out };
        if self.by_any_id.is_some() {
            hash_ids(&self.hasher, resource, schema, &mut hashes.ids);
        }
        if self.by_any_name.is_some() {
            hash_names(&self.hasher, resource, &mut hashes.names);
        }
        hashes
    }

    /// Adds a resource to the tables.
    pub(super) fn insert(&mut self, hashes: &Hashes, at: usize) {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let tables = [
            (&mut self.by_current_id, hashes.current.as_slice()),
            (&mut self.by_any_id, &hashes.ids),
            (&mut self.by_any_name, &hashes.names),
        ];
        for (table, hashes) in tables {
            for &hash in hashes {
                if let Some(table) = table {
                    table.insert_unique(hash, (hash, at), |(hash, _)| *hash);
                }
            }
        }
        self.by_beginning.insert(&hashes.spelled_out, at);
    }

    /// Forgets the resources at these positions, in ascending order, and moves up those behind them.
    pub(super) fn close_gaps(&mut self, removed: &[usize]) {
        let tables = [&mut self.by_current_id, &mut self.by_any_id, &mut self.by_any_name];
        for table in tables.into_iter().flatten() {
            table.retain(|(_, at)| match removed.binary_search(&(*at as usize)) {
                Ok(_) => false,
                Err(before) => {
                    *at -= u32::try_from(before).unwrap_or(0);
                    true
                }
            });
        }
        self.by_beginning.close_gaps(removed);
    }

    /// Takes a resource out of the tables.
    pub(super) fn remove(&mut self, hashes: &Hashes, at: usize) {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let tables = [
            (&mut self.by_current_id, hashes.current.as_slice()),
            (&mut self.by_any_id, &hashes.ids),
            (&mut self.by_any_name, &hashes.names),
        ];
        for (table, hashes) in tables {
            for &hash in hashes {
                if let Some(Ok(entry)) =
                    table.as_mut().map(|table| table.find_entry(hash, |e| *e == (hash, at)))
                {
                    entry.remove();
                }
            }
        }
        self.by_beginning.remove(&hashes.spelled_out, at);
    }
}

impl PartialEq for Hashes {
    fn eq(&self, other: &Self) -> bool {
        self.current == other.current
            && self.ids == other.ids
            && self.names == other.names
            && self.spelled_out == other.spelled_out
    }
}

fn fill(list: &[Arc<Resource>], mut hashes_of: impl FnMut(&Resource, &mut Vec<u64>)) -> Table {
    let mut table = HashTable::with_capacity(list.len());
    let mut hashes = Vec::new();
    for (at, resource) in list.iter().enumerate() {
        hashes.clear();
        hashes_of(resource, &mut hashes);
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        for &hash in &hashes {
            table.insert_unique(hash, (hash, at), |(hash, _)| *hash);
        }
    }
    table
}

fn found(table: &Table, hash: u64) -> impl Iterator<Item = usize> + '_ {
    table.iter_hash(hash).filter(move |(other, _)| *other == hash).map(|(_, at)| *at as usize)
}

fn sorted(positions: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut positions: Vec<usize> = positions.collect();
    positions.sort_unstable();
    positions
}

/// Hashes of all ids of a resource, each once.
fn hash_ids(hasher: &RandomState, resource: &Resource, schema: &Schema, hashes: &mut Vec<u64>) {
    for id in resource.id_refs(schema) {
        let hash = hasher.hash_one(id);
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }
}

/// Hashes of all names of a resource, each once.
fn hash_names(hasher: &RandomState, resource: &Resource, hashes: &mut Vec<u64>) {
    let earlier = resource.history.previous.iter().map(|previous| previous.name.as_str());
    for name in earlier.chain([resource.name()]) {
        let hash = hasher.hash_one(name);
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }
}

fn has_name(resource: &Resource, name: &str) -> bool {
    resource.name() == name || resource.history.previous.iter().any(|previous| previous.name == name)
}
