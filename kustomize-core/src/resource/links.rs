//! Fields that share a value.
//!
//! When kustomize adds a label or annotation to several fields of a resource, it puts one and
//! the same node into all of them. Whoever then changes one of these fields, be it a patch, a
//! replacement or another label, changes them all. Users see that in their output, so it is kept:
//! a resource remembers which of its fields are linked, and brings them in line after a change.

use std::sync::Arc;

use crate::yaml::{Node, Scalar, Str, Value};

/// The way from a resource's root to a map.
pub(crate) type NodePath = Box<[NodeStep]>;

/// One step of a [`NodePath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NodeStep {
    /// Into a field of a map.
    Field(Str),
    /// Into an item of a list.
    Item(usize),
}

/// Maps of a resource that share some of their values. Many resources have the same, so a copy
/// costs next to nothing.
#[derive(Clone, Debug)]
pub struct Link {
    places: Arc<[NodePath]>,
    entries: Arc<Vec<SharedEntry>>,
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

    /// Links entries of maps. They are kept in the order in which a patch goes through them, since
    /// the last one that is written counts.
    pub(crate) fn new(places: Vec<NodePath>, mut entries: Vec<SharedEntry>) -> Self {
        let mut order: Vec<(usize, NodePath)> =
            places.into_iter().take(Link::MAX_PLACES).enumerate().collect();
        order.sort_by(|(_, a), (_, b)| a.cmp(b));
        for entry in &mut entries {
            let before = entry.places;
            let sorted = order.iter().enumerate().filter(|(_, (at, _))| before & (1 << at) != 0);
            entry.places = sorted.fold(0, |all, (to, _)| all | (1 << to));
        }
        Link { places: order.into_iter().map(|(_, place)| place).collect(), entries: Arc::new(entries) }
    }

    /// Whether all places are maps of this tree, and lead through maps alone.
    pub(crate) fn fits(&self, root: &Node) -> bool {
        self.places.iter().all(|place| {
            place.iter().all(|step| matches!(step, NodeStep::Field(_)))
                && find(root, place).is_some_and(|node| node.as_map().is_some())
        })
    }

    /// Brings fields that share a value in line, and forgets links of which nothing is left. Returns
    /// whether anything was to be done.
    pub(crate) fn settle_all(links: &mut Vec<Link>, root: &mut Node) -> bool {
        let mut changed = false;
        links.retain_mut(|link| {
            changed |= link.settle(root);
            !link.entries.is_empty()
        });
        changed
    }

    /// Gives all places of an entry the value that was last written to one of them. Places that
    /// lost the entry leave the link. Returns whether anything was to be done.
    fn settle(&mut self, root: &mut Node) -> bool {
        let places = &self.places;
        if self.entries.iter().all(|entry| entry.is_settled(places, root)) {
            return false;
        }
        Arc::make_mut(&mut self.entries).retain_mut(|entry| {
            entry.settle(places, root);
            entry.places.count_ones() > 1
        });
        true
    }

    /// Takes maps out of the link, since they were made anew.
    pub(crate) fn leave(&mut self, is_it: impl Fn(&[NodeStep]) -> bool) {
        let gone = bits(&self.places).filter(|(_, place)| is_it(place)).fold(0, |all, (bit, _)| all | bit);
        if gone == 0 {
            return;
        }
        Arc::make_mut(&mut self.entries).retain_mut(|entry| {
            entry.places &= !gone;
            entry.places.count_ones() > 1
        });
    }
}

impl SharedEntry {
    /// Whether all maps still have it, with the value that it had.
    fn is_settled(&self, places: &[NodePath], root: &Node) -> bool {
        bits(places).filter(|(bit, _)| self.places & bit != 0).all(|(_, place)| {
            find(root, place)
                .and_then(Node::as_map)
                .and_then(|map| map.entry(&self.key))
                .is_some_and(|entry| entry.key.pos.is_none() && self.knows(&entry.value))
        })
    }

    fn settle(&mut self, places: &[NodePath], root: &mut Node) {
        let mut written: Option<Node> = None;
        for (bit, place) in bits(places) {
            if self.places & bit == 0 {
                continue;
            }
            match find(root, place).and_then(Node::as_map).and_then(|map| map.entry(&self.key)) {
                // A key that stands in a file came with another map.
                Some(entry) if !entry.key.pos.is_none() => self.places &= !bit,
                Some(entry) if self.knows(&entry.value) => {}
                Some(entry) => written = Some(entry.value.clone()),
                None => self.places &= !bit,
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
            (Value::Scalar(now), Some(known)) => now.text() == known.text() && now.tag() == known.tag(),
            (Value::Scalar(_), None) => false,
            (_, known) => known.is_none(),
        }
    }
}

fn bits(places: &[NodePath]) -> impl Iterator<Item = (u64, &NodePath)> {
    places.iter().take(Link::MAX_PLACES).enumerate().map(|(at, place)| (1 << at, place))
}

fn find<'a>(root: &'a Node, place: &NodePath) -> Option<&'a Node> {
    place.iter().try_fold(root, |node, step| match step {
        NodeStep::Field(name) => node.get(name),
        NodeStep::Item(index) => node.as_seq()?.get(*index),
    })
}

