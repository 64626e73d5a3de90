//! What the controllers of images know, and who is due when it changes.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use reconciler_api::image_policy::ImageRef;
use reconciler_api::{ImagePolicy, ImageRepository, ImageUpdateAutomation};

use super::queue::{Key, Queue};
use super::store::Store;

/// What the controllers of images know.
#[derive(Default)]
pub(crate) struct Images {
    pub(super) repositories: Store<ImageRepository>,
    pub(super) repository_queue: Arc<Queue>,
    pub(super) policies: Store<ImagePolicy>,
    pub(super) policy_queue: Arc<Queue>,
    pub(super) automations: Store<ImageUpdateAutomation>,
    pub(super) automation_queue: Arc<Queue>,
    /// The ImageRepositories that this process has tried to scan.
    scanned: Mutex<HashSet<Key>>,
    tags: Mutex<HashMap<Key, Arc<Vec<String>>>>,
    latest: Mutex<HashMap<Key, ImageRef>>,
}

impl Images {
    /// The tags that the last scan of an ImageRepository found.
    pub(super) fn tags(&self, repository: &Key) -> Option<Arc<Vec<String>>> {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).get(repository).cloned()
    }

    /// Notes the tags that a scan found, and makes the policies due that pick from them.
    pub(super) fn set_tags(&self, repository: &Key, tags: Vec<String>) {
        let tags = Arc::new(tags);
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).insert(repository.clone(), tags);
        self.repository_changed(repository);
    }

    /// Notes that a scan was tried. Returns whether it was the first one.
    pub(super) fn note_scan(&self, repository: &Key) -> bool {
        self.scanned.lock().unwrap_or_else(PoisonError::into_inner).insert(repository.clone())
    }

    /// Whether a scan was tried.
    pub(super) fn is_scanned(&self, repository: &Key) -> bool {
        self.scanned.lock().unwrap_or_else(PoisonError::into_inner).contains(repository)
    }

    /// Makes the policies due that pick from an ImageRepository.
    pub(super) fn repository_changed(&self, repository: &Key) {
        let users = self.policies.keys(|key, policy| {
            let reference = &policy.spec.image_repository_ref;
            reference.name == repository.name
                && reference.namespace.as_ref().unwrap_or(&key.namespace) == &repository.namespace
        });
        self.policy_queue.add_all(users);
    }

    /// Forgets an ImageRepository.
    pub(super) fn forget_tags(&self, repository: &Key) {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).remove(repository);
        self.scanned.lock().unwrap_or_else(PoisonError::into_inner).remove(repository);
    }

    /// The latest image of a policy: what it found in this process, or what its status says.
    pub(super) fn latest(&self, key: &Key, policy: &ImagePolicy) -> Option<ImageRef> {
        let found = self.latest.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        found.or_else(|| policy.status.as_ref()?.latest_ref.clone())
    }

    /// Notes the latest image of a policy, and makes the automations of its namespace due if it is new.
    pub(super) fn set_latest(&self, key: &Key, latest: ImageRef) {
        let old =
            self.latest.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), latest.clone());
        if old.as_ref() != Some(&latest) {
            self.policy_changed(key);
        }
    }

    /// Forgets a policy, and makes the automations of its namespace due.
    pub(super) fn forget_latest(&self, key: &Key) {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        self.policy_changed(key);
    }

    /// Makes the automations of a policy's namespace due.
    pub(super) fn policy_changed(&self, policy: &Key) {
        let users = self.automations.keys(|automation, _| automation.namespace == policy.namespace);
        self.automation_queue.add_all(users);
    }

    /// Makes the automations due that update a GitRepository.
    pub(super) fn source_changed(&self, repository: &Key) {
        let users = self.automations.keys(|key, automation| {
            let source = &automation.spec.source_ref;
            source.name == repository.name
                && source.namespace.as_ref().unwrap_or(&key.namespace) == &repository.namespace
        });
        self.automation_queue.add_all(users);
    }
}
