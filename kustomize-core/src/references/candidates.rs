//! Renamed resources by the names they had: who could be meant by a name.
//!
//! kustomize goes through all resources for every field that holds a name. Here a name is
//! looked up, together with the namespace where that is known.

use std::ops::Range;

use super::referents::{Referent, Referents};
use super::referrer_fields::Kinds;
use crate::collections::{IndexMap, IndexSet};
use crate::resource::CLUSTER;
use crate::yaml::Str;

/// Number of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Namespace(u32);

/// Where a resource stands.
#[derive(Clone, Copy, Debug)]
struct ResourceNamespaces {
    /// Effective namespace now.
    current: Namespace,
    /// Namespace now, as written; none for cluster-scoped resources.
    written: Option<Namespace>,
    /// Effective namespace at first.
    original: Namespace,
}

/// A name that a resource had.
#[derive(Clone, Copy, Debug)]
struct Former {
    name: u32,
    place: ResourceNamespaces,
    resource: u32,
    /// Service accounts can be named from other namespaces.
    is_service_account: bool,
}

/// From where a name is looked up.
#[derive(Debug)]
pub(super) enum View {
    /// From a cluster-scoped resource: everything is seen.
    Everything,
    /// From a namespace: what stands in it and cluster-scoped resources are seen, and service
    /// accounts in the further namespaces, as these are written.
    From {
        namespace: Namespace,
        further: IndexSet<Namespace>,
        /// Namespaces where resources in the further ones came from.
        further_origins: IndexSet<Namespace>,
    },
}

/// Renamed resources by the names they had.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Numbers of former names.
    names: IndexMap<Str, u32>,
    /// For each former name, by number: its part of the lists below.
    ranges: Vec<Range<u32>>,
    /// By name and position in the set.
    formers: Vec<Former>,
    /// Indexes into `formers` by name, current namespace and position.
    by_current: Vec<u32>,
    /// Indexes into `formers` by name, original namespace and position.
    by_original: Vec<u32>,
    namespaces: Namespaces,
    /// Where resources stand at all, renamed or not.
    taken: Taken,
}

#[derive(Debug, Default)]
struct Namespaces {
    numbers: IndexMap<Str, Namespace>,
}

/// Original namespaces that occur, and together with what.
#[derive(Debug, Default)]
struct Taken {
    original: IndexSet<Namespace>,
    with_current: IndexSet<(Namespace, Namespace)>,
    /// The original namespaces by the one that is written now.
    by_written: IndexMap<Namespace, IndexSet<Namespace>>,
}

impl Namespace {
    /// A namespace in which no resource stands.
    const NOWHERE: Namespace = Namespace(u32::MAX);
}

impl Namespaces {
    fn known(&self, name: &str) -> Option<Namespace> {
        self.numbers.get(name).copied()
    }

    fn number(&mut self, name: &str) -> Namespace {
        if let Some(known) = self.known(name) {
            return known;
        }
        let next = Namespace(u32::try_from(self.numbers.len()).unwrap_or(u32::MAX));
        self.numbers.insert(name.into(), next);
        next
    }
}

fn effective(written: &str) -> &str {
    if written.is_empty() { "default" } else { written }
}

impl Candidates {
    /// The index of all resources.
    pub(super) fn new(referents: Referents<'_>, kinds: &Kinds<'_>) -> Self {
        let renamed = referents.iter().filter(|resource| !resource.history.previous.is_empty()).count();
        if renamed == 0 {
            return Candidates::default();
        }
        let (names, formers) =
            (IndexMap::with_capacity_and_hasher(renamed, Default::default()), Vec::with_capacity(renamed));
        let mut index = Candidates { names, formers, ..Candidates::default() };
        for (at, resource) in referents.iter().enumerate() {
            let is_service_account = resource.identity.kind == "ServiceAccount";
            let place = index.place(resource, kinds.current(at).cluster_scoped);
            index.taken.note(place);
            let mut previous = resource.history.previous.as_slice();
            while let Some((last, earlier)) = previous.split_last() {
                previous = earlier;
                if earlier.iter().any(|id| id.name == last.name) {
                    continue;
                }
                let next = u32::try_from(index.names.len()).unwrap_or(u32::MAX);
                let name = match index.names.get(last.name.as_str()) {
                    Some(known) => *known,
                    None => {
                        index.names.insert(last.name.as_str().into(), next);
                        next
                    }
                };
                let resource = u32::try_from(at).unwrap_or(u32::MAX);
                index.formers.push(Former { name, place, resource, is_service_account });
            }
        }
        index.sort();
        index
    }

    fn place(&mut self, resource: Referent<'_>, cluster_scoped: bool) -> ResourceNamespaces {
        let written = resource.identity.namespace.as_str();
        let (current, written) = if cluster_scoped {
            (self.namespaces.number(CLUSTER), None)
        } else {
            (self.namespaces.number(effective(written)), Some(self.namespaces.number(written)))
        };
        let original = match resource.history.previous.first() {
            Some(first) => self.namespaces.number(effective(&first.namespace)),
            None => current,
        };
        ResourceNamespaces { current, written, original }
    }

