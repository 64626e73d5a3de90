//! How items are divided among threads.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::locked;

/// Items divided into parts, with a share of the parts for each thread. A thread that has finished
/// its own share takes parts from others.
///
/// A thread gets the same items each time the same list is processed. Their memory is then in the
/// caches of its core and in its own arena of the allocator, so that threads do not wait for each
/// other when they change these items.
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

    /// The next part: from the front of the thread's own share, or from the back of another one.
    pub(super) fn next(&self, seat: usize) -> Option<Part<'t, T>> {
        let own = seat % self.0.len();
        // Both locks are held for their lines alone: two threads that help each other must not wait
        // for each other.
        let first = locked(self.0.get(own)?).pop_front();
        let mut others = (1..self.0.len()).map(|distance| (own + distance) % self.0.len());
        first.or_else(|| others.find_map(|other| locked(self.0.get(other)?).pop_back()))
    }
}
