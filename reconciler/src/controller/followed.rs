//! The kinds that are followed, and what follows from a change of an object besides its own reconciliation.

use std::fmt::Debug;

use k8s_openapi::api::core::v1::Namespace;
use kube::Resource;
use reconciler_api::{
    Alert, Bucket, ExternalArtifact, GitRepository, ImagePolicy, ImageRepository, ImageUpdateAutomation,
    Kustomization, OCIRepository, Provider, Receiver,
};
use serde::de::DeserializeOwned;

use super::Context;
use super::kustomization::depends_on;
use super::queue::Key;
use super::sources::SourceKind;

/// A kind whose objects are followed.
pub(crate) trait Followed: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug {
    /// Whether another process makes the artifacts of the objects, also of those that are this process's.
    const IS_MADE_ELSEWHERE: bool = false;

    /// The owner of an object has changed who may refer to it: those who do are due, whether they may now or no longer.
    fn allowance_changed(_context: &Context, _key: &Key) {}

    /// The cluster has another version of an object, which may differ in its status only.
    fn changed(_context: &Context, _key: &Key) {}
}

impl Followed for GitRepository {
    fn allowance_changed(context: &Context, key: &Key) {
        context.wake_users(SourceKind::GitRepository, key);
        context.images.source_changed(key);
    }
}

impl Followed for OCIRepository {
    fn allowance_changed(context: &Context, key: &Key) {
        context.wake_users(SourceKind::OCIRepository, key);
    }
}

impl Followed for Bucket {
    fn allowance_changed(context: &Context, key: &Key) {
        context.wake_users(SourceKind::Bucket, key);
    }
}

impl Followed for ExternalArtifact {
    const IS_MADE_ELSEWHERE: bool = true;

    fn allowance_changed(context: &Context, key: &Key) {
        context.wake_users(SourceKind::ExternalArtifact, key);
    }
}

impl Followed for Kustomization {
    fn allowance_changed(context: &Context, key: &Key) {
        let dependents = context.kustomizations.keys(|dependent, other| depends_on(dependent, other, key));
        context.kustomization_queue.add_all(dependents);
    }

    fn changed(context: &Context, key: &Key) {
        context.wake_dependents_of_another(key);
    }
}

impl Followed for ImageRepository {
    fn allowance_changed(context: &Context, key: &Key) {
        context.images.repository_changed(key);
    }
}

impl Followed for ImagePolicy {}
impl Followed for ImageUpdateAutomation {}
impl Followed for Alert {}
impl Followed for Provider {}
impl Followed for Receiver {}
impl Followed for Namespace {}
