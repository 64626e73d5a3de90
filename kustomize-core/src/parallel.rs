//! Work on many items at once, on all cores.
//!
//! Threads are started when there is enough work for the first time, wait between two tasks, and end
//! with the value that owns them: no thread outlives a library call. They are kept that long because a
//! new thread often shares a core with its parent for some milliseconds, while a waiting thread is
//! woken on an idle core. On targets without threads, such as WebAssembly, the caller's thread does
//! the work.

#[cfg(not(target_family = "wasm"))]
mod pool;
mod shares;
#[cfg(target_os = "linux")]
mod spread;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

#[cfg(not(target_family = "wasm"))]
use pool::Pool;
use shares::Shares;

/// The threads that tasks may use. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Threads(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The most threads that there may be.
    most: usize,
    /// The number of threads, including the caller's. It is determined on first use, since asking the
    /// operating system takes longer than a small build.
    threads: OnceLock<usize>,
    #[cfg(not(target_family = "wasm"))]
    pool: OnceLock<Pool>,
}

impl Threads {
    /// Only the caller's thread, because the other cores are busy with other builds.
    pub(crate) fn one() -> Self {
        Threads::of_at_most(1)
    }

    /// For a single build. Starting more than a few threads costs more time than it saves.
    pub(crate) fn for_one_build() -> Self {
        Threads::of_at_most(8)
    }

    /// As many threads as there are cores.
    pub(crate) fn all() -> Self {
        Threads::of_at_most(usize::MAX)
    }

    fn of_at_most(most: usize) -> Self {
        Threads(Arc::new(Inner {
            most,
            threads: OnceLock::new(),
            #[cfg(not(target_family = "wasm"))]
            pool: OnceLock::new(),
        }))
    }

    /// Hands chunks of the items, each with the position of its first item, to `work`, on several
    /// threads when each gets at least `least` items.
    ///
    /// # Errors
    /// The error of the first chunk that has one.
    pub(crate) fn for_each_chunk<T: Send, E: Send>(
        &self,
        items: &mut [T],
        least: usize,
        work: impl Fn(usize, &mut [T]) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        let threads = self.threads(items.len(), least);
        if threads < 2 {
            return work(0, items);
        }
        let size = items.len().div_ceil(threads * PARTS_PER_THREAD);
        self.for_each_part(items, size, threads, work)
    }

    /// What `work` makes of each item, on several threads when each gets at least `least` items.
    pub(crate) fn map<T: Sync, R: Send>(
        &self,
        items: &[T],
        least: usize,
        work: impl Fn(&T) -> R + Sync,
    ) -> Vec<R> {
        let threads = self.threads(items.len(), least);
        if threads < 2 {
            return items.iter().map(work).collect();
        }
        let mut pairs: Vec<(&T, Option<R>)> = items.iter().map(|item| (item, None)).collect();
        let worked: Result<(), ()> = self.for_each_part(&mut pairs, least, threads, |_, pairs| {
            pairs.iter_mut().for_each(|(item, made)| *made = Some(work(item)));
            Ok(())
        });
        debug_assert!(worked.is_ok());
        pairs.into_iter().filter_map(|(_, made)| made).collect()
    }

    /// The number of threads for some items, if each thread must get at least `least` of them.
    #[inline]
    fn threads(&self, items: usize, least: usize) -> usize {
        // Said here too, so that what threads need is not compiled where there are none.
        if cfg!(target_family = "wasm") {
            return 1;
        }
        let most = items / least.max(1);
        if most < 2 { 1 } else { most.min(self.size()) }
    }

    /// The number of threads.
    pub(crate) fn size(&self) -> usize {
        let Inner { most, threads, .. } = &*self.0;
        if cfg!(target_family = "wasm") || *most == 1 {
            return 1;
        }
        *threads.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(*most))
    }

    /// Hands parts of this size to `work`, as threads become free.
    fn for_each_part<T: Send, E: Send>(
        &self,
        items: &mut [T],
        size: usize,
        threads: usize,
        work: impl Fn(usize, &mut [T]) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        let shares = Shares::new(items, size, threads);
        let failed = Mutex::new(None::<(usize, E)>);
        self.on(threads, &|seat| {
            while let Some((first, part)) = shares.next(seat) {
                if let Err(error) = work(first, part) {
                    let mut failed = locked(&failed);
                    if failed.as_ref().is_none_or(|(earlier, _)| first < *earlier) {
                        *failed = Some((first, error));
                    }
                }
            }
        });
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }

    /// Starts the threads before the work that will need them.
    pub(crate) fn prepare(&self) {
        #[cfg(not(target_family = "wasm"))]
        if let Some(others @ 1..) = self.size().checked_sub(1) {
            self.0.pool.get_or_init(|| Pool::new(others));
        }
    }

    /// Does the work on the caller's thread and, if there are any, on other threads at the same time.
    /// Each gets its seat number, which is always the same.
    fn on(&self, threads: usize, work: &(dyn Fn(usize) + Sync)) {
        #[cfg(not(target_family = "wasm"))]
        if let Some(others @ 1..) = threads.checked_sub(1) {
            return self.0.pool.get_or_init(|| Pool::new(self.size() - 1)).help(others, work);
        }
        let _ = threads;
        work(0);
    }
}

/// Parts of the same size take different times on different threads.
const PARTS_PER_THREAD: usize = 8;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once_and_the_first_error_counts() {
        for count in [0, 1, 2, 3, 10, 101] {
            let mut items: Vec<usize> = vec![0; count];
            let done = Threads::all().for_each_chunk(&mut items, 1, |first, part| {
                (first..).zip(part).for_each(|(at, item)| *item += at + 1);
                Ok::<(), usize>(())
            });
            assert_eq!(done, Ok(()));
            assert_eq!(items, (1..=count).collect::<Vec<_>>());
            let failed = Threads::all().for_each_chunk(&mut items, 1, |_, part| {
                part.iter().find(|item| **item % 3 == 0).map_or(Ok(()), |item| Err(*item))
            });
            assert_eq!(failed, if count < 3 { Ok(()) } else { Err(3) });
        }
    }

    #[test]
    fn threads_that_help_each_other_do_not_wait_for_each_other() {
        let threads = Threads::all();
        for _ in 0..2000 {
            let mut items = [0; 64];
            let done = threads.for_each_chunk(&mut items, 1, |_, part| {
                part.iter_mut().for_each(|item| *item += 1);
                Ok::<(), ()>(())
            });
            assert_eq!((done, items), (Ok(()), [1; 64]));
        }
    }

    #[test]
    fn work_within_work_on_the_same_threads_ends() {
        let threads = Threads::all();
        let outer: Vec<usize> = (0..16).collect();
        let sums = threads.map(&outer, 1, |number| {
            let inner: Vec<usize> = (0..*number).collect();
            threads.map(&inner, 1, |item| item + 1).into_iter().sum::<usize>()
        });
        assert_eq!(sums, outer.iter().map(|number| number * (number + 1) / 2).collect::<Vec<_>>());
    }
}
