//! Setting entries of maps: what adding labels and adding annotations have in common.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use crate::collections::IndexMap;
use crate::error::{BuildError, ErrorKind};
use crate::field_spec::{Create, FieldSpec, FieldSpecs, Table};
use crate::resource::{Link, NodePath, Resource, SharedEntry};
use crate::yaml::{Entry, Key, Map, Node, Scalar, Str, Tag, Value};

/// Entries to set in all maps that field specs name.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// Keys and values; the values in quotes where they need them.
    pairs: Vec<(Str, Scalar)>,
    specs: FieldSpecs,
    links: Links,
}

/// What setting the entries did to one resource.
#[derive(Debug, Default, PartialEq, Eq)]
struct EntryChanges {
    /// The maps that got new entries: the number of the field spec, and which of its maps.
    maps: Vec<(u32, usize)>,
    /// New entries: the index of the map in `maps`, and that of the pair.
    added: Vec<(usize, usize)>,
    /// Whether an entry that was there got another value.
    overwrote: bool,
}

/// Links made so far, with what they come of: most resources of a kind are linked alike.
#[derive(Debug, Default)]
struct Links(RwLock<Vec<(EntryChanges, Link)>>);

impl Links {
    /// More kinds than this are not remembered.
    const MOST: usize = 32;

    fn find(&self, trace: &EntryChanges, root: &Node) -> Option<Link> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (_, link) = known.iter().find(|(other, link)| other == trace && link.fits(root))?;
        Some(link.clone())
    }

    fn note(&self, trace: EntryChanges, link: &Link) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < Links::MOST {
            known.push((trace, link.clone()));
        }
    }
}

impl Entries {
    /// Entries with string values, in the order of their keys.
    pub(crate) fn new(pairs: &BTreeMap<String, String>, specs: Table<FieldSpec>) -> Self {
        let quoted = |value: &String| {
            let mut value = Scalar::string(value);
            value.quote_if_yaml11_would_mistake();
            value
        };
        let pairs = pairs.iter().map(|(key, value)| (Str::from(key), quoted(value))).collect();
        Entries { pairs, specs: FieldSpecs::new(specs), links: Links::default() }
    }

    /// Whether there is nothing to set.
    pub(crate) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Whether all maps are labels, or at least nowhere near the annotations of a resource.
    pub(crate) fn are_in_labels(&self) -> bool {
        self.specs.iter().all(|selected| {
            let path = self.specs.get(selected.number).map_or("", |spec| spec.path.as_str());
            let first = path.split('/').next().unwrap_or_default().trim();
            path == "metadata/labels" || !first.is_empty() && first != "metadata"
        })
    }

    /// Sets the entries in one resource.
    ///
    /// # Errors
    /// A field spec that leads to something else than a map.
    pub(crate) fn apply_to(&self, resource: &mut Resource) -> Result<(), BuildError> {
        let mut trace = EntryChanges::default();
        for selected in self.specs.selecting(resource.api_version(), resource.kind()) {
            let mut nth = 0;
            selected.apply(resource, Create::Map, &mut |node| {
                self.set(node, (selected.number, nth), &mut trace)?;
                nth += 1;
                Ok(())
            })?;
        }
        if trace.overwrote {
            resource.settle_links();
        }
        if trace.maps.len() > 1 {
            let known = self.links.find(&trace, &resource.node);
            let link = known.or_else(|| {
                let link = self.link(&trace, resource)?;
                self.links.note(trace, &link);
                Some(link)
            });
            if let Some(link) = link {
                resource.links.reserve_exact(1);
                resource.links.push(link);
            }
        }
        Ok(())
    }

    fn set(&self, node: &mut Node, which: (u32, usize), trace: &mut EntryChanges) -> Result<(), BuildError> {
        let map = match &mut node.value {
            Value::Map(map) => map,
            // Entries of a null are lost in kustomize.
            Value::Scalar(scalar) if scalar.tag() == Tag::Null => return Ok(()),
            _ => {
                let message = "expected a map, to add entries to";
                return Err(BuildError::new(ErrorKind::Transformer, message).at(node.pos));
            }
        };
        let present = self.present_in(map);
        let mut new = Vec::new();
        for (index, ((key, value), present)) in self.pairs.iter().zip(present).enumerate() {
            let mut value = Node::scalar(value.clone());
            match present.and_then(|at| map.as_mut_slice().get_mut(at)) {
                Some(old) => {
                    trace.overwrote = true;
                    value.keep_style_of(&old.value);
                    old.value = value;
                }
                None => {
                    trace.added.push((trace.maps.len(), index));
                    new.push(Entry { key: Key::new(key), value });
                }
            }
        }
        if !new.is_empty() {
            map.extend(new);
            trace.maps.push(which);
        }
        Ok(())
    }

    /// For each pair, the position of its key in a map. Both may be long: the keys are looked up then.
    fn present_in(&self, map: &Map) -> Vec<Option<usize>> {
        const FEW: usize = 16;
        if map.len() <= FEW || self.pairs.len() <= FEW {
            return self.pairs.iter().map(|(key, _)| map.position(key)).collect();
        }
        let mut positions = IndexMap::with_capacity_and_hasher(map.len(), Default::default());
        for (at, entry) in map.iter().enumerate() {
            positions.entry(entry.key.as_str()).or_insert(at);
        }
        self.pairs.iter().map(|(key, _)| positions.get(key.as_str()).copied()).collect()
    }

    /// The entries that are new in several maps, which share them from now on.
    fn link(&self, trace: &EntryChanges, resource: &Resource) -> Option<Link> {
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
        let mut places: Vec<NodePath> = Vec::with_capacity(trace.maps.len());
        for (number, nth) in &trace.maps {
            let spec = self.specs.get(*number)?;
            places.push(spec.places(&resource.node).into_iter().nth(*nth)?);
        }
        Some(Link::new(places, entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_told_from_what_may_be_annotations() {
        for (path, wanted) in [
            ("metadata/labels", true),
            ("spec/template/metadata/labels", true),
            ("spec/annotations", true),
            ("metadata/annotations", false),
            ("metadata", false),
            (" metadata /annotations", false),
            ("/metadata/annotations", false),
        ] {
            let spec = FieldSpec { path: path.into(), ..FieldSpec::default() };
            let entries = Entries::new(&BTreeMap::new(), vec![spec].into());
            assert_eq!(entries.are_in_labels(), wanted, "{path}");
        }
    }
}
