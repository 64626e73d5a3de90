//! The ordered set of resources, with indexes that make conflicts and look-ups cost the same
//! however many resources there are.

use std::sync::Arc;

use super::index::Index;
use super::json_form::JsonForms;
use super::{JsonForm, Origin, ResId, Resource};
use crate::error::BuildError;
use crate::parallel::Threads;
use crate::schema::Schema;

/// Resources in the order they were added.
///
/// Sets share resources: a clone of a set costs no more than a pointer a resource, and a shared
/// resource is copied when one of its sets changes it.
#[derive(Clone, Debug, Default)]
pub struct ResourceSet {
    list: Vec<Arc<Resource>>,
    index: Index,
    forms: JsonForms,
}

/// Two resources with the same current id.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// The id.
    pub id: ResId,
    /// Index of the resource that was there first.
    pub existing: usize,
    /// The resource that came second.
    pub incoming: Arc<Resource>,
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
        ResourceSet { list: list.into_iter().map(Arc::new).collect(), ..Self::default() }
    }

    /// The same of resources that others may hold, too.
    pub(crate) fn from_shared(list: Vec<Arc<Resource>>) -> Self {
        ResourceSet { list, ..Self::default() }
    }

    /// The resources, in order.
    #[must_use]
    pub fn into_list(self) -> Vec<Arc<Resource>> {
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
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Resource> + ExactSizeIterator + Clone {
        self.list.iter().map(|resource| &**resource)
    }

    /// The resources, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Arc<Resource>] {
        &self.list
    }

    /// The resources, to be changed in place. Forgets the indexes.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Resource> + ExactSizeIterator {
        self.list_mut().iter_mut().map(Arc::make_mut)
    }

    /// The list itself, to be reordered or filtered. Forgets the indexes.
    pub fn list_mut(&mut self) -> &mut Vec<Arc<Resource>> {
        self.index.clear();
        self.forms.clear();
        &mut self.list
    }

    /// The list, whose resources are to be changed one by one. [`forget_ids`](Self::forget_ids) is
    /// to be called afterwards if that gave any of them another id.
    pub(crate) fn list_to_change_each(&mut self) -> &mut [Arc<Resource>] {
        self.forms.clear();
        self.index.forget_earlier_ids();
        &mut self.list
    }

    /// The same for JSON patches, with what earlier ones have left.
    pub(crate) fn list_to_patch_each(&mut self) -> impl Iterator<Item = (&mut Arc<Resource>, &mut JsonForm)> {
        self.index.forget_earlier_ids();
        let forms = self.forms.of_all(self.list.len());
        self.list.iter_mut().zip(forms)
    }

    /// Notes transformers that may have changed the resources, in their order.
    pub(crate) fn note_transformations(&mut self, transformers: &[&Origin]) -> Result<(), BuildError> {
        if transformers.is_empty() {
            return Ok(());
        }
        // This changes annotations only, and no ids.
        let mut resources = self.list.iter_mut().map(Arc::make_mut);
        resources.try_for_each(|resource| resource.note_transformations(transformers))
    }

    /// Forgets what is known of ids.
    pub(crate) fn forget_ids(&mut self) {
        self.index.clear();
    }

    /// Adds a resource at the end.
    ///
    /// # Errors
    /// A resource with the same current id is there already; nothing changes.
    pub fn append(
        &mut self,
        resource: impl Into<Arc<Resource>>,
        schema: &Schema,
    ) -> Result<(), Box<Conflict>> {
        let resource = resource.into();
        let hash = self.index.hash(&resource, schema);
        self.append_hashed(resource, hash, schema)
    }

    /// Adds resources at the end; of many, the ids are worked out on several threads.
    ///
    /// # Errors
    /// The first conflict; resources before it were added.
    pub(crate) fn append_all(
        &mut self,
        resources: Vec<Arc<Resource>>,
        schema: &Schema,
        threads: &Threads,
    ) -> Result<(), Box<Conflict>> {
        self.list.reserve(resources.len());
        let hashes = self.index.hash_all(&resources, schema, threads);
        self.index.reserve(&self.list, resources.len(), schema);
        resources
            .into_iter()
            .zip(hashes)
            .try_for_each(|(resource, hash)| self.append_hashed(resource, hash, schema))
    }

    fn append_hashed(
        &mut self,
        resource: Arc<Resource>,
        hash: u64,
        schema: &Schema,
    ) -> Result<(), Box<Conflict>> {
        if let Err(existing) = self.index.append(&self.list, &resource, hash, schema) {
            let id = resource.id(schema);
            return Err(Box::new(Conflict { id, existing, incoming: resource }));
        }
        self.list.push(resource);
        Ok(())
    }

    /// Index of a resource with this current id.
    pub fn position(&mut self, id: &ResId, schema: &Schema) -> Option<usize> {
        self.index.with_current_id(&self.list, id.as_ref(), schema).min()
    }

    /// Indexes of the resources of which any id, earlier or current, is this one.
    pub fn positions_with_any_id(&mut self, id: &ResId, schema: &Schema) -> Vec<usize> {
        self.index.with_any_id(&self.list, id.as_ref(), schema)
    }

    /// Indexes of the resources that have this name or had it earlier.
    pub fn positions_with_any_name(&mut self, name: &str) -> Vec<usize> {
        self.index.with_any_name(&self.list, name)
    }

    /// Indexes of the resources that have or had a name that begins with one of these texts.
    pub(crate) fn positions_with_beginning(&mut self, beginnings: &[String]) -> Vec<usize> {
        self.index.with_beginning(&self.list, beginnings)
    }

    /// Changes one resource and keeps the indexes right; `None` when there is no such index.
    pub fn update<T>(
        &mut self,
        at: usize,
        schema: &Schema,
        change: impl FnOnce(&mut Resource) -> T,
    ) -> Option<T> {
        self.forms.forget(at);
        self.update_one(at, schema, change)
    }

    /// The same for a JSON patch, with what earlier ones have left.
    pub(crate) fn update_by_json_patch<T>(
        &mut self,
        at: usize,
        schema: &Schema,
        change: impl FnOnce(&mut Resource, &mut JsonForm) -> T,
    ) -> Option<T> {
        let mut form = std::mem::take(self.forms.of_all(self.list.len()).get_mut(at)?);
        let outcome = self.update_one(at, schema, |resource| change(resource, &mut form));
        *self.forms.of_all(self.list.len()).get_mut(at)? = form;
        outcome
    }

    fn update_one<T>(
        &mut self,
        at: usize,
        schema: &Schema,
        change: impl FnOnce(&mut Resource) -> T,
    ) -> Option<T> {
        let resource = Arc::make_mut(self.list.get_mut(at)?);
        let before = self.index.hashes(resource, schema);
        let outcome = change(resource);
        let after = self.index.hashes(resource, schema);
        if before != after {
            self.index.remove(&before, at);
            self.index.insert(&after, at);
        }
        if self.index.unique {
            let id = self.list[at].id_ref(schema);
            let alone = self.index.with_current_id(&self.list, id, schema).all(|other| other == at);
            self.index.unique = alone;
        }
        Some(outcome)
    }

    /// Whether all current ids are distinct.
    pub(crate) fn is_unique(&mut self, schema: &Schema, threads: &Threads) -> bool {
        self.duplicate(schema, threads).is_none()
    }

    /// The first resource whose current id an earlier one has already: the earlier, then the later.
    pub(crate) fn duplicate(&mut self, schema: &Schema, threads: &Threads) -> Option<(usize, usize)> {
        self.index.duplicate(&self.list, schema, threads)
    }

    /// Removes the resources at these indexes, given in ascending order.
    pub fn remove_all(&mut self, positions: &[usize]) {
        if positions.is_empty() {
            return;
        }
        let mut at = 0;
        self.list.retain(|_| {
            at += 1;
            positions.binary_search(&(at - 1)).is_err()
        });
        self.forms.clear();
        self.index.close_gaps(positions);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::FormState;
    use crate::yaml::{Map, Node};

    fn resource(name: &str) -> Resource {
        let mut resource = Resource::new(Node::map(Map::new()));
        resource.set_kind("ConfigMap");
        resource.set_name(name);
        resource
    }

    fn id(name: &str, schema: &Schema) -> ResId {
        resource(name).id(schema)
    }

    #[test]
    fn indexes_follow_changes_and_removals() {
        let (schema, threads) = (Schema::default(), Threads::one());
        let mut set = ResourceSet::from_list(["a", "b", "c", "d"].map(resource).into());
        assert_eq!(set.positions_with_any_id(&id("c", &schema), &schema), [2]);
        assert_eq!(set.positions_with_any_name("d"), [3]);
        assert!(set.is_unique(&schema, &threads));

        set.update(2, &schema, |resource| {
            resource.remember_id(&schema);
            resource.set_name("d");
        });
        assert_eq!(set.positions_with_any_id(&id("c", &schema), &schema), [2]);
        assert_eq!(set.positions_with_any_name("d"), [2, 3]);
        assert_eq!(set.positions_with_any_name("c"), [2]);
        assert_eq!(set.duplicate(&schema, &threads), Some((2, 3)));
        assert!(!set.is_unique(&schema, &threads));

        set.update(0, &schema, |resource| resource.set_namespace("n"));
        assert_eq!(set.position(&id("a", &schema), &schema), None);
        set.update(0, &schema, |resource| resource.set_namespace(""));
        assert_eq!(set.position(&id("a", &schema), &schema), Some(0));

        set.remove_all(&[0, 3]);
        assert_eq!(set.len(), 2);
        assert_eq!(set.positions_with_any_id(&id("c", &schema), &schema), [1]);
        assert_eq!(set.position(&id("d", &schema), &schema), Some(1));
        assert_eq!(set.position(&id("a", &schema), &schema), None);
        assert!(set.is_unique(&schema, &threads));
    }

    #[test]
    fn a_single_index_follows_changes() {
        let schema = Schema::default();
        let rename = |resource: &mut Resource| {
            resource.remember_id(&schema);
            resource.set_name("z");
        };
        let mut set = ResourceSet::from_list(["a", "b"].map(resource).into());
        assert!(set.positions_with_any_id(&id("z", &schema), &schema).is_empty());
        set.update(1, &schema, rename);
        assert_eq!(set.positions_with_any_id(&id("z", &schema), &schema), [1]);
        let mut set = ResourceSet::from_list(["a", "b"].map(resource).into());
        assert!(set.positions_with_any_name("z").is_empty());
        set.update(1, &schema, rename);
        assert_eq!(set.positions_with_any_name("z"), [1]);
        let mut set = ResourceSet::from_list(["a", "b"].map(resource).into());
        let beginnings = ["z".to_owned()];
        // Asked often, it sorts the names.
        for _ in 0..20 {
            assert!(set.positions_with_beginning(&beginnings).is_empty());
        }
        set.update(1, &schema, rename);
        assert_eq!(set.positions_with_beginning(&beginnings), [1]);
        let mut set = ResourceSet::from_list(["a", "b"].map(resource).into());
        let mut other = resource("a");
        other.set_namespace("n");
        let other = other.id(&schema);
        assert_eq!(set.position(&other, &schema), None);
        set.update(0, &schema, |resource| resource.set_namespace("n"));
        assert_eq!(set.position(&other, &schema), Some(0));
        assert_eq!(set.position(&id("a", &schema), &schema), None);
    }

    #[test]
    fn earlier_ids_are_looked_up_anew_when_each_resource_may_have_changed() {
        let schema = Schema::default();
        let mut set = ResourceSet::from_list(["a", "b"].map(resource).into());
        assert!(set.positions_with_any_id(&id("z", &schema), &schema).is_empty());
        assert!(set.positions_with_any_name("z").is_empty());
        let second = Arc::make_mut(&mut set.list_to_change_each()[1]);
        second.remember_id(&schema);
        second.set_name("z");
        assert_eq!(set.positions_with_any_id(&id("z", &schema), &schema), [1]);
        assert_eq!(set.positions_with_any_name("z"), [1]);
    }

    #[test]
    fn what_a_json_patch_leaves_is_forgotten_with_any_other_change() {
        let schema = Schema::default();
        let patched = || {
            let mut set = ResourceSet::from_list(["a", "b", "c"].map(resource).into());
            for at in 0..3 {
                set.update_by_json_patch(at, &schema, |_, form| form.state = FormState::Settled);
            }
            set
        };
        let states = |mut set: ResourceSet| {
            let forms = set.list_to_patch_each().map(|(_, form)| form.state);
            forms.collect::<Vec<_>>()
        };
        let (known, unknown) = (FormState::Settled, FormState::Unknown);
        assert_eq!(states(patched()), [known; 3]);
        let mut set = patched();
        set.update(1, &schema, |resource| resource.set_name("x"));
        assert_eq!(states(set), [known, unknown, known]);
        let mut set = patched();
        set.remove_all(&[0]);
        assert_eq!(states(set), [unknown; 2]);
        let mut set = patched();
        set.list_to_change_each();
        assert_eq!(states(set), [unknown; 3]);
        let mut set = patched();
        set.list_mut();
        assert_eq!(states(set), [unknown; 3]);
    }
}
