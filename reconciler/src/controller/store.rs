//! The objects of a kind as the cluster has them, kept up to date by a watch.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use kube::ResourceExt;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use reconciler_api::annotation;
use serde_json::{Value, json};

use super::followed::Followed;
use super::queue::{Key, Queue};
use super::{Context, tenancy};

/// The objects of one kind. One that cannot be read as its kind is kept as an error.
pub(crate) struct Store<K> {
    objects: Mutex<HashMap<Key, Entry<K>>>,
    is_listed: AtomicBool,
    is_undefined: AtomicBool,
}

struct Entry<K> {
    object: Result<Arc<K>, String>,
    /// What makes the object due when it changes.
    trigger: Trigger,
    /// The annotation that makes those due that refer to the object when it changes.
    allowed: Option<String>,
}

#[derive(PartialEq)]
struct Trigger {
    generation: Option<i64>,
    /// The request for a reconciliation, and what other annotations ask for.
    annotations: Vec<(String, String)>,
    is_deleted: bool,
    is_ours: bool,
    /// The artifact, if it is another process that makes it.
    artifact: Option<Value>,
}

impl<K> Default for Store<K> {
    fn default() -> Self {
        Store {
            objects: Mutex::default(),
            is_listed: AtomicBool::default(),
            is_undefined: AtomicBool::default(),
        }
    }
}

impl<K> Store<K> {
    fn objects(&self) -> MutexGuard<'_, HashMap<Key, Entry<K>>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all objects have been listed once.
    pub(crate) fn is_listed(&self) -> bool {
        self.is_listed.load(Ordering::Acquire)
    }

    /// Whether all objects are known: they have been listed, or the cluster does not define the kind.
    pub(crate) fn is_known(&self) -> bool {
        self.is_listed() || self.is_undefined.load(Ordering::Acquire)
    }

    /// An object, or why it cannot be read.
    pub(crate) fn get(&self, key: &Key) -> Option<Result<Arc<K>, String>> {
        self.objects().get(key).map(|entry| entry.object.clone())
    }

    /// Keys of the objects that satisfy a predicate.
    pub(crate) fn keys(&self, mut wanted: impl FnMut(&Key, &K) -> bool) -> Vec<Key> {
        let objects = self.objects();
        let mut keys: Vec<Key> = objects
            .iter()
            .filter(|(key, entry)| entry.object.as_ref().is_ok_and(|object| wanted(key, object)))
            .map(|(key, _)| key.clone())
            .collect();
        keys.sort();
        keys
    }
}

impl<K: ResourceExt> Store<K> {
    /// Notes an object as the server has answered with it, which its watch may show later. Makes
    /// nothing due.
    pub(crate) fn written(&self, key: &Key, object: K) {
        if let Some(entry) = self.objects().get_mut(key)
            && entry.version() < version(&object)
        {
            entry.object = Ok(Arc::new(object));
        }
    }
}

impl<K: ResourceExt> Entry<K> {
    fn uid(&self) -> Option<String> {
        self.object.as_ref().ok().and_then(|object| object.uid())
    }

    fn version(&self) -> u64 {
        self.object.as_ref().map_or(0, |object| version(&**object))
    }
}

fn version(object: &impl ResourceExt) -> u64 {
    object.resource_version().and_then(|version| version.parse().ok()).unwrap_or_default()
}

/// Follows the objects of a kind for ever, in all namespaces that this process looks at, and puts those that
/// change into a queue. A change of status alone makes nothing due.
pub(crate) async fn follow<K: Followed>(context: &Context, store: &Store<K>, queue: &Queue) {
    let (client, resource) = (context.client.clone(), ApiResource::erase::<K>(&()));
    let api = match context.shard.namespace() {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    };
    follow_api(api, context, store, queue).await;
}

/// The same for a kind that has no namespaces.
pub(crate) async fn follow_all<K: Followed>(context: &Context, store: &Store<K>, queue: &Queue) {
    let api = Api::all_with(context.client.clone(), &ApiResource::erase::<K>(&()));
    follow_api(api, context, store, queue).await;
}

async fn follow_api<K: Followed>(
    api: Api<DynamicObject>,
    context: &Context,
    store: &Store<K>,
    queue: &Queue,
) {
    let mut events = watch(api, watcher::Config::default()).default_backoff().boxed();
    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => seen.clear(),
            Ok(Event::InitApply(object)) => {
                let key = key_of(&object);
                seen.push(key);
                put(context, store, queue, object);
            }
            Ok(Event::InitDone) => {
                let seen: std::collections::HashSet<Key> = std::mem::take(&mut seen).into_iter().collect();
                let mut gone: Vec<Key> =
                    store.objects().keys().filter(|key| !seen.contains(key)).cloned().collect();
                gone.sort();
                for key in gone {
                    store.objects().remove(&key);
                    queue.add(key);
                }
                store.is_listed.store(true, Ordering::Release);
                if store.is_undefined.swap(false, Ordering::AcqRel) {
                    context
                        .log
                        .info("the cluster defines this kind now", json!({"controllerKind": K::kind(&())}));
                }
            }
            Ok(Event::Apply(object)) => put(context, store, queue, object),
            Ok(Event::Delete(object)) => {
                let key = key_of(&object);
                store.objects().remove(&key);
                queue.add(key);
            }
            // A cluster may have been set up by an older Flux, or without all of its parts. The backoff of the watch
            // ends at half a minute, so that a definition is noticed when it comes.
            Err(error) if is_not_found(&error) => {
                if !store.is_undefined.swap(true, Ordering::AcqRel) {
                    context.log.info(
                        "the cluster does not define this kind, its objects are reconciled once it does",
                        json!({"controllerKind": K::kind(&()), "apiVersion": K::api_version(&())}),
                    );
                }
            }
            Err(error) => {
                if is_outage(&error) {
                    context.note_outage();
                }
                context.log.error(
                    "watch failed, it is started again",
                    json!({"controllerKind": K::kind(&()), "error": error.to_string()}),
                );
            }
        }
    }
}

