//! Detecting changes to applied objects without polling: one metadata watch per kind.
//!
//! When someone changes a field that was applied, the server takes the field out of our entry in the
//! object's `managedFields`. So an object has drifted when that entry is not the one that the last
//! apply left, or when the object is gone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::Client;
use kube::api::{Api, DynamicObject, ObjectMeta};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch_objects};
use reconciler_api::annotation;
use reconciler_core::object;
use reconciler_core::ssa::ObjectId;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::FIELD_MANAGER;
use super::kinds::ApiKind;

/// How many corrections of one object in [`A_WHILE`] are made at once.
const MOST_CORRECTIONS: u32 = 5;
const A_WHILE: Duration = Duration::from_secs(60);

/// Name and namespace of the Kustomization that an object belongs to.
pub type Owner = (String, String);

/// Watches the objects that were applied.
pub struct Observer {
    client: Client,
    /// How many watches may run; any number if absent.
    limit: Option<Arc<Semaphore>>,
    shared: Arc<Shared>,
    /// The watches, which end with the observer.
    watches: Mutex<JoinSet<()>>,
}

/// State that the observer shares with its watches.
struct Shared {
    state: Mutex<State>,
    /// Counts the changes that were seen.
    changes: watch::Sender<u64>,
    drifts: mpsc::UnboundedSender<Owner>,
}

#[derive(Default)]
struct State {
    /// Kinds with a watch, and whether its first list is complete.
    kinds: HashMap<ApiKind, bool>,
    objects: BTreeMap<ObjectId, Tracked>,
}

/// An object that is observed.
#[derive(Default)]
struct Tracked {
    owner: Option<Owner>,
    kind: Option<ApiKind>,
    applied: Option<AppliedState>,
    seen: Option<Seen>,
    has_drifted: bool,
    /// When it last drifted, and how often.
    lately: Option<(Instant, u32)>,
}

/// The state after an apply.
struct AppliedState {
    version: u64,
    mark: u64,
    /// A hash of what was applied.
    desired: u64,
}

/// The state that a watch reported.
struct Seen {
    version: u64,
    /// Our entry; `None` if the object is gone or has none.
    mark: Option<u64>,
}

impl Tracked {
    /// Compares what was seen with what was applied. Returns true for a new drift.
    fn check(&mut self) -> bool {
        let (Some(applied), Some(seen)) = (&self.applied, &self.seen) else { return false };
        let is_other = seen.version > applied.version && seen.mark != Some(applied.mark);
        let is_news = is_other && !self.has_drifted;
        self.has_drifted |= is_other;
        is_news && self.is_worth_it()
    }

    /// Whether a drift is corrected at once. If another client keeps changing the object, it is corrected at the interval only.
    fn is_worth_it(&mut self) -> bool {
        let now = Instant::now();
        let (since, times) = match self.lately {
            Some((since, times)) if now.duration_since(since) < A_WHILE => (since, times + 1),
            _ => (now, 1),
        };
        self.lately = Some((since, times));
        times <= MOST_CORRECTIONS
    }
}

impl Observer {
    /// An observer that sends the owners of drifted objects.
    #[must_use]
    pub fn new(client: Client, drifts: mpsc::UnboundedSender<Owner>) -> Self {
        let shared = Shared { state: Mutex::default(), changes: watch::Sender::new(0), drifts };
        Observer { client, limit: None, shared: Arc::new(shared), watches: Mutex::default() }
    }

    /// Opens no more watches than there are permits. What is not watched counts as changed, so that it is applied
    /// again at each interval, and the health of it is polled.
    pub(super) fn limited(self, limit: Arc<Semaphore>) -> Self {
        Observer { limit: Some(limit), ..self }
    }

    /// Whether another watch may be opened, and what has to be kept as long as it runs.
    fn permit(&self) -> Option<Option<OwnedSemaphorePermit>> {
        let Some(limit) = &self.limit else { return Some(None) };
        Arc::clone(limit).try_acquire_owned().ok().map(Some)
    }

