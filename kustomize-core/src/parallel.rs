//! Work on many items at once, on all cores.
//!
//! Nothing here is a thread pool: threads are made for one piece of work and end with it, so that
//! a library call leaves nothing behind. Where threads cannot be had, as in WebAssembly, the work
//! is done on the caller's.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// The threads that pieces of work may use.
#[derive(Debug)]
pub(crate) struct Crew {
    /// Found out when it is first needed: the machine has to be asked, which takes longer than
    /// small builds have.
    threads: OnceLock<usize>,
}

impl Crew {
    /// The caller's thread alone: others are busy with work of their own.
    pub(crate) fn one() -> Self {
        Crew { threads: OnceLock::from(1) }
    }

    /// As many threads as there are cores.
    pub(crate) fn all() -> Self {
        Crew { threads: OnceLock::new() }
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
        for_each_part(items, size, threads, work)
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
        let worked: Result<(), ()> = for_each_part(&mut pairs, least, threads, |_, pairs| {
            pairs.iter_mut().for_each(|(item, made)| *made = Some(work(item)));
            Ok(())
        });
        debug_assert!(worked.is_ok());
        pairs.into_iter().filter_map(|(_, made)| made).collect()
    }

    /// Threads for so many items, of which each thread must get at least `least`.
    #[inline]
    fn threads(&self, items: usize, least: usize) -> usize {
        // Said here too, so that what threads need is not compiled where there are none.
        if cfg!(target_family = "wasm") {
            return 1;
        }
        let most = items / least.max(1);
        if most < 2 { 1 } else { most.min(self.size()) }
    }

    /// How many threads there are.
    pub(crate) fn size(&self) -> usize {
        *self.threads.get_or_init(|| match cfg!(target_family = "wasm") {
            true => 1,
            false => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        })
    }
}

/// Hands parts of this size to `work`, as threads become free.
fn for_each_part<T: Send, E: Send>(
    items: &mut [T],
    size: usize,
    threads: usize,
    work: impl Fn(usize, &mut [T]) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let parts = Mutex::new(items.chunks_mut(size).enumerate());
    let failed = Mutex::new(None::<(usize, E)>);
    let help = || {
        loop {
            // The lock is held for this line alone: a `while let` would hold it for all of the work.
            let next = locked(&parts).next();
            let Some((number, part)) = next else { break };
            if let Err(error) = work(number * size, part) {
                let mut failed = locked(&failed);
                if failed.as_ref().is_none_or(|(first, _)| number < *first) {
                    *failed = Some((number, error));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // Without another thread the work is done all the same.
            let _ = std::thread::Builder::new().spawn_scoped(scope, help);
        }
        help();
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// Threads do not take equally long for parts of a size.
const PARTS_PER_THREAD: usize = 4;

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
            let done = Crew::all().for_each_chunk(&mut items, 1, |first, part| {
                (first..).zip(part).for_each(|(at, item)| *item += at + 1);
                Ok::<(), usize>(())
            });
            assert_eq!(done, Ok(()));
            assert_eq!(items, (1..=count).collect::<Vec<_>>());
            let failed = Crew::all().for_each_chunk(&mut items, 1, |_, part| {
                part.iter().find(|item| **item % 3 == 0).map_or(Ok(()), |item| Err(*item))
            });
            assert_eq!(failed, if count < 3 { Ok(()) } else { Err(3) });
        }
    }
}
