//! Lists of plain values that merge, such as `finalizers`.

use crate::collections::IndexMap;
use crate::yaml::{Node, Seq, Tag};

/// Merges a list with distinct new values: the patch's come first. Returns false, and changes
/// nothing, when one of the values is empty or no plain value, or stands there twice.
pub(super) fn merge(list: &mut Seq, changes: &[&Node]) -> bool {
    let items: Vec<&Node> = list.iter().collect();
    let (Some(positions), Some(_)) = (positions(&items), positions(changes)) else { return false };
    let partners: Vec<Option<usize>> =
        changes.iter().map(|change| positions.get(change.text()).copied()).collect();
    drop(positions);
    drop(items);
    let mut old: Vec<Option<Node>> = std::mem::take(list).into_items().into_iter().map(Some).collect();
    let mut merged = Vec::with_capacity(old.len() + changes.len());
    for (change, partner) in changes.iter().zip(partners) {
        let partner = partner.and_then(|at| old.get_mut(at)?.take());
        merged.push(partner.unwrap_or_else(|| untyped((*change).clone())));
    }
    merged.extend(old.into_iter().flatten().map(untyped));
    *list = Seq::from_items(merged);
    true
}

/// kustomize sets each value anew from its text alone.
pub(super) fn untyped(mut node: Node) -> Node {
    if let Some(scalar) = node.as_scalar_mut() {
        scalar.set_tag(Tag::None);
    }
    node
}

fn positions<'n>(list: &[&'n Node]) -> Option<IndexMap<&'n str, usize>> {
    let plain = |node: &&Node| node.as_scalar().is_some_and(|s| s.tag() != Tag::Null && !s.text().is_empty());
    if !list.iter().all(plain) {
        return None;
    }
    let positions: IndexMap<&str, usize> =
        list.iter().enumerate().map(|(at, node)| (node.text(), at)).collect();
    (positions.len() == list.len()).then_some(positions)
}