    /// Starts observing an object that is about to be applied.
    pub(super) fn track(&self, id: &ObjectId, kind: &ApiKind, owner: (&str, &str)) {
        let mut state = self.shared.state();
        let tracked = state.objects.entry(id.clone()).or_default();
        tracked.owner = Some((owner.0.to_owned(), owner.1.to_owned()));
        tracked.kind = Some(kind.clone());
        if state.kinds.contains_key(kind) {
            return;
        }
        let Some(permit) = self.permit() else { return };
        state.kinds.insert(kind.clone(), false);
        drop(state);
        let api = Api::all_with(self.client.clone(), &kind.resource());
        let (shared, kind) = (Arc::clone(&self.shared), kind.clone());
        let task = async move {
            let _permit = permit;
            follow(api, shared, kind).await;
        };
        let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        while watches.try_join_next().is_some() {}
        watches.spawn(task);
    }

    /// Records the state after an apply.
    pub(super) fn applied(&self, id: &ObjectId, desired: u64, object: &Value) {
        let mut state = self.shared.state();
        let Some(tracked) = state.objects.get_mut(id) else { return };
        let version = number(object::text(object, &["metadata", "resourceVersion"]));
        let Some(mark) = mark_of_value(object) else { return };
        tracked.applied = Some(AppliedState { version, mark, desired });
        tracked.has_drifted = false;
        let is_news = tracked.check();
        if let (true, Some(owner)) = (is_news, tracked.owner.clone()) {
            self.shared.tell(owner);
        }
    }

    /// Whether an object is unchanged since it was applied, and is still what is wanted.
    pub(super) fn is_in_place(&self, id: &ObjectId, owner: (&str, &str), desired: u64) -> bool {
        let state = self.shared.state();
        let Some(tracked) = state.objects.get(id) else { return false };
        tracked.is_for(owner)
            && tracked.is_clean(&state.kinds)
            && tracked.applied.as_ref().is_some_and(|applied| applied.desired == desired)
    }

    /// Whether all of these are unchanged since they were applied.
    pub fn are_clean<'a>(&self, ids: impl IntoIterator<Item = &'a ObjectId>) -> bool {
        let state = self.shared.state();
        ids.into_iter().all(|id| state.objects.get(id).is_some_and(|tracked| tracked.is_clean(&state.kinds)))
    }

    /// Whether somebody else has changed one of these since it was applied.
    pub fn has_drifted<'a>(&self, ids: impl IntoIterator<Item = &'a ObjectId>) -> bool {
        let state = self.shared.state();
        ids.into_iter().any(|id| state.objects.get(id).is_some_and(|tracked| tracked.has_drifted))
    }

    /// Stops observing an object.
    pub(crate) fn forget(&self, id: &ObjectId) {
        self.shared.state().objects.remove(id);
    }

    /// Stops observing an object, unless it was applied for another owner.
    pub(super) fn forget_for(&self, id: &ObjectId, owner: (&str, &str)) {
        let mut state = self.shared.state();
        if state.objects.get(id).is_some_and(|tracked| tracked.is_for(owner)) {
            state.objects.remove(id);
        }
    }

    /// Stops observing all objects of an owner.
    pub fn forget_owner(&self, owner: (&str, &str)) {
        self.shared.state().objects.retain(|_, tracked| !tracked.is_for(owner));
    }

    /// Notifies of each change that was seen.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// The last resource version of an object that was seen. `None` if it is not observed, or nothing was seen.
    pub(super) fn version(&self, id: &ObjectId) -> Option<u64> {
        self.shared.state().objects.get(id)?.seen.as_ref().map(|seen| seen.version)
    }

    /// Whether changes of an object are observed.
    pub(super) fn notices(&self, id: &ObjectId) -> bool {
        let state = self.shared.state();
        let kind = state.objects.get(id).and_then(|tracked| tracked.kind.as_ref());
        kind.is_some_and(|kind| state.kinds.get(kind) == Some(&true))
    }

    /// Observes an object that was not applied, until the guard is dropped. `None` if there are too many watches.
    pub(super) fn look_at(&self, id: &ObjectId, kind: &ApiKind) -> Option<Look> {
        let permit = self.permit()?;
        let resource = kind.resource();
        let api: Api<DynamicObject> = if id.namespace.is_empty() {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), &id.namespace, &resource)
        };
        let config = watcher::Config::default().fields(&format!("metadata.name={}", id.name));
        let mut events = watch_objects(api, config).default_backoff().boxed();
        let changes = self.shared.changes.clone();
        Some(Look(tokio::spawn(async move {
            let _permit = permit;
            while let Some(event) = events.next().await {
                if matches!(event, Ok(Event::Apply(_) | Event::Delete(_) | Event::InitDone)) {
                    changes.send_modify(|count| *count += 1);
                }
            }
        })))
    }
}