    fn sort(&mut self) {
        self.formers.sort_unstable_by_key(|former| (former.name, former.resource));
        let formers = &self.formers;
        self.ranges = vec![0..0; self.names.len()];
        for (at, former) in (0..).zip(formers) {
            let range = &mut self.ranges[former.name as usize];
            if range.start == range.end {
                *range = at..at;
            }
            range.end = at + 1;
        }
        let sorted_by = |namespace: fn(&ResourceNamespaces) -> Namespace| {
            let mut order: Vec<u32> = (0..u32::try_from(formers.len()).unwrap_or(u32::MAX)).collect();
            order.sort_unstable_by_key(|at| {
                let former = &formers[*at as usize];
                (former.name, namespace(&former.place), former.resource)
            });
            order
        };
        self.by_current = sorted_by(|place| place.current);
        self.by_original = sorted_by(|place| place.original);
    }

    /// Whether no resource was renamed.
    pub(super) fn is_empty(&self) -> bool {
        self.formers.is_empty()
    }

    /// What is seen from a namespace as written, or from outside of all namespaces.
    pub(super) fn view(&self, cluster_scoped: bool, namespace: &str, further: &IndexSet<Str>) -> View {
        if cluster_scoped {
            return View::Everything;
        }
        let namespace = self.namespaces.known(effective(namespace)).unwrap_or(Namespace::NOWHERE);
        let further: IndexSet<_> = further.iter().filter_map(|name| self.namespaces.known(name)).collect();
        let origins = further.iter().filter_map(|written| self.taken.by_written.get(written));
        let further_origins = origins.flatten().copied().collect();
        View::From { namespace, further, further_origins }
    }

    /// How many resources had a name.
    pub(super) fn count(&self, name: &str) -> usize {
        self.range(name).map_or(0, |range| range.len())
    }

    /// Positions of the resources that had a name and are seen, in the order of the set.
    pub(super) fn named(&self, name: &str, view: &View, found: &mut Vec<u32>) {
        found.clear();
        let Some(range) = self.range(name) else { return };
        match view {
            View::Everything => found.extend(self.formers[range].iter().map(|former| former.resource)),
            View::From { further, .. } if !further.is_empty() => {
                let seen = self.formers[range].iter().filter(|former| self.sees(view, former));
                found.extend(seen.map(|former| former.resource));
            }
            View::From { namespace, .. } => {
                self.in_namespace(range.clone(), *namespace, found);
                if let Some(cluster) = self.cluster() {
                    self.in_namespace(range, cluster, found);
                    found.sort_unstable();
                }
            }
        }
    }

    /// The same, where the field says in which namespace the resource stands: it counts where
    /// resources came from if any of those seen came from there, else where they are now.
    pub(super) fn named_in(&self, name: &str, namespace: &str, view: &View, found: &mut Vec<u32>) {
        found.clear();
        if namespace == CLUSTER {
            return;
        }
        let Some(range) = self.range(name) else { return };
        let Some(namespace) = &self.namespaces.known(namespace) else { return };
        let (order, key): (_, fn(&ResourceNamespaces) -> Namespace) =
            if self.taken.is_origin(*namespace, view, self.cluster()) {
                (&self.by_original, |place| place.original)
            } else {
                (&self.by_current, |place| place.current)
            };
        let formers = self.slice(order, range, *namespace, key);
        found.extend(formers.filter(|former| self.sees(view, former)).map(|former| former.resource));
    }

    fn cluster(&self) -> Option<Namespace> {
        self.namespaces.known(CLUSTER)
    }

    fn sees(&self, view: &View, former: &Former) -> bool {
        let place = former.place;
        match view {
            View::Everything => true,
            View::From { namespace, further, .. } => {
                place.current == *namespace
                    || Some(place.current) == self.cluster()
                    || (former.is_service_account
                        && place.written.is_some_and(|written| further.contains(&written)))
            }
        }
    }

    fn range(&self, name: &str) -> Option<Range<usize>> {
        let Range { start, end } = self.ranges.get(*self.names.get(name)? as usize)?;
        Some(*start as usize..*end as usize)
    }

    fn in_namespace(&self, range: Range<usize>, namespace: Namespace, found: &mut Vec<u32>) {
        let formers = self.slice(&self.by_current, range, namespace, |place| place.current);
        found.extend(formers.map(|former| former.resource));
    }

    fn slice<'a>(
        &'a self,
        order: &'a [u32],
        range: Range<usize>,
        namespace: Namespace,
        key: fn(&ResourceNamespaces) -> Namespace,
    ) -> impl Iterator<Item = &'a Former> {
        let order = &order[range];
        let of = |at: &u32| key(&self.formers[*at as usize].place);
        let start = order.partition_point(|at| of(at) < namespace);
        let length = order[start..].partition_point(|at| of(at) == namespace);
        order[start..start + length].iter().map(|at| &self.formers[*at as usize])
    }
}

impl Taken {
    fn note(&mut self, place: ResourceNamespaces) {
        self.original.insert(place.original);
        self.with_current.insert((place.original, place.current));
        if let Some(written) = place.written {
            self.by_written.entry(written).or_default().insert(place.original);
        }
    }

    /// Whether any resource that is seen came from this namespace.
    fn is_origin(&self, namespace: Namespace, view: &View, cluster: Option<Namespace>) -> bool {
        match view {
            View::Everything => self.original.contains(&namespace),
            View::From { namespace: from, further_origins, .. } => {
                self.with_current.contains(&(namespace, *from))
                    || cluster.is_some_and(|cluster| self.with_current.contains(&(namespace, cluster)))
                    || further_origins.contains(&namespace)
            }
        }
    }
}
