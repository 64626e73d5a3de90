//! What builds keep for later ones: answers of the host, texts, parsed resources and whole bases.
//!
//! A build that stands alone has a store of its own, which only sees to it that a base which many
//! kustomizations build on is not rendered again for each. A [`Session`](crate::Session) keeps its
//! store from build to build.

mod ask;
mod bases;
mod build_record;
mod lineage;
mod recorder;
mod texts;
mod trace;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::yaml::Sources;

pub(crate) use ask::Memo;
pub(crate) use bases::{Base, BaseKey, Bases, RESOURCE_WEIGHT};
pub(crate) use build_record::BuildRecord;
pub(crate) use lineage::Lineage;
pub(crate) use recorder::Recorder;
pub(crate) use texts::Texts;
pub use trace::Input;
pub(crate) use trace::Trace;

/// What builds share.
#[derive(Debug)]
pub(crate) struct Store {
    /// Whether there will be other builds.
    lasting: bool,
    /// What the host answered.
    pub(crate) memo: Memo,
    /// All texts, by number.
    pub(crate) sources: Arc<Sources>,
    /// Texts of files, and the resources in them.
    pub(crate) texts: Texts,
    /// Kustomizations that others build on.
    pub(crate) bases: Bases,
}

/// A point in time. All that a host said in one generation is taken to be true at once.
#[derive(Debug)]
pub(crate) struct Generation(AtomicU64);

impl Default for Generation {
    fn default() -> Self {
        Generation(AtomicU64::new(1))
    }
}

impl Generation {
    /// The present one.
    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Begins the next.
    pub(crate) fn pass(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

impl Store {
    /// For one build alone.
    pub(crate) fn for_one_build() -> Self {
        Store::new(false)
    }

    /// For many builds.
    pub(crate) fn lasting() -> Self {
        Store::new(true)
    }

    fn new(lasting: bool) -> Self {
        Store {
            lasting,
            memo: Memo::default(),
            sources: Arc::default(),
            texts: Texts::default(),
            bases: Bases::default(),
        }
    }

    /// Whether there will be other builds.
    pub(crate) fn is_lasting(&self) -> bool {
        self.lasting
    }

    /// Bytes of memory that all of it takes, roughly.
    pub(crate) fn weight(&self) -> usize {
        /// Bytes of memory for a byte of text, as text and as trees.
        const SPREAD: usize = 12;
        self.sources.bytes().saturating_mul(SPREAD).saturating_add(self.bases.weight())
    }
}

/// Locks, whatever happened on other threads: what the locks here guard is right at any time.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