/// Whether the server does not know what it was asked for.
fn is_not_found(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::WatchError(status) => status.code == 404,
        error => matches!(cause(error), Some(kube::Error::Api(status)) if status.code == 404),
    }
}

/// Whether there was no answer from the server, or it says that it cannot serve now.
fn is_outage(error: &watcher::Error) -> bool {
    match cause(error) {
        Some(kube::Error::Api(status)) => status.code >= 500,
        cause => cause.is_some(),
    }
}

/// Why a watch could not be opened, or has ended.
fn cause(error: &watcher::Error) -> Option<&kube::Error> {
    match error {
        watcher::Error::InitialListFailed(cause)
        | watcher::Error::WatchStartFailed(cause)
        | watcher::Error::WatchFailed(cause) => Some(cause),
        watcher::Error::WatchError(_) | watcher::Error::NoResourceVersion => None,
    }
}

fn key_of(object: &DynamicObject) -> Key {
    Key { namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
}

fn put<K: Followed>(context: &Context, store: &Store<K>, queue: &Queue, object: DynamicObject) {
    let key = key_of(&object);
    let is_old = store
        .objects()
        .get(&key)
        .is_some_and(|entry| entry.version() > version(&object) && entry.uid() == object.uid());
    if is_old {
        return;
    }
    let is_ours = context.shard.has(&object);
    let is_made_here = is_ours && !K::IS_MADE_ELSEWHERE;
    let artifact = if is_made_here { None } else { object.data.pointer("/status/artifact").cloned() };
    let counts =
        |name: &str| name == annotation::RECONCILE_REQUEST || name.starts_with(annotation::IMAGE_PREFIX);
    let annotations = object.annotations().iter().filter(|(name, _)| counts(name));
    let trigger = Trigger {
        generation: object.metadata.generation,
        annotations: annotations.map(|(name, value)| (name.clone(), value.clone())).collect(),
        is_deleted: object.metadata.deletion_timestamp.is_some(),
        is_ours,
        artifact,
    };
    let read = serde_json::to_value(&object).and_then(serde_json::from_value::<K>);
    let allowed = tenancy::allowed(&object).map(str::to_owned);
    let entry = Entry { object: read.map(Arc::new).map_err(|error| error.to_string()), trigger, allowed };
    let mut objects = store.objects();
    let is_due = objects.get(&key).is_none_or(|old| old.trigger != entry.trigger);
    let is_newer = objects.get(&key).is_some_and(|old| old.version() < entry.version());
    let allowance_changed = objects.get(&key).is_some_and(|old| old.allowed != entry.allowed);
    objects.insert(key.clone(), entry);
    drop(objects);
    if allowance_changed {
        K::allowance_changed(context, &key);
    }
    if is_newer {
        K::changed(context, &key);
    }
    if is_due {
        queue.add(key);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::time::Duration;

    use embedded_cluster::Cluster;
    use http::Request;
    use kube::Client;
    use kube::client::Body;
    use reconciler_api::ExternalArtifact;
    use tower::{Service as _, service_fn};

    use super::*;
    use crate::controller::Log;
    use crate::run::install_definitions;

    /// A text that is written to.
    #[derive(Clone, Default)]
    struct Text(Arc<Mutex<Vec<u8>>>);

    impl Write for Text {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Text {
        fn count(&self, part: &str) -> usize {
            String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
                .matches(part)
                .count()
        }
    }

    #[tokio::test]
    async fn a_kind_that_is_not_defined_is_logged_once() -> Result<(), Box<dyn std::error::Error>> {
        let cluster = Cluster::in_memory();
        let (requests, log) = (Arc::new(Mutex::new(0)), Text::default());
        let counted = {
            let (cluster, requests) = (cluster.clone(), Arc::clone(&requests));
            service_fn(move |request: Request<Body>| {
                *requests.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                let mut service = cluster.service();
                async move { service.call(request).await }
            })
        };
        let client = Client::new(counted, "default");
        let context = Context::new(client.clone(), "unused".into(), Log::new(log.clone()));
        let sources = &context.sources;
        let follow = follow::<ExternalArtifact>(&context, &sources.external, &sources.external_queue);
        let check = async {
            // The definition comes after some tries.
            while *requests.lock().unwrap_or_else(PoisonError::into_inner) < 3 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert_eq!(log.count("does not define this kind"), 1);
            assert!(!sources.external.is_listed());
            install_definitions(&client).await?;
            while !sources.external.is_listed() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok::<_, crate::run::RunError>(())
        };
        tokio::select! {
            () = follow => {}
            checked = tokio::time::timeout(Duration::from_secs(60), check) => checked??,
        }
        assert_eq!(log.count("defines this kind now"), 1);
        assert_eq!(log.count("\"level\":\"error\""), 0);
        cluster.shutdown();
        Ok(())
    }
}
