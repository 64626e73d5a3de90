//! Maps and sequences.
//!
//! The collections of a build are many, small, and hardly ever change their length: they are kept
//! without spare room, which makes them a pointer and a length.

use crate::{Entry, Key, Node};

/// An ordered mapping.
#[derive(Clone, Debug, Default)]
pub struct Map {
    entries: Box<[Entry]>,
}

impl Map {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Map::default()
    }

    /// A map of these entries, in order. Keys are expected to be distinct.
    #[must_use]
    pub fn from_entries(entries: Vec<Entry>) -> Self {
        Map { entries: entries.into_boxed_slice() }
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.entries.iter()
    }

    /// The entries in order.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Entry> {
        self.entries.iter_mut()
    }

    /// The entries in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries in order.
    pub fn as_mut_slice(&mut self) -> &mut [Entry] {
        &mut self.entries
    }

    /// The entries themselves.
    #[must_use]
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries.into_vec()
    }

    /// Index of the entry with this key.
    #[must_use]
    #[inline]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.key.is(name))
    }

    /// The entry with this key.
    #[must_use]
    #[inline]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key.is(name))
    }

    /// Whether there is an entry with this key.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// The value with this key.
    #[must_use]
    #[inline]
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|entry| &entry.value)
    }

    /// The value with this key.
    #[must_use]
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.entries.iter_mut().find(|entry| entry.key.is(name)).map(|entry| &mut entry.value)
    }

    /// Sets a value: in place when the key exists, else at the end. Unlike [`Map::set_field`] it
    /// takes the node as it is.
    pub fn insert(&mut self, name: &str, value: Node) {
        match self.get_mut(name) {
            Some(old) => *old = value,
            None => self.push(Key::new(name), value),
        }
    }

    /// Appends an entry without looking for the key. Many are better appended at once
    /// ([`Map::extend`]).
    pub fn push(&mut self, key: Key, value: Node) {
        change(&mut self.entries, |entries| {
            entries.reserve_exact(1);
            entries.push(Entry { key, value });
        });
    }

    /// Appends entries without looking for their keys.
    pub fn extend(&mut self, new: Vec<Entry>) {
        change(&mut self.entries, |entries| {
            entries.reserve_exact(new.len());
            entries.extend(new);
        });
    }

    /// Removes the entry with this key.
    pub fn remove(&mut self, name: &str) -> Option<Entry> {
        self.position(name).map(|at| self.remove_at(at))
    }

    /// Removes the entry at an index.
    pub fn remove_at(&mut self, index: usize) -> Entry {
        change(&mut self.entries, |entries| entries.remove(index))
    }

    /// Removes the entries that are not to be kept.
    pub fn retain(&mut self, keep: impl FnMut(&mut Entry) -> bool) {
        change(&mut self.entries, |entries| entries.retain_mut(keep));
    }

    /// The value with this key, made by `default` and appended when there is none.
    pub fn get_or_insert_with(&mut self, name: &str, default: impl FnOnce() -> Node) -> &mut Node {
        let at = match self.position(name) {
            Some(at) => at,
            None => {
                self.push(Key::new(name), default());
                self.entries.len() - 1
            }
        };
        &mut self.entries[at].value
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = &'a Entry;
    type IntoIter = std::slice::Iter<'a, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A sequence.
#[derive(Clone, Debug, Default)]
pub struct Seq {
    items: Box<[Node]>,
}

impl Seq {
    /// An empty sequence.
    #[must_use]
    pub fn new() -> Self {
        Seq::default()
    }

    /// A sequence of these items.
    #[must_use]
    pub fn from_items(items: Vec<Node>) -> Self {
        Seq { items: items.into_boxed_slice() }
    }

    /// Number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The items in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Node> {
        self.items.iter()
    }

    /// The items in order.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Node> {
        self.items.iter_mut()
    }

    /// The items in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Node] {
        &self.items
    }

    /// The items in order.
    pub fn as_mut_slice(&mut self) -> &mut [Node] {
        &mut self.items
    }

    /// The item at an index.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Node> {
        self.items.get(index)
    }

    /// The item at an index.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Node> {
        self.items.get_mut(index)
    }

    /// Appends an item.
    pub fn push(&mut self, item: Node) {
        change(&mut self.items, |items| {
            items.reserve_exact(1);
            items.push(item);
        });
    }

    /// Puts an item before the one at an index, or at the end.
    pub fn insert(&mut self, index: usize, item: Node) {
        change(&mut self.items, |items| {
            items.reserve_exact(1);
            items.insert(index, item);
        });
    }

    /// Removes the item at an index.
    pub fn remove(&mut self, index: usize) -> Node {
        change(&mut self.items, |items| items.remove(index))
    }

    /// Removes the items that are not to be kept.
    pub fn retain(&mut self, keep: impl FnMut(&mut Node) -> bool) {
        change(&mut self.items, |items| items.retain_mut(keep));
    }

    /// The items themselves.
    #[must_use]
    pub fn into_items(self) -> Vec<Node> {
        self.items.into_vec()
    }
}

impl<'a> IntoIterator for &'a Seq {
    type Item = &'a Node;
    type IntoIter = std::slice::Iter<'a, Node>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Changes the length of a collection.
fn change<T, R>(items: &mut Box<[T]>, change: impl FnOnce(&mut Vec<T>) -> R) -> R {
    let mut vec = std::mem::take(items).into_vec();
    let result = change(&mut vec);
    *items = vec.into_boxed_slice();
    result
}
