//! Sources other than git: fetched at their interval, or when someone asks for it.

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use kube::core::NamespaceResourceScope;
use kube::{Resource, ResourceExt};
use reconciler_api::condition::{self, Condition, ConditionStatus};
use reconciler_api::{Artifact, reason};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::events::{self, Report};
use super::outcome::{Failure, Names, conclude, is_news, requested};
use super::queue::Key;
use super::sources::{Offer, SourceKind, Sources};
use super::store::Store;
use super::{Context, Next, artifacts, finalizer, foreign, status};
use crate::source::Snapshot;

/// The pause after an error of the cluster.
const SOON: Duration = Duration::from_secs(1);
/// The longest pause after a failure.
const RETRY: Duration = Duration::from_secs(60);

/// The parts that the status of every source has.
pub(super) struct Parts<'a> {
    pub(super) conditions: &'a mut Vec<Condition>,
    pub(super) artifact: &'a mut Option<Artifact>,
    pub(super) observed_generation: &'a mut Option<i64>,
    pub(super) last_handled_reconcile_at: &'a mut Option<String>,
    pub(super) url: &'a mut Option<String>,
}

/// A kind of source.
pub(super) trait Source:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + DeserializeOwned
    + Clone
    + Debug
    + Send
    + Sync
    + 'static
{
    /// Its status.
    type Status: Serialize + Clone + Default + Send + Sync;
    /// The kind.
    const KIND: SourceKind;
    /// What logs and events call it.
    const NAMES: Names;

    /// The objects of this kind.
    fn store(sources: &Sources) -> &Store<Self>;
    /// How often it is fetched.
    fn interval(&self) -> reconciler_api::Duration;
    /// Whether it is not to be fetched.
    fn is_suspended(&self) -> bool;
    /// Its status as the cluster has it.
    fn status(&self) -> Self::Status;
    /// The parts of a status.
    fn parts(status: &mut Self::Status) -> Parts<'_>;
    /// Writes down what of the spec has been taken into account.
    fn observe(&self, status: &mut Self::Status);
    /// The message of conditions when a revision is there.
    fn stored(&self, revision: &str) -> String;
    /// Whether what is fetched has a signature that was verified.
    fn is_verified(&self) -> bool {
        false
    }
    /// The message of the event when a revision is new.
    fn news(&self, offer: &Offer) -> String;
    /// Fetches what the source has now. What is known already need not be fetched again.
    fn fetch(
        &self,
        context: &Context,
        key: &Key,
        known: Option<&Offer>,
    ) -> impl Future<Output = Result<Offer, Failure>> + Send;
}

