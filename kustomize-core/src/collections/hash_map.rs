//! A hash map of which little is compiled for each type: entries stand in a vector, and one table of
//! hashes and positions, the same for all types, says where.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, Equivalent, HashTable};

/// As `hashbrown`'s, as far as it is used here. Entries come in the order in which they were
/// inserted, unless some were removed.
#[derive(Clone, Debug)]
pub(crate) struct HashMap<K, V> {
    entries: Vec<(K, V)>,
    places: Places,
}

/// Where entries stand.
#[derive(Clone, Debug, Default)]
struct Places {
    /// Hashes, and positions of entries.
    table: HashTable<(u64, usize)>,
    hasher: DefaultHashBuilder,
}

impl Places {
    #[inline(never)]
    fn find(&self, hash: u64, is_meant: &mut dyn FnMut(usize) -> bool) -> Option<usize> {
        self.table.find(hash, |(other, at)| *other == hash && is_meant(*at)).map(|(_, at)| *at)
    }

    #[inline(never)]
    fn add(&mut self, hash: u64, at: usize) {
        self.table.insert_unique(hash, (hash, at), |(hash, _)| *hash);
    }

    #[inline(never)]
    fn remove(&mut self, hash: u64, at: usize) {
        if let Ok(found) = self.table.find_entry(hash, |(_, other)| *other == at) {
            found.remove();
        }
    }
}

impl<K, V> Default for HashMap<K, V> {
    fn default() -> Self {
        HashMap { entries: Vec::new(), places: Places::default() }
    }
}

impl<K, V> HashMap<K, V> {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Room in the table comes as it is needed.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        HashMap { entries: Vec::with_capacity(capacity), places: Places::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.iter().map(|(key, _)| key)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }
}

impl<K: Hash + Eq, V> HashMap<K, V> {
    fn find<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> (u64, Option<usize>) {
        let hash = self.places.hasher.hash_one(key);
        (hash, self.places.find(hash, &mut |at| key.equivalent(&self.entries[at].0)))
    }

    fn push(&mut self, hash: u64, key: K, value: V) -> &mut V {
        let at = self.entries.len();
        self.places.add(hash, at);
        self.entries.push((key, value));
        &mut self.entries[at].1
    }

    pub(crate) fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<&V> {
        self.find(key).1.map(|at| &self.entries[at].1)
    }

    pub(crate) fn get_mut<Q: Hash + Equivalent<K> + ?Sized>(&mut self, key: &Q) -> Option<&mut V> {
        self.find(key).1.map(|at| &mut self.entries[at].1)
    }

    pub(crate) fn get_key_value<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<(&K, &V)> {
        self.find(key).1.map(|at| (&self.entries[at].0, &self.entries[at].1))
    }

    pub(crate) fn contains_key<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> bool {
        self.find(key).1.is_some()
    }

    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            (_, Some(at)) => Some(std::mem::replace(&mut self.entries[at].1, value)),
            (hash, None) => {
                self.push(hash, key, value);
                None
            }
        }
    }

    pub(crate) fn remove<Q: Hash + Equivalent<K> + ?Sized>(&mut self, key: &Q) -> Option<V> {
        let (hash, found) = self.find(key);
        let (at, last) = (found?, self.entries.len() - 1);
        self.places.remove(hash, at);
        if at != last {
            let moved = self.places.hasher.hash_one(&self.entries[last].0);
            self.places.remove(moved, last);
            self.places.add(moved, at);
        }
        Some(self.entries.swap_remove(at).1)
    }

    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(&K, &mut V) -> bool) {
        self.entries.retain_mut(|(key, value)| keeps(key, value));
        self.places.table.clear();
        for (at, (key, _)) in self.entries.iter().enumerate() {
            self.places.add(self.places.hasher.hash_one(key), at);
        }
    }

    pub(crate) fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        match self.find(&key) {
            (_, Some(at)) => Entry::Occupied(Occupied { value: &mut self.entries[at].1 }),
            (hash, None) => Entry::Vacant(Vacant { map: self, hash, key }),
        }
    }

    /// The entry of a key that is made an own one when it is new.
    pub(crate) fn entry_ref<Q>(&mut self, key: &Q) -> Entry<'_, K, V>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        for<'q> K: From<&'q Q>,
    {
        match self.find(key) {
            (_, Some(at)) => Entry::Occupied(Occupied { value: &mut self.entries[at].1 }),
            (hash, None) => Entry::Vacant(Vacant { map: self, hash, key: key.into() }),
        }
    }
}

