//! ConfigMaps and Secrets that Kustomizations read. Those with a label make the Kustomizations due when they change.

use std::collections::HashMap;
use std::fmt::Debug;

use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, PartialObjectMeta};
use kube::core::NamespaceResourceScope;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Resource, ResourceExt};
use reconciler_api::Kustomization;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::Context;
use super::queue::Key;

/// The labels of those that are watched, unless an option says otherwise.
pub(crate) const WATCHED: &str = "reconcile.fluxcd.io/watch=Enabled";

/// Watches the labelled ConfigMaps and Secrets, for ever.
pub(super) async fn follow(context: &Context) {
    tokio::join!(follow_kind::<ConfigMap>(context), follow_kind::<Secret>(context));
}

async fn follow_kind<K>(context: &Context)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug + Send,
    K: 'static,
{
    let client = context.client.clone();
    let api: Api<PartialObjectMeta<K>> = match context.shard.namespace() {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let labels = watcher::Config::default().labels(&context.watched_configs);
    let mut events = watch(api, labels).default_backoff().boxed();
    // The first list makes nothing due: at the start, all Kustomizations are due anyway.
    let (mut known, mut listed, mut is_first) = (HashMap::new(), HashMap::new(), true);
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(object)) => {
                listed.insert(key_of(&object), object.resource_version());
            }
            Ok(Event::InitDone) => {
                let before = std::mem::replace(&mut known, std::mem::take(&mut listed));
                if !is_first {
                    let changed = known.iter().filter(|(key, version)| before.get(*key) != Some(*version));
                    let gone = before.keys().filter(|key| !known.contains_key(*key));
                    for key in changed.map(|(key, _)| key).chain(gone) {
                        wake::<K>(context, key);
                    }
                }
                is_first = false;
            }
            Ok(Event::Apply(object)) => {
                let key = key_of(&object);
                wake::<K>(context, &key);
                known.insert(key, object.resource_version());
            }
            Ok(Event::Delete(object)) => {
                let key = key_of(&object);
                known.remove(&key);
                wake::<K>(context, &key);
            }
            Err(error) => context.log.error(
                "watch failed, it is started again",
                json!({"controllerKind": K::kind(&()), "error": error.to_string()}),
            ),
        }
    }
}

fn key_of<K>(object: &PartialObjectMeta<K>) -> Key {
    Key {
        namespace: object.metadata.namespace.clone().unwrap_or_default(),
        name: object.metadata.name.clone().unwrap_or_default(),
    }
}

/// Makes the Kustomizations due that read an object.
fn wake<K: Resource<DynamicType = ()>>(context: &Context, object: &Key) {
    let kind = K::kind(&());
    let readers = context.kustomizations.keys(|key, kustomization| {
        key.namespace == object.namespace && reads(kustomization, &kind, &object.name)
    });
    context.kustomization_queue.add_all(readers);
}

fn reads(kustomization: &Kustomization, kind: &str, name: &str) -> bool {
    let spec = &kustomization.spec;
    let build = spec.post_build.iter().flat_map(|build| &build.substitute_from);
    let mut values = build.map(|reference| (&*reference.kind, &*reference.name));
    let config = spec.kube_config.as_ref();
    let secret = config.and_then(|config| config.secret_ref.as_ref()).map(|secret| &*secret.name);
    let map = config.and_then(|config| config.config_map_ref.as_ref()).map(|map| &*map.name);
    let keys = spec.decryption.as_ref().and_then(|decryption| decryption.secret_ref.as_ref());
    let secrets = [secret, keys.map(|keys| &*keys.name)];
    values.any(|reference| reference == (kind, name))
        || (kind == "Secret" && secrets.contains(&Some(name)))
        || (kind == "ConfigMap" && map == Some(name))
}