/// Fetches a source and writes its status.
pub(super) async fn reconcile<K: Source>(context: Arc<Context>, key: Key) -> Next {
    let store = K::store(&context.sources);
    let object = match store.get(&key) {
        None => {
            context.sources.forget(&context.data, K::KIND, &key);
            return Next::Gone;
        }
        Some(Err(error)) => {
            let fields = K::NAMES.fields(&key, json!({"error": error}));
            context.log.error("the object cannot be read", fields);
            return Next::OnChange;
        }
        Some(Ok(object)) => object,
    };
    if !context.shard.has(&*object) {
        let artifact = K::parts(&mut object.status()).artifact.take();
        return foreign::follow(&context, K::KIND, &key, artifact.as_ref()).await;
    }
    if object.meta().deletion_timestamp.is_some() {
        context.sources.forget(&context.data, K::KIND, &key);
        return match finalizer::remove(&context.client, &*object).await {
            Ok(()) => Next::OnChange,
            Err(_) => Next::Failed(Some(SOON)),
        };
    }
    if finalizer::add(&context.client, &*object).await.is_err() {
        return Next::Failed(Some(SOON));
    }
    recall::<K>(&context, &key);
    if object.is_suspended() {
        context.looked_at(K::KIND, &key);
        return Next::OnChange;
    }
    let known = context.sources.offer(K::KIND, &key);
    let outcome = fetch(&context, &key, &*object, known.as_ref()).await;
    let old = object.status();
    let mut new = old.clone();
    let next = match &outcome {
        Ok((offer, artifact)) => {
            succeed(&context, &key, &*object, &old, &mut new, offer, artifact.clone()).await
        }
        Err(failure) => fail(&context, &key, &*object, &mut new, failure).await,
    };
    let parts = K::parts(&mut new);
    *parts.observed_generation = object.meta().generation;
    if let Some(token) = requested(&*object) {
        *parts.last_handled_reconcile_at = Some(token);
    }
    // The status first: who sees that something was applied may ask where it came from. A Kustomization
    // that is asked for as soon as the status is there waits for the offer.
    let publication = context.sources.publish(K::KIND, &key).await;
    let written = status::write::<K>(&context.client, &key, &old, &new).await;
    if let Ok((offer, _)) = outcome {
        context.set_offer(K::KIND, &key, offer);
    }
    drop(publication);
    context.looked_at(K::KIND, &key);
    match written {
        Ok(written) => {
            if let Some(written) = written {
                store.written(&key, written);
            }
            next
        }
        Err(error) => {
            let fields = K::NAMES.fields(&key, json!({"error": error.to_string()}));
            context.log.error("status could not be written", fields);
            Next::Failed(Some(SOON))
        }
    }
}

/// What a source has now, with its artifact.
async fn fetch<K: Source>(
    context: &Context,
    key: &Key,
    object: &K,
    known: Option<&Offer>,
) -> Result<(Offer, Artifact), Failure> {
    let offer = object.fetch(context, key, known).await?;
    let had = K::parts(&mut object.status()).artifact.take();
    let is_known = known.is_some_and(|known| known.snapshot.tree.id() == offer.snapshot.tree.id());
    let is_same = |had: &Artifact| {
        is_known
            && had.revision == offer.snapshot.revision
            && had.size.is_some() == context.artifacts.is_some()
            && had.url == context.artifact_url(key, &had.path)
    };
    if let Some(had) = had.filter(is_same) {
        return Ok((offer, had));
    }
    let artifact = artifact(context, K::KIND, key, &offer).await.map_err(|error| {
        let message = format!("unable to archive artifact to storage: {error}");
        Failure::new(reason::ARCHIVE_OPERATION_FAILED, message)
    })?;
    Ok((offer, artifact))
}

/// After a start: hands out what was fetched before.
fn recall<K: Source>(context: &Context, key: &Key) {
    if context.sources.offer(K::KIND, key).is_some() {
        return;
    }
    let store = context.sources.store(&context.data, K::KIND, key).ok();
    let Some((record, tree)) = store.and_then(|store| store.recall()) else { return };
    let snapshot = Snapshot { revision: record.revision, commit: None, tree };
    let offer = Offer {
        snapshot,
        generation: record.generation,
        metadata: record.metadata,
        files: record.files,
        foreign: None,
    };
    context.set_offer(K::KIND, key, offer);
}