/// Keeps an object observed until it is dropped.
pub(super) struct Look(JoinHandle<()>);

impl Drop for Look {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Tracked {
    fn is_for(&self, owner: (&str, &str)) -> bool {
        self.owner.as_ref().is_some_and(|(name, namespace)| (&**name, &**namespace) == owner)
    }

    fn is_clean(&self, kinds: &HashMap<ApiKind, bool>) -> bool {
        let is_watched = self.kind.as_ref().is_some_and(|kind| kinds.get(kind) == Some(&true));
        is_watched && self.applied.is_some() && self.seen.is_some() && !self.has_drifted
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, owner: Owner) {
        // The receiver is gone when the process ends.
        let _ = self.drifts.send(owner);
    }

    /// Records the state of an object that a watch reported.
    fn see(&self, id: &ObjectId, version: u64, mark: Option<u64>) {
        let mut state = self.state();
        let Some(tracked) = state.objects.get_mut(id) else { return };
        tracked.seen = Some(Seen { version, mark });
        if let (true, Some(owner)) = (tracked.check(), tracked.owner.clone()) {
            self.tell(owner);
        }
        drop(state);
        self.changes.send_modify(|count| *count += 1);
    }

    /// Records that the first list of a watch is complete: the set has all objects of the kind.
    fn listed(&self, kind: &ApiKind, shown: &HashSet<ObjectId>) {
        let mut state = self.state();
        state.kinds.insert(kind.clone(), true);
        for (id, tracked) in &mut state.objects {
            // An object that was applied after the list is reported later.
            let is_missing =
                tracked.kind.as_ref() == Some(kind) && tracked.seen.is_some() && !shown.contains(id);
            if !is_missing {
                continue;
            }
            tracked.seen = Some(Seen { version: u64::MAX, mark: None });
            if let (true, Some(owner)) = (tracked.check(), tracked.owner.clone()) {
                self.tell(owner);
            }
        }
        drop(state);
        self.changes.send_modify(|count| *count += 1);
    }

    /// Records that a kind cannot be watched. Returns whether the watch is still needed: the definition may be gone,
    /// and all its objects with it.
    fn lost(&self, kind: &ApiKind) -> bool {
        let mut state = self.state();
        let is_wanted = state.objects.values().any(|tracked| tracked.kind.as_ref() == Some(kind));
        if is_wanted {
            state.kinds.insert(kind.clone(), false);
        } else {
            state.kinds.remove(kind);
        }
        is_wanted
    }
}

/// Watches the owned objects of a kind for as long as any of them is observed.
async fn follow(api: Api<PartialObjectMeta<DynamicObject>>, shared: Arc<Shared>, kind: ApiKind) {
    let config = watcher::Config::default().labels(annotation::OWNER_NAME);
    let mut events = watch_objects(api, config).default_backoff().boxed();
    let mut shown = HashSet::new();
    while let Some(event) = events.next().await {
        let see = |metadata: &ObjectMeta| {
            let id = id_of(&kind, metadata);
            shared.see(&id, version_of(metadata), mark_of(metadata.managed_fields.iter().flatten()));
            id
        };
        match event {
            Ok(Event::Init) => shown.clear(),
            Ok(Event::InitApply(found)) => {
                let id = see(&found.metadata);
                // A cluster may send a list without end: only objects that are followed take memory.
                if shared.state().objects.contains_key(&id) {
                    shown.insert(id);
                }
            }
            Ok(Event::InitDone) => shared.listed(&kind, &std::mem::take(&mut shown)),
            Ok(Event::Apply(found)) => {
                see(&found.metadata);
            }
            Ok(Event::Delete(found)) => {
                shared.see(&id_of(&kind, &found.metadata), version_of(&found.metadata), None);
            }
            Err(watcher::Error::InitialListFailed(_) | watcher::Error::WatchStartFailed(_)) => {
                if !shared.lost(&kind) {
                    return;
                }
            }
            // The watch resumes where it stopped.
            Err(_) => {}
        }
    }
}

fn id_of(kind: &ApiKind, metadata: &ObjectMeta) -> ObjectId {
    ObjectId {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
        group: kind.group().to_owned(),
        kind: kind.kind.clone(),
    }
}

fn version_of(metadata: &ObjectMeta) -> u64 {
    number(metadata.resource_version.as_deref().unwrap_or_default())
}

fn number(version: &str) -> u64 {
    version.parse().unwrap_or_default()
}

/// A hash of our entry in `managedFields`.
fn mark_of<'a>(entries: impl Iterator<Item = &'a ManagedFieldsEntry>) -> Option<u64> {
    let mut ours = entries.filter(|entry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER)
            && entry.operation.as_deref() == Some("Apply")
            && entry.subresource.is_none()
    });
    ours.next()?.fields_v1.as_ref().map(|fields| hash(&fields.0))
}

