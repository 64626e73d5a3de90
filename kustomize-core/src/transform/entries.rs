//! Setting entries of maps: what adding labels and adding annotations have in common.

use std::collections::BTreeMap;

use crate::error::{BuildError, ErrorKind};
use crate::field_spec::{Create, FieldSpec, FieldSpecs, Table};
use crate::resource::{Link, Place, Resource, SharedEntry};
use crate::yaml::{Node, Scalar, Str, Tag, Value};

/// Entries to set in all maps that field specs name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entries {
    pairs: Vec<(Str, Scalar)>,
    specs: FieldSpecs,
}

/// What setting the entries did to one resource.
#[derive(Default)]
struct Trace<'a> {
    /// The maps that got new entries: the field spec, and which of its maps.
    maps: Vec<(&'a FieldSpec, usize)>,
    /// New entries: the index of the map in `maps`, and that of the pair.
    added: Vec<(usize, usize)>,
    /// Whether an entry that was there got another value.
    overwrote: bool,
}

impl Entries {
    /// Entries with string values, in the order of their keys.
    pub(crate) fn new(pairs: &BTreeMap<String, String>, specs: Table<FieldSpec>) -> Self {
        let pairs = pairs.iter().map(|(key, value)| (Str::from(key), Scalar::string(value))).collect();
        Entries { pairs, specs: FieldSpecs::new(specs) }
    }

    /// Whether there is nothing to set.
    pub(crate) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Sets the entries in one resource.
    ///
    /// # Errors
    /// A field spec that leads to something else than a map.
    pub(crate) fn apply_to(&self, resource: &mut Resource) -> Result<(), BuildError> {
        let mut trace = Trace::default();
        for spec in self.specs.selecting(resource.api_version(), resource.kind()) {
            let mut nth = 0;
            spec.apply(resource, Create::Map, &mut |node| {
                self.set(node, (spec, nth), &mut trace)?;
                nth += 1;
                Ok(())
            })?;
        }
        if trace.overwrote {
            resource.settle_links();
        }
        if trace.maps.len() > 1
            && let Some(link) = self.link(&trace, resource)
        {
            resource.history.links.push(link);
        }
        Ok(())
    }

    fn set<'a>(
        &self,
        node: &mut Node,
        which: (&'a FieldSpec, usize),
        trace: &mut Trace<'a>,
    ) -> Result<(), BuildError> {
        let map = match &mut node.value {
            Value::Map(map) => map,
            // Entries of a null are lost in the reference.
            Value::Scalar(scalar) if scalar.tag == Tag::Null => return Ok(()),
            _ => {
                let message = "entries can be added to a map only, and this is none";
                return Err(BuildError::new(ErrorKind::Transformer, message).at(node.pos));
            }
        };
        let mut is_new = false;
        for (index, (key, value)) in self.pairs.iter().enumerate() {
            if map.contains(key) {
                trace.overwrote = true;
            } else {
                is_new = true;
                trace.added.push((trace.maps.len(), index));
            }
            map.set_field(key, Node::scalar(value.clone()));
        }
        if is_new {
            trace.maps.push(which);
        }
        Ok(())
    }

    /// The entries that are new in several maps, which share them from now on.
    fn link(&self, trace: &Trace<'_>, resource: &Resource) -> Option<Link> {
        let mut shared = vec![0u64; self.pairs.len()];
        for (map, pair) in &trace.added {
            if *map < Link::MAX_PLACES
                && let Some(places) = shared.get_mut(*pair)
            {
                *places |= 1 << map;
            }
        }
        let entries: Vec<SharedEntry> = self
            .pairs
            .iter()
            .zip(shared)
            .filter(|(_, places)| places.count_ones() > 1)
            .map(|((key, value), places)| SharedEntry {
                key: key.clone(),
                value: Some(value.clone()),
                places,
            })
            .collect();
        if entries.is_empty() {
            return None;
        }
        let mut places: Vec<Place> = Vec::with_capacity(trace.maps.len());
        for (spec, nth) in &trace.maps {
            places.push(spec.places(&resource.node).into_iter().nth(*nth)?);
        }
        Some(Link::new(places, entries))
    }
}