async fn succeed<K: Source>(
    context: &Context,
    key: &Key,
    object: &K,
    old: &K::Status,
    new: &mut K::Status,
    offer: &Offer,
    artifact: Artifact,
) -> Next {
    let revision = offer.snapshot.revision.as_str();
    let message = object.stored(revision);
    let mut old = old.clone();
    let had = K::parts(&mut old).artifact.take();
    let parts = K::parts(new);
    conclude(parts.conditions, Ok(&message), object.meta().generation, context.environment.now());
    condition::set(
        parts.conditions,
        condition::ARTIFACT_IN_STORAGE,
        ConditionStatus::True,
        reason::SUCCEEDED,
        &*message,
        object.meta().generation,
        context.environment.now(),
    );
    for type_ in [condition::FETCH_FAILED, condition::ARTIFACT_OUTDATED, condition::STORAGE_OPERATION_FAILED]
    {
        condition::remove(parts.conditions, type_);
    }
    if object.is_verified() {
        let message = format!("verified signature of revision {revision}");
        condition::set(
            parts.conditions,
            condition::SOURCE_VERIFIED,
            ConditionStatus::True,
            reason::SUCCEEDED,
            message,
            object.meta().generation,
            context.environment.now(),
        );
    } else {
        condition::remove(parts.conditions, condition::SOURCE_VERIFIED);
    }
    *parts.url = Some(context.latest_url(K::KIND, key));
    let is_same = |had: &Artifact| had.revision == revision && had.digest == artifact.digest;
    let is_new = !had.as_ref().is_some_and(is_same);
    if is_new || had.as_ref().is_some_and(|had| had.url != artifact.url || had.metadata != artifact.metadata)
    {
        *parts.artifact = Some(artifact);
    }
    object.observe(new);
    if is_new {
        let message = object.news(offer);
        context.log.info(&message, K::NAMES.fields(key, json!({"revision": revision})));
        let report = Report::info(K::NAMES.component, reason::NEW_ARTIFACT, &message);
        events::send(context, object, &report.at(Some(revision))).await;
    }
    let report = Report::info(K::NAMES.component, reason::SUCCEEDED, &message);
    events::mended(context, object, &report.at(Some(revision))).await;
    Next::at_interval(object.interval())
}

async fn fail<K: Source>(
    context: &Context,
    key: &Key,
    object: &K,
    new: &mut K::Status,
    failure: &Failure,
) -> Next {
    let parts = K::parts(new);
    let known = parts.conditions.clone();
    conclude(parts.conditions, Err(failure), object.meta().generation, context.environment.now());
    let (type_, status, lapsed) = if failure.reason == reason::VERIFICATION_ERROR {
        (condition::SOURCE_VERIFIED, ConditionStatus::False, condition::FETCH_FAILED)
    } else {
        (condition::FETCH_FAILED, ConditionStatus::True, condition::SOURCE_VERIFIED)
    };
    condition::set(
        parts.conditions,
        type_,
        status,
        failure.reason,
        &*failure.message,
        object.meta().generation,
        context.environment.now(),
    );
    // What was verified before is still in use when something else fails.
    if lapsed == condition::FETCH_FAILED || !object.is_verified() {
        condition::remove(parts.conditions, lapsed);
    }
    context.log.error("Reconciler error", K::NAMES.fields(key, json!({"error": failure.message})));
    if is_news(&known, &failure.message) {
        let report = Report::error(K::NAMES.component, failure.reason, &failure.message);
        events::send(context, object, &report).await;
    }
    Next::Failed((!failure.is_permanent).then(|| object.interval().to_std().min(RETRY)))
}

/// The artifact. Its digest is that of the archive if archives are offered, or else the id of the tree.
async fn artifact(context: &Context, kind: SourceKind, key: &Key, offer: &Offer) -> io::Result<Artifact> {
    let revision = &offer.snapshot.revision;
    let summary = context.summarize(key, &offer.snapshot.tree).await?;
    let path = artifacts::path(kind, key, revision);
    Ok(Artifact {
        url: context.artifact_url(key, &path),
        path,
        revision: revision.clone(),
        size: summary.as_ref().and_then(|summary| summary.size.try_into().ok()),
        digest: summary
            .map_or_else(|| format!("sha1:{}", offer.snapshot.tree.id()), |summary| summary.digest),
        last_update_time: context.environment.now().into(),
        metadata: offer.metadata.clone(),
    })
}

/// What is known of a source whose revision and spec are still the same.
pub(super) fn unchanged<K: ResourceExt>(object: &K, known: Option<&Offer>, revision: &str) -> Option<Offer> {
    let generation = object.meta().generation.unwrap_or_default();
    known.filter(|known| known.snapshot.revision == revision && known.generation == generation).cloned()
}
