//! Threads that keep off the core of who made them.
//!
//! Linux wakes a thread on an idle core, but takes a virtual core that sleeps to be busy with
//! something of its host's: on the virtual machines that CI runs on, a thread that is needed now
//! waits for the one that needs it to sleep, or for milliseconds, which is longer than most builds
//! take. So the threads of a pool may go wherever the process may, except there.

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Where the threads of a pool may go, if that is to be said at all.
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

    /// Applies to the current thread. Where it cannot, that thread works all the same.
    pub(super) fn apply(&self) {
        let _applied = self.0.as_ref().map(|cores| sched_setaffinity(None, cores));
    }
}
