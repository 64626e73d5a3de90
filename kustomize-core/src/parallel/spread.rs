//! Threads that do not run on the core of the thread that started them.
//!
//! Linux wakes a thread on an idle core, but it considers a sleeping virtual core busy. On the
//! virtual machines that CI runs on, a woken thread therefore waits until the thread that woke it
//! sleeps, or for some milliseconds, which is longer than most builds take. So the threads of a
//! pool may run on every core of the process except that one.

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// The cores on which the threads of a pool may run; none if there is no restriction.
pub(super) struct Spread(Option<CpuSet>);

impl Spread {
    /// Anywhere but on the core of the current thread.
    pub(super) fn off_this_core() -> Self {
        let others = sched_getaffinity(None).ok().map(|mut cores| {
            cores.unset(sched_getcpu());
            cores
        });
        Spread(others.filter(|cores| cores.count() > 0))
    }

    /// Restricts the current thread. If that fails, the thread works without a restriction.
    pub(super) fn apply(&self) {
        let _applied = self.0.as_ref().map(|cores| sched_setaffinity(None, cores));
    }
}
