//! Threads that wait for work.

use rayon_core::{ThreadPool, ThreadPoolBuilder, current_thread_index};

/// A pool of threads. It is empty if the system cannot start any.
#[derive(Debug)]
pub(super) struct Pool(Option<ThreadPool>);

impl Pool {
    /// Starts the given number of threads, which wait for work.
    pub(super) fn new(threads: usize) -> Self {
        let builder = ThreadPoolBuilder::new().num_threads(threads).thread_name(|_| "kustomize".to_owned());
        #[cfg(target_os = "linux")]
        let builder = {
            let spread = super::spread::Spread::off_this_core();
            builder.start_handler(move |_| spread.apply())
        };
        let pool = builder.build().ok();
        // Lets those begin that stand behind us in the queue of our core.
        std::thread::yield_now();
        Pool(pool)
    }

    /// Does the work on the caller's thread and, at the same time, on up to the given number of other
    /// threads. Each gets its seat number: the caller has the first, and each thread of the pool
    /// always has the same.
    pub(super) fn help(&self, others: usize, work: &(dyn Fn(usize) + Sync)) {
        let Some(pool) = &self.0 else { return work(0) };
        let work = || work(current_thread_index().map_or(0, |index| index + 1));
        pool.in_place_scope(|scope| {
            for _ in 0..others {
                scope.spawn(|_| work());
            }
            work();
        });
    }
}