fn find_mut<'a>(root: &'a mut Node, place: &NodePath) -> Option<&'a mut Node> {
    place.iter().try_fold(root, |node, step| match step {
        NodeStep::Field(name) => node.get_mut(name),
        NodeStep::Item(index) => node.as_seq_mut()?.get_mut(*index),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Resource;
    use crate::yaml::{Map, Seq};

    /// Maps with the entry `k`, each of this value; none where it lacks the entry.
    fn tree(values: [Option<&str>; 3]) -> Node {
        let mut root = Map::new();
        for (name, value) in ["a", "b", "c"].into_iter().zip(values) {
            let mut map = Map::new();
            if let Some(value) = value {
                map.insert("k", Node::untyped(value));
            }
            root.insert(name, Node::map(map));
        }
        Node::map(root)
    }

    fn values(root: &Node) -> [&str; 3] {
        ["a", "b", "c"].map(|name| root.at(&[name, "k"]).map_or("", Node::text))
    }

    fn place(name: &str) -> NodePath {
        [NodeStep::Field(name.into())].into()
    }

    /// A link of the maps whose bits are set.
    fn linked(places: u64) -> Vec<Link> {
        let value = Some(Scalar::untyped("v"));
        let entry = SharedEntry { key: "k".into(), value, places };
        vec![Link::new(["a", "b", "c"].map(place).into(), vec![entry])]
    }

    #[test]
    fn maps_without_the_link_stay_as_they_are() {
        let mut links = linked(0b011);
        let mut root = tree([Some("v"), Some("v"), Some("other")]);
        assert!(!Link::settle_all(&mut links, &mut root));
        let mut root = tree([Some("new"), Some("v"), Some("other")]);
        assert!(Link::settle_all(&mut links, &mut root));
        assert_eq!(values(&root), ["new", "new", "other"]);
        assert!(!Link::settle_all(&mut links, &mut root));
    }

    #[test]
    fn a_map_that_lost_the_entry_leaves() {
        let mut links = linked(0b111);
        Link::settle_all(&mut links, &mut tree([Some("v"), None, Some("v")]));
        let mut root = tree([Some("new"), Some("v"), Some("v")]);
        Link::settle_all(&mut links, &mut root);
        assert_eq!(values(&root), ["new", "v", "new"]);
        Link::settle_all(&mut links, &mut tree([Some("new"), None, None]));
        assert!(links.is_empty(), "one map is left");
    }

    #[test]
    fn a_map_that_was_made_anew_leaves() {
        let mut links = linked(0b111);
        let leave = |links: &mut Vec<Link>, name| {
            links.iter_mut().for_each(|link| link.leave(|other| *other == *place(name)));
        };
        leave(&mut links, "b");
        let mut root = tree([Some("new"), Some("v"), Some("v")]);
        Link::settle_all(&mut links, &mut root);
        assert_eq!(values(&root), ["new", "v", "new"]);
        leave(&mut links, "a");
        Link::settle_all(&mut links, &mut root);
        assert!(links.is_empty(), "one map is left");
    }

    #[test]
    fn a_link_fits_trees_that_have_its_maps() {
        let link = linked(0b111).remove(0);
        assert!(link.fits(&tree([Some("v"), None, Some("other")])));
        let mut root = tree([None; 3]);
        root.as_map_mut().unwrap().insert("b", Node::untyped("no map"));
        assert!(!link.fits(&root));
        root.as_map_mut().unwrap().remove("b");
        assert!(!link.fits(&root));
        // Items of lists may stand for something else in another tree.
        let place: NodePath = [NodeStep::Field("list".into()), NodeStep::Item(0)].into();
        let mut root = Map::new();
        root.insert("list", Node::seq(Seq::from_items(vec![Node::map(Map::new())])));
        assert!(!Link::new(vec![place], Vec::new()).fits(&Node::map(root)));
    }

    #[test]
    fn only_labels_that_are_replaced_leave() {
        let places = [["metadata", "labels"], ["metadata", "annotations"], ["spec", "labels"]];
        let map = |entries: Vec<(&str, Node)>| {
            let mut map = Map::new();
            entries.into_iter().for_each(|(name, node)| map.insert(name, node));
            Node::map(map)
        };
        let shared = || map(vec![("k", Node::untyped("v"))]);
        let metadata = map(vec![("labels", shared()), ("annotations", shared())]);
        let root = map(vec![("metadata", metadata), ("spec", map(vec![("labels", shared())]))]);
        let mut resource = Resource::new(root);
        let value = Some(Scalar::untyped("v"));
        let entry = SharedEntry { key: "k".into(), value, places: 0b111 };
        let places = places.map(|place| place.map(|name| NodeStep::Field(name.into())).into());
        resource.links.push(Link::new(places.into(), vec![entry]));
        resource.set_labels(vec![("k".into(), "own".into())]);
        let annotation = resource.node.get_mut("metadata").and_then(|node| node.get_mut("annotations"));
        annotation.and_then(Node::as_map_mut).unwrap().insert("k", Node::untyped("new"));
        assert!(resource.settle_links());
        let wanted =
            "metadata:\n  annotations:\n    k: new\n  labels:\n    k: own\nspec:\n  labels:\n    k: new\n";
        assert_eq!(resource.yaml().unwrap(), wanted);
    }
}
