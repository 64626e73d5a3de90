//! What one JSON patch leaves for the next: without it, each patch would convert the whole resource
//! to JSON and back, and search long maps from the start.

use crate::collections::IndexSet;
use crate::yaml::{Map, Str};

/// What is known of a resource that nothing but JSON patches has changed since.
#[derive(Debug, Default)]
pub(crate) struct JsonForm {
    pub(crate) state: FormState,
    pub(crate) long_maps: LongMaps,
}

#[cfg(test)]
impl JsonForm {
    /// A form that remembers long maps from the first search on.
    pub(crate) fn eager() -> Self {
        let long_maps = LongMaps { passed: LongMaps::MANY, ..LongMaps::default() };
        JsonForm { long_maps, ..JsonForm::default() }
    }
}

/// How a resource relates to its JSON form. None of this speaks of `metadata`, which changes between
/// patches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FormState {
    /// Nothing is known.
    #[default]
    Unknown,
    /// A JSON patch was the last to change it.
    Patched,
    /// Written as JSON and read again, it stays as it is.
    Settled,
    /// It changes each time that it is written as JSON and read again.
    Unsettled,
}

/// The keys of maps that are long and were searched often.
#[derive(Debug, Default)]
pub(crate) struct LongMaps {
    /// Entries that were passed in search of keys so far.
    passed: usize,
    /// The path of each map, and its keys in their order.
    maps: Vec<(Vec<String>, IndexSet<Str>)>,
}

impl LongMaps {
    /// Maps up to this length are searched entry by entry.
    const SHORT: usize = 64;
    /// Searches are made shorter once they have passed this many entries.
    const MANY: usize = 1 << 12;
    /// More maps than this are not remembered.
    const MOST: usize = 16;

    /// The position of a key in the map at `path`; `passed` grows by the entries that may have been
    /// passed. `path` has to lead through maps only, and nothing but the methods below may change the
    /// keys of the map.
    pub(crate) fn position(
        &mut self,
        path: &[String],
        map: &Map,
        key: &str,
        passed: &mut usize,
    ) -> Option<usize> {
        if map.len() > Self::SHORT {
            if let Some(keys) = self.keys(path) {
                *passed += 1;
                return keys.get_index_of(key);
            }
            self.passed += map.len();
            if self.passed > Self::MANY {
                self.remember(path, map);
            }
        }
        *passed += map.len();
        map.position(key)
    }

    /// To be called when the map at `path` gets a key at its end.
    pub(crate) fn pushed(&mut self, path: &[String], key: &str) {
        if let Some(keys) = self.keys(path) {
            keys.insert(key.into());
        }
    }

    /// To be called when the map at `path` loses a key.
    pub(crate) fn removed(&mut self, path: &[String], key: &str) {
        if let Some(keys) = self.keys(path) {
            keys.shift_remove(key);
        }
    }

    /// To be called when another value takes the place of what is at `path`, or it is removed.
    pub(crate) fn replaced(&mut self, path: &[String], last: &str) {
        self.maps.retain(|(other, _)| {
            let below = other.as_slice().strip_prefix(path).and_then(<[String]>::first);
            below.is_none_or(|step| step != last)
        });
    }

    /// Forgets all maps.
    pub(crate) fn clear(&mut self) {
        self.maps.clear();
    }

    fn keys(&mut self, path: &[String]) -> Option<&mut IndexSet<Str>> {
        self.maps.iter_mut().find(|(other, _)| other == path).map(|(_, keys)| keys)
    }

    fn remember(&mut self, path: &[String], map: &Map) {
        let keys: IndexSet<Str> = map.iter().map(|entry| Str::from(entry.key.as_str())).collect();
        // Equal keys would shift positions.
        if keys.len() == map.len() {
            self.maps.truncate(Self::MOST - 1);
            self.maps.insert(0, (path.to_vec(), keys));
        }
    }
}

/// One form for each resource of a set; none where nothing is known. A copy of the set starts with none.
#[derive(Debug, Default)]
pub(super) struct JsonForms(Vec<JsonForm>);

impl Clone for JsonForms {
    fn clone(&self) -> Self {
        JsonForms::default()
    }
}

impl JsonForms {
    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Forgets that of one resource.
    pub(super) fn forget(&mut self, at: usize) {
        if let Some(form) = self.0.get_mut(at) {
            *form = JsonForm::default();
        }
    }

    /// Those of so many resources.
    pub(super) fn of_all(&mut self, count: usize) -> &mut [JsonForm] {
        self.0.resize_with(count, JsonForm::default);
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Node;

    #[test]
    fn each_map_is_remembered_by_its_path() {
        let map = |first: u32| -> Map {
            let mut map = Map::new();
            (first..first + 70).for_each(|i| map.insert(&format!("k{i}"), Node::untyped("v")));
            map
        };
        let mut known = JsonForm::eager().long_maps;
        for _ in 0..2 {
            for (path, first) in [("a", 0), ("b", 10), ("c", 20)] {
                let position = known.position(&[path.to_owned()], &map(first), "k30", &mut 0);
                assert_eq!(position, Some(30 - first as usize), "{path}");
            }
        }
    }
}
