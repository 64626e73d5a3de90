//! Sorting. The standard library's sorts are compiled anew, some 5 KB each, for each type and
//! comparison: where code is downloaded, all share one that sorts positions.

use std::cmp::Ordering;

/// Sorts; what is equal stays in its order.
#[cfg(not(target_family = "wasm"))]
#[inline]
pub(crate) fn sort_by<T>(items: &mut [T], compare: impl FnMut(&T, &T) -> Ordering) {
    items.sort_by(compare);
}

/// Sorts; what is equal comes in any order.
#[cfg(not(target_family = "wasm"))]
#[inline]
fn sort_unstable_by<T>(items: &mut [T], compare: impl FnMut(&T, &T) -> Ordering) {
    items.sort_unstable_by(compare);
}

/// Sorts; what is equal stays in its order.
#[cfg(target_family = "wasm")]
pub(crate) fn sort_by<T>(items: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    let mut places = positions::sorted(items.len(), &mut |a, b| compare(&items[a], &items[b]));
    for at in 0..places.len() {
        while let Some(&place) = places.get(at).filter(|place| **place != at) {
            items.swap(at, place);
            places.swap(at, place);
        }
    }
}

/// Sorts; what is equal stays in its order, though nobody asked for it.
#[cfg(target_family = "wasm")]
fn sort_unstable_by<T>(items: &mut [T], compare: impl FnMut(&T, &T) -> Ordering) {
    sort_by(items, compare);
}

/// Sorts numbers, texts and the like, of which equal ones cannot be told apart.
#[inline]
pub(crate) fn sort<T: Ord>(items: &mut [T]) {
    sort_unstable_by(items, T::cmp);
}

/// Sorts by what a function gives for each item, which no two have in common.
#[inline]
pub(crate) fn sort_unstable_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_unstable_by(items, |a, b| key(a).cmp(&key(b)));
}

/// Sorts by what a function gives for each item; what is equal stays in its order.
#[inline]
pub(crate) fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(items, |a, b| key(a).cmp(&key(b)));
}

/// The one sort that all share.
#[cfg(any(test, target_family = "wasm"))]
mod positions {
    use std::cmp::Ordering;

    /// For each position the place that it gets.
    pub(super) fn sorted(length: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
        let mut order: Vec<usize> = (0..length).collect();
        order.sort_by(|a, b| compare(*a, *b));
        let mut places = vec![0; length];
        for (place, at) in order.into_iter().enumerate() {
            places[at] = place;
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::positions::sorted;

    #[test]
    fn every_item_gets_its_place_and_equal_ones_keep_their_order() {
        let items = ["b", "c", "a", "b", "a"];
        assert_eq!(sorted(items.len(), &mut |a, b| items[a].cmp(items[b])), [2, 4, 0, 3, 1]);
        assert!(sorted(0, &mut |_, _| unreachable!()).is_empty());
    }
}
