//! Kustomizations that others build on, rendered once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{Lineage, Trace, locked};
use crate::collections::IndexMap;
use crate::field_spec::TransformerConfig;
use crate::references::VarSet;
use crate::resource::ResourceSet;
use crate::warning::Warning;

/// Bytes of memory for a resource of average size, as a tree.
pub(crate) const RESOURCE_WEIGHT: usize = 4096;

/// What the rendering of a base depends on, other than what it reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BaseKey {
    /// Its directory: absolute, links resolved.
    pub(crate) root: String,
    /// Namespace that helm charts inherit.
    pub(crate) helm_namespace: String,
    /// What goes into origin annotations, where these are asked for.
    pub(crate) origin: Option<String>,
    /// The custom schema in force.
    pub(crate) schema: Option<String>,
}

/// A base as its overlays get it.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    pub(crate) set: ResourceSet,
    pub(crate) config: TransformerConfig,
    pub(crate) vars: VarSet,
    pub(crate) lineage: Lineage,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) trace: Arc<Trace>,
}

/// Bases by what they depend on.
#[derive(Debug, Default)]
pub(crate) struct Bases {
    known: Mutex<IndexMap<BaseKey, Arc<Base>>>,
    /// Resources in all of them.
    resources: AtomicUsize,
    met: Mutex<IndexMap<BaseKey, usize>>,
}

impl Bases {
    /// A base that was rendered before. It may not hold any more.
    pub(crate) fn get(&self, key: &BaseKey) -> Option<Arc<Base>> {
        locked(&self.known).get(key).cloned()
    }

    /// Keeps a base.
    pub(crate) fn put(&self, key: BaseKey, base: Base) {
        self.resources.fetch_add(base.set.len(), Ordering::Relaxed);
        if let Some(former) = locked(&self.known).insert(key, Arc::new(base)) {
            self.resources.fetch_sub(former.set.len(), Ordering::Relaxed);
        }
    }

    /// How often this was called with a key before.
    pub(crate) fn meet(&self, key: &BaseKey) -> usize {
        let mut met = locked(&self.met);
        let count = met.entry(key.clone()).or_insert(0);
        *count += 1;
        *count - 1
    }

    /// Bytes that all of it may take, roughly.
    pub(crate) fn weight(&self) -> usize {
        self.resources.load(Ordering::Relaxed).saturating_mul(RESOURCE_WEIGHT)
    }

    /// Forgets the bases that a change at these paths may touch.
    pub(crate) fn forget(&self, changed: &[String]) {
        locked(&self.known).retain(|_, base| {
            let stays = !changed.iter().any(|changed| base.trace.is_touched_by(changed));
            if !stays {
                self.resources.fetch_sub(base.set.len(), Ordering::Relaxed);
            }
            stays
        });
    }
}
