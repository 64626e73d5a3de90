//! Pairing the resources of both sides.

use std::hash::Hash;

use indexmap::IndexMap;

use crate::ResourceName;
use crate::hash_suffix::without_hash;
use crate::snapshot::Entry;

/// The old resource of each new one, if there is one.
pub(crate) fn pair(old: &[Entry], new: &[Entry]) -> Vec<Option<usize>> {
    let mut pairs = Pairs { old, new, taken: vec![false; old.len()], found: vec![None; new.len()] };
    // Written by hand, a text may hold a resource twice: the first is paired with the first.
    let (nth_old, nth_new) = (occurrences(old), occurrences(new));
    pairs.by(|side, at, entry| {
        let nth = if side == Side::Old { &nth_old } else { &nth_new };
        Some((&entry.name, nth.get(at).copied()))
    });
    pairs.by(|_, _, entry| Some(stem(&entry.name)));
    pairs.by(|_, _, entry| entry.original.as_ref());
    pairs.by(|_, _, entry| Some((&entry.name.group, &entry.name.kind, stem_of(&entry.name.name))));
    pairs.found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Old,
    New,
}

struct Pairs<'a> {
    old: &'a [Entry],
    new: &'a [Entry],
    taken: Vec<bool>,
    found: Vec<Option<usize>>,
}

impl<'a> Pairs<'a> {
    /// Pairs those that are left and alone on both sides in having their key.
    fn by<K: Hash + Eq>(&mut self, key: impl Fn(Side, usize, &'a Entry) -> Option<K>) {
        let free_old = self.old.iter().enumerate().filter(|(at, _)| !self.taken[*at]);
        let old = alone(free_old.map(|(at, entry)| (at, key(Side::Old, at, entry))));
        let free_new = self.new.iter().enumerate().filter(|(at, _)| self.found[*at].is_none());
        let new = alone(free_new.map(|(at, entry)| (at, key(Side::New, at, entry))));
        let pairs = new.into_iter().filter_map(|(key, new)| Some((new?, (*old.get(&key)?)?)));
        for (new, old) in pairs.collect::<Vec<_>>() {
            self.found[new] = Some(old);
            self.taken[old] = true;
        }
    }
}

/// The index for each key; none for keys that several have.
fn alone<K: Hash + Eq>(keys: impl Iterator<Item = (usize, Option<K>)>) -> IndexMap<K, Option<usize>> {
    let mut found = IndexMap::default();
    for (at, key) in keys {
        let Some(key) = key else { continue };
        found.entry(key).and_modify(|index| *index = None).or_insert(Some(at));
    }
    found
}

/// How many resources of the same name stand before each.
fn occurrences(entries: &[Entry]) -> Vec<usize> {
    let mut counts: IndexMap<&ResourceName, usize> = IndexMap::default();
    let mut nth = Vec::with_capacity(entries.len());
    for entry in entries {
        let count = counts.entry(&entry.name).or_default();
        nth.push(*count);
        *count += 1;
    }
    nth
}

fn stem_of(name: &str) -> &str {
    without_hash(name).unwrap_or(name)
}

/// The name without its hash.
fn stem(name: &ResourceName) -> (&str, &str, Option<&str>, &str) {
    (&name.group, &name.kind, name.namespace.as_deref(), stem_of(&name.name))
}
