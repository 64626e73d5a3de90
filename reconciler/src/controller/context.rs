//! What all controllers share.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use kube::Client;
use reconciler_api::{GitRepository, Kustomization};
use tokio::sync::Semaphore;

use super::kustomization::Memory;
use super::log::Log;
use super::metrics::Metrics;
use super::queue::{Key, Queue};
use super::store::Store;
use crate::apply::Objects;
use crate::source::git::{Commit, Mirror};

/// What all controllers share.
pub struct Context {
    pub(crate) client: Client,
    pub(crate) objects: Objects,
    pub(crate) log: Log,
    metrics: Metrics,
    /// Where repositories are kept.
    pub(crate) data: PathBuf,
    pub(crate) repositories: Store<GitRepository>,
    pub(crate) repository_queue: Arc<Queue>,
    pub(crate) kustomizations: Store<Kustomization>,
    pub(crate) kustomization_queue: Arc<Queue>,
    pub(crate) mirrors: Mutex<HashMap<Key, Arc<Mirror>>>,
    commits: Mutex<HashMap<Key, Commit>>,
    memories: Mutex<HashMap<Key, Memory>>,
    /// Builds that may run at the same time.
    pub(crate) builds: Semaphore,
    /// Kustomizations that may be applied at the same time.
    pub(crate) applies: Semaphore,
}

impl Context {
    /// What controllers need: a cluster, a directory for repositories, a log.
    #[must_use]
    pub fn new(client: Client, data: PathBuf, log: Log) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Context {
            objects: Objects::new(client.clone()),
            client,
            log,
            metrics: Metrics::default(),
            data,
            repositories: Store::default(),
            repository_queue: Arc::default(),
            kustomizations: Store::default(),
            kustomization_queue: Arc::default(),
            mirrors: Mutex::default(),
            commits: Mutex::default(),
            memories: Mutex::default(),
            builds: Semaphore::new(cores),
            applies: Semaphore::new(cores * 8),
        }
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Whether all objects of the cluster are known.
    pub(crate) fn is_ready(&self) -> bool {
        self.repositories.is_listed() && self.kustomizations.is_listed()
    }

    /// What was fetched last for a GitRepository.
    pub(crate) fn commit(&self, repository: &Key) -> Option<Commit> {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner).get(repository).cloned()
    }

    /// Notes what was fetched, and makes those due that use it, if it is new.
    pub(crate) fn set_commit(&self, repository: &Key, commit: Commit) {
        let revision = commit.revision.clone();
        let old =
            self.commits.lock().unwrap_or_else(PoisonError::into_inner).insert(repository.clone(), commit);
        if old.is_some_and(|old| old.revision == revision) {
            return;
        }
        let users = self.kustomizations.keys(|key, kustomization| {
            let source = &kustomization.spec.source_ref;
            source.kind == "GitRepository"
                && source.name == repository.name
                && source.namespace.as_ref().unwrap_or(&key.namespace) == &repository.namespace
        });
        users.into_iter().for_each(|key| self.kustomization_queue.add(key));
    }

    /// Forgets a GitRepository.
    pub(crate) fn forget_repository(&self, key: &Key) {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        self.mirrors.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Takes what is remembered of a Kustomization.
    pub(crate) fn take_memory(&self, key: &Key) -> Memory {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner).remove(key).unwrap_or_default()
    }

    /// Puts it back.
    pub(crate) fn remember(&self, key: &Key, memory: Memory) {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), memory);
    }
}
