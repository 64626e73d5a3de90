//! The ordered set of resources, with indexes that make conflicts and look-ups cost the same
//! however many resources there are.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::{ResId, Resource};
use crate::schema::Schema;

/// Resources in the order they were added.
#[derive(Clone, Debug, Default)]
pub struct ResourceSet {
    list: Vec<Resource>,
    index: Index,
}

/// Positions by a hash of the current id. Dropped whenever a caller may have changed ids.
#[derive(Clone, Debug, Default)]
struct Index {
    hasher: DefaultHashBuilder,
    by_current_id: Option<HashTable<(u64, u32)>>,
}

/// Two resources with the same current id.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// The id.
    pub id: ResId,
    /// Index of the resource that was there first.
    pub existing: usize,
    /// The resource that came second.
    pub incoming: Box<Resource>,
}

impl Index {
    fn hash(&self, id: &ResId) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        id.effective_namespace().hash(&mut hasher);
        id.name.hash(&mut hasher);
        id.gvk.hash(&mut hasher);
        std::hash::Hasher::finish(&hasher)
    }
}

impl ResourceSet {
    /// No resources.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A set of these resources, without a check for conflicts.
    #[must_use]
    pub fn from_list(list: Vec<Resource>) -> Self {
        ResourceSet { list, index: Index::default() }
    }

    /// The resources, in order.
    #[must_use]
    pub fn into_list(self) -> Vec<Resource> {
        self.list
    }

    /// Number of resources.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The resources, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.list.iter()
    }

    /// The resources, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Resource] {
        &self.list
    }

    /// The resources, to be changed in place. Forgets the index.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Resource> {
        self.list_mut().iter_mut()
    }

    /// The list itself, to be reordered or filtered. Forgets the index.
    pub fn list_mut(&mut self) -> &mut Vec<Resource> {
        self.index.by_current_id = None;
        &mut self.list
    }

    /// Adds a resource at the end.
    ///
    /// # Errors
    /// A resource with the same current id is there already; nothing changes.
    pub fn append(&mut self, resource: Resource, schema: &Schema) -> Result<(), Box<Conflict>> {
        let id = resource.id(schema);
        if let Some(existing) = self.position(&id, schema) {
            return Err(Box::new(Conflict { id, existing, incoming: Box::new(resource) }));
        }
        let hash = self.index.hash(&id);
        let at = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(resource);
        if let Some(table) = &mut self.index.by_current_id {
            table.insert_unique(hash, (hash, at), |(hash, _)| *hash);
        }
        Ok(())
    }

    /// Adds all of another set at the end.
    ///
    /// # Errors
    /// The first conflict; resources before it were added.
    pub fn append_all(&mut self, other: ResourceSet, schema: &Schema) -> Result<(), Box<Conflict>> {
        self.list.reserve(other.list.len());
        other.list.into_iter().try_for_each(|resource| self.append(resource, schema))
    }

    /// Index of a resource with this current id.
    pub fn position(&mut self, id: &ResId, schema: &Schema) -> Option<usize> {
        let hash = self.index.hash(id);
        self.ensure_index(schema);
        let list = &self.list;
        let table = self.index.by_current_id.as_ref()?;
        table
            .find(hash, |(other, at)| *other == hash && list[*at as usize].id(schema).same(id))
            .map(|(_, at)| *at as usize)
    }

    /// Indexes of the resources of which any id, earlier or current, satisfies a predicate.
    pub fn positions_by_any_id(
        &self,
        schema: &Schema,
        mut matches: impl FnMut(&ResId) -> bool,
    ) -> Vec<usize> {
        self.list
            .iter()
            .enumerate()
            .filter(|(_, resource)| resource.any_id(schema, &mut matches))
            .map(|(at, _)| at)
            .collect()
    }

    fn ensure_index(&mut self, schema: &Schema) {
        if self.index.by_current_id.is_some() {
            return;
        }
        let mut table = HashTable::with_capacity(self.list.len());
        for (at, resource) in self.list.iter().enumerate() {
            let hash = self.index.hash(&resource.id(schema));
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            table.insert_unique(hash, (hash, at), |(hash, _)| *hash);
        }
        self.index.by_current_id = Some(table);
    }
}
