//! Fields that share a value.
//!
//! When the reference adds a label or annotation to several fields of a resource, it puts one and
//! the same node into all of them. Whoever then changes one of these fields, be it a patch, a
//! replacement or another label, changes them all. Users see that in their output, so it is kept:
//! a resource remembers which of its fields are linked, and brings them in line after a change.

use std::sync::Arc;

use crate::yaml::{Node, Scalar, Str, Value};

/// The way from a resource's root to a map.
pub(crate) type Place = Box<[Step]>;

/// One step of a [`Place`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Into a field of a map.
    Field(Str),
    /// Into an item of a list.
    Item(usize),
}

/// Maps of a resource that share some of their values.
#[derive(Clone, Debug)]
pub struct Link {
    places: Arc<[Place]>,
    entries: Vec<SharedEntry>,
}

/// An entry that several maps share.
#[derive(Clone, Debug)]
pub(crate) struct SharedEntry {
    pub(crate) key: Str,
    /// The value when the maps were last in line; none when it is not a scalar.
    pub(crate) value: Option<Scalar>,
    /// One bit for each place that shares the entry.
    pub(crate) places: u64,
}

impl Link {
    /// How many places one link can hold.
    pub(crate) const MAX_PLACES: usize = 64;

    pub(crate) fn new(places: Vec<Place>, entries: Vec<SharedEntry>) -> Self {
        Link { places: places.into(), entries }
    }

    /// Whether nothing is shared any more.
    pub(crate) fn is_over(&self) -> bool {
        self.entries.is_empty()
    }

    /// Gives all places of an entry the value that was last written to one of them. Places that
    /// lost the entry leave the link.
    pub(crate) fn settle(&mut self, root: &mut Node) {
        let places = &self.places;
        self.entries.retain_mut(|entry| {
            entry.settle(places, root);
            entry.places.count_ones() > 1
        });
    }

    /// Takes a map out of the link, since its entries were made anew.
    pub(crate) fn leave(&mut self, fields: &[&str]) {
        let is_it = |place: &Place| {
            place.len() == fields.len()
                && place
                    .iter()
                    .zip(fields)
                    .all(|(step, field)| matches!(step, Step::Field(name) if name == field))
        };
        let gone = bits(&self.places).filter(|(_, place)| is_it(place)).fold(0, |all, (bit, _)| all | bit);
        self.entries.retain_mut(|entry| {
            entry.places &= !gone;
            entry.places.count_ones() > 1
        });
    }
}

impl SharedEntry {
    fn settle(&mut self, places: &[Place], root: &mut Node) {
        let mut written: Option<Node> = None;
        for (bit, place) in bits(places) {
            if self.places & bit == 0 {
                continue;
            }
            match find(root, place).and_then(|map| map.get(&self.key)) {
                None => self.places &= !bit,
                Some(node) if self.knows(node) => {}
                Some(node) => written = Some(node.clone()),
            }
        }
        let Some(node) = written else { return };
        for (bit, place) in bits(places) {
            if self.places & bit != 0
                && let Some(shared) = find_mut(root, place).and_then(|map| map.get_mut(&self.key))
            {
                shared.clone_from(&node);
            }
        }
        self.value = node.as_scalar().cloned();
    }

    fn knows(&self, node: &Node) -> bool {
        match (&node.value, &self.value) {
            (Value::Scalar(now), Some(known)) => now.text == known.text && now.tag == known.tag,
            (Value::Scalar(_), None) => false,
            (_, known) => known.is_none(),
        }
    }
}

fn bits(places: &[Place]) -> impl Iterator<Item = (u64, &Place)> {
    places.iter().take(Link::MAX_PLACES).enumerate().map(|(at, place)| (1 << at, place))
}

fn find<'a>(root: &'a Node, place: &Place) -> Option<&'a Node> {
    place.iter().try_fold(root, |node, step| match step {
        Step::Field(name) => node.get(name),
        Step::Item(index) => node.as_seq()?.get(*index),
    })
}

fn find_mut<'a>(root: &'a mut Node, place: &Place) -> Option<&'a mut Node> {
    place.iter().try_fold(root, |node, step| match step {
        Step::Field(name) => node.get_mut(name),
        Step::Item(index) => node.as_seq_mut()?.get_mut(*index),
    })
}
