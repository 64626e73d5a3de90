//! Tenants: namespaces whose objects use nothing but what is their own.
//!
//! In a strict namespace everything is read and written on behalf of a service account of the namespace, also
//! where Flux uses its own privileges, and nothing refers to another namespace.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use reconciler_api::condition::HasConditions;
use reconciler_api::{GitRepository, annotation};

use super::queue::{Key, Queue};
use super::store::Store;
use super::{Context, Next};

/// The account that acts for an object of a strict namespace that names none.
pub(super) const DEFAULT_ACCOUNT: &str = "default";

/// Which namespaces are strict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tenancy {
    /// Those with the label `toolkit.fluxcd.io/tenant`, except that of the reconciler itself.
    #[default]
    Labelled,
    /// All.
    Strict,
}

impl FromStr for Tenancy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "labelled" => Ok(Tenancy::Labelled),
            "strict" => Ok(Tenancy::Strict),
            _ => Err(format!("there is no tenancy {text:?}, only labelled and strict")),
        }
    }
}

/// The namespaces, and which of them are strict.
#[derive(Default)]
pub(crate) struct Tenants {
    tenancy: Tenancy,
    /// The namespace of the reconciler. Its label makes it no tenant's: repositories give one label to everything that
    /// a team has, the namespace that Flux is bootstrapped in among it, and whoever can write here has the reconciler.
    own: Option<String>,
    pub(super) namespaces: Store<Namespace>,
    pub(super) queue: Arc<Queue>,
    /// Which namespaces were strict when they changed last.
    were_strict: Mutex<HashMap<String, Option<bool>>>,
}

impl Tenants {
    pub(super) fn new(tenancy: Tenancy, own: Option<String>) -> Self {
        Tenants { tenancy, own, ..Tenants::default() }
    }

    /// Whether a namespace is strict. Nothing while it is not known: what is in it has to wait.
    pub(super) fn is_strict(&self, namespace: &str) -> Option<bool> {
        if self.tenancy == Tenancy::Strict {
            return Some(true);
        }
        let key = Key { namespace: String::new(), name: namespace.to_owned() };
        let found = self.namespaces.get(&key)?.ok()?;
        Some(self.own.as_deref() != Some(namespace) && found.labels().contains_key(annotation::TENANT))
    }

    /// Notes whether a namespace is strict. Returns whether it was the opposite before.
    fn note(&self, namespace: &str) -> bool {
        let is_strict = self.is_strict(namespace);
        let mut known = self.were_strict.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(namespace.to_owned(), is_strict).is_some_and(|before| before != is_strict)
    }

    /// Whether objects of the namespace `from` may refer to an object of the namespace `to`: it is the same one, `from` is
    /// not strict, or the owner of the object allows it, whose annotation is `allowed`.
    pub(super) fn may_refer(&self, from: &str, to: &str, allowed: Option<&str>) -> bool {
        from == to || names(allowed, from) || self.is_strict(from) == Some(false)
    }
}

/// Whether the owner of an object, whose annotation is `allowed`, allows those of a namespace to refer to it.
pub(super) fn names(allowed: Option<&str>, namespace: &str) -> bool {
    allowed.is_some_and(|list| list.split(',').map(str::trim).any(|one| one == "*" || one == namespace))
}

/// The namespaces that the owner of an object allows to refer to it.
pub(super) fn allowed(object: &impl ResourceExt) -> Option<&str> {
    object.annotations().get(annotation::ALLOWED_NAMESPACES).map(String::as_str)
}

/// What is said of a reference that is refused to a namespace. The object is `KIND/NAMESPACE/NAME`.
pub(super) fn refusal(object: &str, namespace: &str) -> String {
    format!("{}; {}", blocked(object), remedy(namespace))
}

/// What Flux says of a reference that it refuses.
pub(super) fn blocked(object: &str) -> String {
    format!("can't access '{object}', cross-namespace references have been blocked")
}

/// How the owner of an object allows a namespace to refer to it.
pub(super) fn remedy(namespace: &str) -> String {
    format!("its owner can allow it with the annotation {}: {namespace}", annotation::ALLOWED_NAMESPACES)
}

/// A namespace is new: what is in it may have waited for that.
pub(super) async fn namespace_changed(context: Arc<Context>, key: Key) -> Next {
    // What is ready has not waited. To make it due at each start would cancel its health checks.
    let is_changed = context.tenants.note(&key.name);
    let inside = context
        .kustomizations
        .keys(|one, found| one.namespace == key.name && (is_changed || !found.is_ready()));
    context.kustomization_queue.add_all(inside);
    let inside = context.images.automations.keys(|one, _| one.namespace == key.name);
    context.images.automation_queue.add_all(inside);
    let local = |one: &Key, repository: &GitRepository| {
        one.namespace == key.name && (repository.spec.url.starts_with("file:") || !repository.is_ready())
    };
    context.repository_queue.add_all(context.repositories.keys(local));
    // Until the namespace was known, those on this machine were refused.
    let sources = &context.sources;
    let waiting = sources.oci.keys(|one, found| one.namespace == key.name && !found.is_ready());
    sources.oci_queue.add_all(waiting);
    let waiting = sources.buckets.keys(|one, found| one.namespace == key.name && !found.is_ready());
    sources.bucket_queue.add_all(waiting);
    let images = &context.images;
    let waiting = images.repositories.keys(|one, found| one.namespace == key.name && !found.is_ready());
    images.repository_queue.add_all(waiting);
    let alerts = context.notifications.alerts.keys(|one, _| one.namespace == key.name);
    context.notifications.alert_queue.add_all(alerts);
    Next::OnChange
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_allows_namespaces_by_name() {
        let strict = Tenants::new(Tenancy::Strict, None);
        for (list, may_refer) in [
            (None, false),
            (Some(""), false),
            (Some("apps"), true),
            (Some("web, apps"), true),
            (Some("*"), true),
            (Some("apps-2,my-apps"), false),
            (Some("ap*"), false),
        ] {
            assert_eq!(strict.may_refer("apps", "platform", list), may_refer, "{list:?}");
            assert!(strict.may_refer("apps", "apps", list), "{list:?}");
        }
        // A namespace that is not known yet may be strict.
        let labelled = Tenants::new(Tenancy::Labelled, None);
        assert!(!labelled.may_refer("apps", "platform", None));
        assert!(labelled.may_refer("apps", "platform", Some("apps")));
    }
}
