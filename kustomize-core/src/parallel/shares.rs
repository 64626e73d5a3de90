//! Who works on what.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::locked;

/// Items in parts, and of those a share for each thread. Who has done with its own helps the
/// others.
///
/// A thread has the same items in each piece of work on the same list. Their memory is where it
/// has had it before: in the caches of its core, and in its own part of the allocator's memory, so
/// that threads do not wait for each other when they change what they have made.
pub(super) struct Shares<'t, T>(Vec<Mutex<VecDeque<Part<'t, T>>>>);

/// The position of its first item, and the items.
type Part<'t, T> = (usize, &'t mut [T]);

impl<'t, T> Shares<'t, T> {
    pub(super) fn new(items: &'t mut [T], size: usize, threads: usize) -> Self {
        let parts = items.len().div_ceil(size.max(1));
        let mut parts_of_each = items.chunks_mut(size.max(1)).enumerate().map(|(at, part)| (at * size, part));
        let shares = (0..threads).map(|seat| {
            let count = parts * (seat + 1) / threads - parts * seat / threads;
            Mutex::new(parts_of_each.by_ref().take(count).collect())
        });
        Shares(shares.collect())
    }

    /// The next part of its own share, from the front, or of others', from the back.
    pub(super) fn next(&self, seat: usize) -> Option<Part<'t, T>> {
        let own = seat % self.0.len();
        // Both locks are held for their lines alone: two threads that help each other must not wait
        // for each other.
        let first = locked(self.0.get(own)?).pop_front();
        let mut others = (1..self.0.len()).map(|distance| (own + distance) % self.0.len());
        first.or_else(|| others.find_map(|other| locked(self.0.get(other)?).pop_back()))
    }
}
