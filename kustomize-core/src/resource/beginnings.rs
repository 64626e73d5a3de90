//! Which resources have names that begin with a given text.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::Resource;
use crate::yaml::Str;

/// Finds resources by the beginnings of the names that they have or had.
#[derive(Clone, Debug)]
pub(super) enum Beginnings {
    /// How often it was asked. To go over all names a few times is quicker than to sort them.
    Unsorted(u8),
    /// All names in their order, and where they are.
    Sorted(BTreeMap<Str, Vec<u32>>),
}

impl Default for Beginnings {
    fn default() -> Self {
        Beginnings::Unsorted(0)
    }
}

impl Beginnings {
    /// The names are sorted once it was asked more often than this.
    const FEW: u8 = 16;

    /// Positions, in order, of the resources that have or had a name that begins with one of these
    /// texts.
    pub(super) fn find(&mut self, list: &[Arc<Resource>], beginnings: &[String]) -> Vec<usize> {
        if let Beginnings::Unsorted(asked) = self {
            if *asked < Self::FEW {
                *asked += 1;
                return one_by_one(list, beginnings);
            }
            *self = Self::sorted(list);
        }
        let Beginnings::Sorted(names) = self else { return Vec::new() };
        let mut found = Vec::new();
        for beginning in beginnings {
            let from = (Bound::Included(beginning.as_str()), Bound::Unbounded);
            let names = names.range::<str, _>(from).take_while(|(name, _)| name.starts_with(beginning));
            found.extend(names.flat_map(|(_, positions)| positions).map(|at| *at as usize));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn sorted(list: &[Arc<Resource>]) -> Self {
        let mut sorted = Beginnings::Sorted(BTreeMap::new());
        for (at, resource) in list.iter().enumerate() {
            let names = sorted.names(resource);
            sorted.insert(&names, u32::try_from(at).unwrap_or(u32::MAX));
        }
        sorted
    }

    /// The names under which a resource is found; none while they are not sorted.
    pub(super) fn names(&self, resource: &Resource) -> Vec<Str> {
        match self {
            Beginnings::Unsorted(_) => Vec::new(),
            Beginnings::Sorted(_) => names(resource).map(Str::from).collect(),
        }
    }

    /// Adds a resource with these names.
    pub(super) fn insert(&mut self, names: &[Str], at: u32) {
        let Beginnings::Sorted(sorted) = self else { return };
        for name in names {
            sorted.entry(name.clone()).or_default().push(at);
        }
    }

    /// Takes a resource with these names out.
    pub(super) fn remove(&mut self, names: &[Str], at: u32) {
        let Beginnings::Sorted(sorted) = self else { return };
        for name in names {
            if let Some(positions) = sorted.get_mut(name) {
                positions.retain(|other| *other != at);
                if positions.is_empty() {
                    sorted.remove(name);
                }
            }
        }
    }

    /// Forgets the resources at these positions, in ascending order, and moves up those behind them.
    pub(super) fn close_gaps(&mut self, removed: &[usize]) {
        let Beginnings::Sorted(sorted) = self else { return };
        sorted.retain(|_, positions| {
            positions.retain_mut(|at| match removed.binary_search(&(*at as usize)) {
                Ok(_) => false,
                Err(before) => {
                    *at -= u32::try_from(before).unwrap_or(0);
                    true
                }
            });
            !positions.is_empty()
        });
    }
}

/// The same without anything sorted.
fn one_by_one(list: &[Arc<Resource>], beginnings: &[String]) -> Vec<usize> {
    let begins = |name: &str| beginnings.iter().any(|beginning| name.starts_with(beginning.as_str()));
    let resources = list.iter().enumerate().filter(|(_, resource)| names(resource).any(begins));
    resources.map(|(at, _)| at).collect()
}

/// All names that a resource has or had.
fn names(resource: &Resource) -> impl Iterator<Item = &str> {
    let earlier = resource.history.previous.iter().map(|previous| previous.name.as_str());
    earlier.chain([resource.name()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;
    use crate::yaml::{Map, Node};

    fn resource(name: &str) -> Arc<Resource> {
        let mut resource = Resource::new(Node::map(Map::new()));
        resource.set_name(name);
        Arc::new(resource)
    }

    /// What is found by the first letters of names: sorted and followed, or looked up anew.
    fn expect_equal(followed: &mut Beginnings, list: &[Arc<Resource>]) {
        for beginning in ["a", "ab", "b", "c", "d", ""] {
            let beginnings = [beginning.to_owned()];
            assert_eq!(followed.find(list, &beginnings), one_by_one(list, &beginnings), "{beginning}");
        }
    }

    #[test]
    fn sorted_names_follow_changes() {
        let mut list: Vec<_> = ["ab", "b", "ac", "b", "cd"].map(resource).into();
        let mut followed = Beginnings::sorted(&list);
        expect_equal(&mut followed, &list);
        for (at, name) in [(1, "d"), (4, "ax")] {
            let before = followed.names(&list[at]);
            let resource = Arc::make_mut(&mut list[at]);
            resource.remember_id(&Schema::default());
            resource.set_name(name);
            followed.remove(&before, u32::try_from(at).unwrap());
            let after = followed.names(&list[at]);
            followed.insert(&after, u32::try_from(at).unwrap());
            expect_equal(&mut followed, &list);
        }
        let gone = followed.names(&list[3]);
        list.remove(3);
        followed.remove(&gone, 3);
        followed.close_gaps(&[3]);
        expect_equal(&mut followed, &list);
        // A name that is forgotten.
        let before = followed.names(&list[0]);
        Arc::make_mut(&mut list[0]).set_name("z");
        followed.remove(&before, 0);
        let after = followed.names(&list[0]);
        followed.insert(&after, 0);
        expect_equal(&mut followed, &list);
        list.drain(..2);
        followed.close_gaps(&[0, 1]);
        expect_equal(&mut followed, &list);
        let Beginnings::Sorted(names) = &followed else { panic!("no longer sorted") };
        assert!(names.values().all(|positions| !positions.is_empty()));
    }
}