/// The place of a key.
pub(crate) enum Entry<'a, K, V> {
    Occupied(Occupied<'a, V>),
    Vacant(Vacant<'a, K, V>),
}

/// An entry that is there.
pub(crate) struct Occupied<'a, V> {
    value: &'a mut V,
}

impl<V> Occupied<'_, V> {
    pub(crate) fn get(&self) -> &V {
        self.value
    }
}

/// An entry that is not.
pub(crate) struct Vacant<'a, K, V> {
    map: &'a mut HashMap<K, V>,
    hash: u64,
    key: K,
}

impl<'a, K: Hash + Eq, V> Vacant<'a, K, V> {
    pub(crate) fn insert(self, value: V) -> &'a mut V {
        self.map.push(self.hash, self.key, value)
    }
}

impl<'a, K: Hash + Eq, V> Entry<'a, K, V> {
    pub(crate) fn or_insert_with_key(self, value: impl FnOnce(&K) -> V) -> &'a mut V {
        match self {
            Entry::Occupied(Occupied { value }) => value,
            Entry::Vacant(vacant) => {
                let value = value(&vacant.key);
                vacant.insert(value)
            }
        }
    }

    pub(crate) fn or_insert_with(self, value: impl FnOnce() -> V) -> &'a mut V {
        self.or_insert_with_key(|_| value())
    }

    pub(crate) fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with_key(|_| value)
    }

    pub(crate) fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with_key(|_| V::default())
    }

    pub(crate) fn and_modify(self, change: impl FnOnce(&mut V)) -> Self {
        match self {
            Entry::Occupied(Occupied { value }) => {
                change(value);
                Entry::Occupied(Occupied { value })
            }
            vacant => vacant,
        }
    }
}

impl<K: Hash + Eq, V> Extend<(K, V)> for HashMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Hash + Eq, V> FromIterator<(K, V)> for HashMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = HashMap::new();
        map.extend(entries);
        map
    }
}

impl<K, V> IntoIterator for HashMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a, K, V> IntoIterator for &'a HashMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = std::iter::Map<std::slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> (&'a K, &'a V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter().map(|(key, value)| (key, value))
    }
}

impl<K: Hash + Eq, V, Q: Hash + Equivalent<K> + ?Sized> std::ops::Index<&Q> for HashMap<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        match self.find(key).1 {
            Some(at) => &self.entries[at].1,
            None => panic!("no such key"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HashMap;

    #[test]
    fn does_as_the_standard_map_does() {
        let (mut map, mut standard) = (HashMap::new(), std::collections::HashMap::new());
        let mut random = 1_u32;
        for step in 0..20_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let key = (random >> 16) % 300;
            match (random >> 8) % 5 {
                0 | 1 => assert_eq!(map.insert(key, step), standard.insert(key, step)),
                2 => assert_eq!(map.remove(&key), standard.remove(&key)),
                3 => assert_eq!(map.entry(key).or_insert(step), standard.entry(key).or_insert(step)),
                _ => assert_eq!(map.get(&key), standard.get(&key)),
            }
            if step % 5000 == 4999 {
                map.retain(|key, _| key % 3 > 0);
                standard.retain(|key, _| key % 3 > 0);
            }
            assert_eq!(map.len(), standard.len());
        }
        assert!(map.len() > 50);
        for (key, value) in &map {
            assert_eq!(standard.get(key), Some(value));
        }
    }
}