/// A hash of the fields that we applied. `None` if there are none.
pub(super) fn mark_of_value(object: &Value) -> Option<u64> {
    let entries = object::at(object, &["metadata", "managedFields"])?.as_array()?;
    let mut ours = entries.iter().filter(|entry| {
        object::text(entry, &["manager"]) == FIELD_MANAGER
            && object::text(entry, &["operation"]) == "Apply"
            && object::text(entry, &["subresource"]).is_empty()
    });
    ours.next()?.get("fieldsV1").map(hash)
}

/// A hash of a value.
pub(super) fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracked(applied: u64, seen: u64, mark: Option<u64>) -> Tracked {
        Tracked {
            applied: Some(AppliedState { version: applied, mark: 1, desired: 0 }),
            seen: Some(Seen { version: seen, mark }),
            ..Tracked::default()
        }
    }

    #[test]
    fn what_was_seen_before_the_apply_is_no_drift() {
        assert!(!tracked(5, 4, None).check());
        assert!(!tracked(5, 5, Some(2)).check());
        assert!(!tracked(5, 6, Some(1)).check());
        assert!(tracked(5, 6, Some(2)).check());
        assert!(tracked(5, 6, None).check());
    }

    #[test]
    fn a_kind_of_which_nothing_is_left_is_not_watched_for_ever() {
        let kind = ApiKind {
            api_version: "example.org/v1".to_owned(),
            kind: "Widget".to_owned(),
            plural: "widgets".to_owned(),
            is_namespaced: true,
        };
        let id = ObjectId { kind: "Widget".to_owned(), ..ObjectId::default() };
        let shared = Shared {
            state: Mutex::default(),
            changes: watch::Sender::new(0),
            drifts: mpsc::unbounded_channel().0,
        };
        shared.state().kinds.insert(kind.clone(), true);
        let tracked = Tracked { kind: Some(kind.clone()), ..Tracked::default() };
        shared.state().objects.insert(id.clone(), tracked);
        assert!(shared.lost(&kind));
        shared.state().objects.remove(&id);
        assert!(!shared.lost(&kind));
        // The next object starts a new watch.
        assert!(!shared.state().kinds.contains_key(&kind));
    }

    #[tokio::test]
    async fn there_are_no_more_watches_than_allowed() {
        let client = Client::new(embedded_cluster::Cluster::in_memory().service(), "default");
        let limit = Arc::new(Semaphore::new(2));
        let observer = Observer::new(client, mpsc::unbounded_channel().0).limited(Arc::clone(&limit));
        let core = |name: &str, plural: &str| ApiKind {
            api_version: "v1".to_owned(),
            kind: name.to_owned(),
            plural: plural.to_owned(),
            is_namespaced: true,
        };
        let id = |kind: &ApiKind| ObjectId {
            kind: kind.kind.clone(),
            name: "a".to_owned(),
            ..ObjectId::default()
        };
        let kinds = [core("ConfigMap", "configmaps"), core("Secret", "secrets"), core("Service", "services")];
        for kind in &kinds {
            observer.track(&id(kind), kind, ("app", "tenant"));
        }
        assert_eq!(limit.available_permits(), 0);
        let is_watched = |kind: &ApiKind| observer.shared.state().kinds.contains_key(kind);
        assert_eq!(kinds.each_ref().map(is_watched), [true, true, false]);
        assert!(!observer.notices(&id(&kinds[2])));
        assert!(observer.look_at(&id(&kinds[2]), &kinds[2]).is_none());
        // Watches that end make room.
        drop(observer);
        let all = tokio::time::timeout(Duration::from_secs(60), limit.acquire_many(2)).await;
        assert!(all.is_ok());
    }

    #[test]
    fn a_drift_is_told_once() {
        let mut tracked = tracked(5, 6, None);
        assert!(tracked.check());
        assert!(!tracked.check());
    }
}
