//! What objects have now that decides which alerts take their events.

use kube::ResourceExt;
use reconciler_core::notify::InvolvedObject;

use crate::controller::queue::Key;
use crate::controller::store::Store;
use crate::controller::{Context, events};
use crate::notify::Traits;

/// What is known of an object.
pub(super) enum Known {
    /// It is there.
    Found(Traits),
    /// It is not there, or of no kind that is followed.
    Gone,
    /// Not all objects of its kind have been listed.
    NotYet,
}

/// What an object has now.
pub(super) fn traits(context: &Context, object: &InvolvedObject) -> Known {
    let key = Key { namespace: object.namespace.clone(), name: object.name.clone() };
    match object.kind.as_str() {
        "Kustomization" => known(&context.kustomizations, &key),
        "GitRepository" => known(&context.repositories, &key),
        "OCIRepository" => known(&context.sources.oci, &key),
        "Bucket" => known(&context.sources.buckets, &key),
        "ExternalArtifact" => known(&context.sources.external, &key),
        "ImageRepository" => known(&context.images.repositories, &key),
        "ImagePolicy" => known(&context.images.policies, &key),
        "ImageUpdateAutomation" => known(&context.images.automations, &key),
        "Alert" => known(&context.notifications.alerts, &key),
        "Provider" => known(&context.notifications.providers, &key),
        "Receiver" => known(&context.receivers, &key),
        _ => Known::Gone,
    }
}

fn known<K: ResourceExt>(store: &Store<K>, key: &Key) -> Known {
    match store.get(key) {
        Some(Ok(found)) => Known::Found(events::traits(&*found)),
        Some(Err(_)) => Known::Gone,
        None if store.is_known() => Known::Gone,
        None => Known::NotYet,
    }
}
