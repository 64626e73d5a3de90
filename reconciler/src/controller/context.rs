//! What all controllers share.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::{Client, ResourceExt};
use reconciler_api::condition::HasConditions;
use reconciler_api::kustomization::KubeConfig;
use reconciler_api::{GitRepository, Kustomization, Receiver};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use super::configs::WATCHED;
use super::identity::GoogleKeys;
use super::images::Images;
use super::kustomization::{self, Memory};
use super::log::Log;
use super::metrics::Metrics;
use super::notifications::Notifications;
use super::queue::{Key, Queue};
use super::shard::Shard;
use super::sources::{Offer, SourceKind, Sources};
use super::store::Store;
use super::tenancy::{self, Tenancy, Tenants};
use crate::apply::{Objects, Owner};
use crate::environment::Environment;
use crate::outbound::{InMemory, Reach};
use crate::source::git::{Commit, GithubTokens, Mirror};
use crate::turns::Turns;

/// The default time limit of a build.
pub(crate) const BUILD_TIMEOUT: Duration = Duration::from_secs(300);

/// For how long after an outage of the API server it may be the cause of failures: it refuses some requests until it has
/// read everything, and a request that is never answered fails after a minute.
const AFTERMATH: Duration = Duration::from_secs(120);
/// When what has failed is tried again in that time, and during the outage.
pub(super) const AFTER_OUTAGE: Duration = Duration::from_secs(5);

/// How long work waits for a namespace to be known.
const NAMESPACE: Duration = Duration::from_secs(10);

/// How many watches the Kustomizations of a namespace may have on other clusters together.
const REMOTE_WATCHES: usize = 256;

/// What says how another cluster is reached.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct ConfigPlace {
    /// The namespace, and the Secret or ConfigMap in it.
    pub(crate) reference: (String, KubeConfig),
    /// The user that makes the tokens for the cluster, if not the reconciler itself.
    pub(crate) user: Option<String>,
}

/// What all controllers share.
pub struct Context {
    pub(crate) environment: Environment,
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
    pub(crate) tenants: Tenants,
    /// Whether sources and providers of strict namespaces may be on this machine.
    allow_tenant_loopback: bool,
    /// Which objects this process reconciles.
    pub(super) shard: Shard,
    pub(crate) images: Images,
    pub(crate) notifications: Notifications,
    pub(crate) receivers: Store<Receiver>,
    pub(crate) receiver_queue: Arc<Queue>,
    pub(crate) mirrors: Mutex<HashMap<Key, Arc<Mirror>>>,
    pub(crate) sources: Sources,
    pub(super) github_tokens: GithubTokens,
    pub(super) google_keys: GoogleKeys,
    /// The server that artifacts are offered at, if they are.
    pub(super) artifacts: Option<String>,
    /// The URL of a repository in a directory that every namespace may use.
    pub(super) local_repository: Option<String>,
    /// When the API server was last out of reach.
    outage: Mutex<Option<Instant>>,
    /// Whether another process leads.
    is_waiting: AtomicBool,
    memories: Mutex<HashMap<Key, Memory>>,
    /// Other clusters, with the version of their kubeconfig.
    remotes: Mutex<HashMap<ConfigPlace, (String, Objects)>>,
    /// How many more watches each namespace may have on other clusters.
    remote_watches: Mutex<HashMap<String, Arc<Semaphore>>>,
    /// How much of the answers of other clusters is in memory for each namespace.
    remote_answers: Mutex<HashMap<String, InMemory>>,
    drifts: mpsc::UnboundedSender<Owner>,
    drifted: Mutex<Option<mpsc::UnboundedReceiver<Owner>>>,
    /// Builds that may run at the same time.
    pub(crate) builds: Arc<Turns>,
    /// Expressions that may be evaluated at the same time.
    pub(super) evaluations: Arc<Turns>,
    /// The time limit of each build.
    pub(super) build_timeout: Duration,
    /// The labels of ConfigMaps and Secrets that make their readers due.
    pub(super) watched_configs: String,
    /// The program that evaluates policies in Rego.
    pub(crate) evaluator: PathBuf,
    /// What Kustomizations of this cluster may do at the same time.
    pub(crate) here: Capacity,
    /// What those of other clusters may do, which can keep a request waiting for its whole timeout.
    pub(crate) elsewhere: Capacity,
}

/// How many Kustomizations may be at work.
pub(crate) struct Capacity {
    /// Those that are applied.
    pub(crate) applies: Arc<Turns>,
    /// Those that have their objects in memory, from the build until they are applied.
    pub(crate) renderings: Arc<Turns>,
}

impl Capacity {
    /// Of `cores` times eight that are applied, and twice as many in memory, one namespace may have `share` eighths.
    fn new(cores: usize, share: usize) -> Self {
        Capacity {
            applies: Turns::new(cores * 8, cores * share),
            renderings: Turns::new(cores * 16, cores * share * 2),
        }
    }
}

impl Context {
    /// What controllers need: a cluster, a directory for repositories, a log.
    #[must_use]
    pub fn new(client: Client, data: PathBuf, log: Log) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (drifts, drifted) = mpsc::unbounded_channel();
        Context {
            environment: Environment::default(),
            objects: Objects::observed(client.clone(), drifts.clone()),
            client,
            log,
            metrics: Metrics::default(),
            data,
            repositories: Store::default(),
            repository_queue: Arc::default(),
            kustomizations: Store::default(),
            kustomization_queue: Arc::default(),
            tenants: Tenants::default(),
            allow_tenant_loopback: false,
            shard: Shard::default(),
            images: Images::default(),
            notifications: Notifications::default(),
            receivers: Store::default(),
            receiver_queue: Arc::default(),
            mirrors: Mutex::default(),
            sources: Sources::default(),
            github_tokens: GithubTokens::default(),
            google_keys: GoogleKeys::default(),
            artifacts: None,
            local_repository: None,
            outage: Mutex::default(),
            is_waiting: AtomicBool::default(),
            memories: Mutex::default(),
            remotes: Mutex::default(),
            remote_watches: Mutex::default(),
            remote_answers: Mutex::default(),
            drifts,
            drifted: Mutex::new(Some(drifted)),
            // There is always a permit for another namespace: a build can take long, and applying can wait for the cluster.
            builds: Turns::new(cores + 1, cores),
            evaluations: Turns::new(cores + 1, cores),
            build_timeout: BUILD_TIMEOUT,
            watched_configs: WATCHED.to_owned(),
            evaluator: PathBuf::new(),
            here: Capacity::new(cores, 6),
            // It takes eight namespaces to delay another one.
            elsewhere: Capacity::new(cores, 1),
        }
    }

    /// The same with the time and randomness of this environment.
    #[must_use]
    pub fn with_environment(mut self, environment: Environment) -> Self {
        self.objects = self.objects.with_environment(environment.clone());
        self.log = self.log.with_environment(environment.clone());
        self.notifications = self.notifications.with_environment(environment.clone());
        self.environment = environment;
        self
    }

    /// The same with what has been counted already.
    #[must_use]
    pub(crate) fn with_metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Offers artifacts at a server, a host name or the beginning of a URL.
    #[must_use]
    pub fn with_artifacts(mut self, server: Option<String>) -> Self {
        self.artifacts = server;
        self
    }

    /// The same for some of the objects only.
    #[must_use]
    pub fn with_shard(mut self, shard: Shard) -> Self {
        self.shard = shard;
        self
    }

    /// The same with a repository in a directory, of which this is the URL, that every namespace may use.
    #[must_use]
    pub fn with_local_repository(mut self, url: Option<String>) -> Self {
        self.local_repository = url;
        self
    }

    /// The same with a rule for which namespaces are strict, and the namespace of the reconciler.
    #[must_use]
    pub fn with_tenancy(mut self, tenancy: Tenancy, own: Option<String>) -> Self {
        self.tenants = Tenants::new(tenancy, own);
        self
    }

    /// The same with a rule for whether sources and providers of strict namespaces may be on this machine.
    #[must_use]
    pub fn with_tenant_loopback(mut self, is_allowed: bool) -> Self {
        self.allow_tenant_loopback = is_allowed;
        self
    }

    /// Which addresses sources and providers of a namespace may have. After a start, and where a namespace is new, this
    /// waits until the namespace is known; one that stays unknown may be strict.
    pub(super) async fn reach(&self, namespace: &str) -> Reach {
        if self.allow_tenant_loopback {
            return Reach::Everywhere;
        }
        let end = Instant::now() + NAMESPACE;
        let is_strict = loop {
            match self.tenants.is_strict(namespace) {
                None if Instant::now() < end => tokio::time::sleep(Duration::from_millis(50)).await,
                found => break found,
            }
        };
        if is_strict == Some(false) { Reach::Everywhere } else { Reach::OtherMachines }
    }

    /// Sets the time limit of a build.
    #[must_use]
    pub fn with_build_timeout(mut self, timeout: Duration) -> Self {
        self.build_timeout = timeout;
        self
    }

    /// The same with a selector for the labels of ConfigMaps and Secrets that make their readers due.
    #[must_use]
    pub fn with_watched_configs(mut self, selector: String) -> Self {
        self.watched_configs = selector;
        self
    }

    /// The same with the program that evaluates policies in Rego.
    #[must_use]
    pub fn with_evaluator(mut self, program: PathBuf) -> Self {
        self.evaluator = program;
        self
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Notes whether another process leads.
    pub(crate) fn set_waiting(&self, is_waiting: bool) {
        self.is_waiting.store(is_waiting, Ordering::Relaxed);
    }

    /// Whether all objects of the cluster are known, or another process leads.
    pub(crate) fn is_ready(&self) -> bool {
        if self.is_waiting.load(Ordering::Relaxed) {
            return true;
        }
        self.repositories.is_listed() && self.kustomizations.is_listed()
    }

    /// Notes what was fetched for a GitRepository, and makes those due that use it, if it is new. Returns whether
    /// it is.
    pub(crate) fn set_commit(&self, repository: &Key, commit: Commit) -> bool {
        let offer = Offer::new(commit.into());
        let is_new = self.set_offer(SourceKind::GitRepository, repository, offer);
        if is_new {
            self.images.source_changed(repository);
        }
        is_new
    }

    /// Notes what a source offers, and makes those due that use it, if it is new. Returns whether it is.
    pub(crate) fn set_offer(&self, kind: SourceKind, key: &Key, offer: Offer) -> bool {
        if !self.sources.set_offer(kind, key, offer) {
            return false;
        }
        self.wake_users(kind, key);
        true
    }

    /// Makes the Kustomizations due that use a source.
    pub(super) fn wake_users(&self, kind: SourceKind, key: &Key) {
        let users = self.kustomizations.keys(|user, kustomization| {
            let source = &kustomization.spec.source_ref;
            source.kind == kind.name()
                && source.name == key.name
                && source.namespace.as_ref().unwrap_or(&user.namespace) == &key.namespace
        });
        self.kustomization_queue.add_all(users);
    }

    /// Makes the Kustomizations due that wait for another one.
    ///
    /// One that is being worked on may have seen the other one as it was before, and its status does not say yet that it
    /// waits. Its status is in the store before the work ends, so that each is one or the other.
    pub(super) fn wake_dependents(&self, key: &Key) {
        let queue = &self.kustomization_queue;
        let dependents = self.kustomizations.keys(|dependent, other| {
            kustomization::depends_on(dependent, other, key)
                && (queue.is_working_on(dependent) || !other.is_ready())
        });
        queue.add_all(dependents);
    }

    /// The same when another process has written the status of the other one, unless it is still at work on it.
    pub(super) fn wake_dependents_of_another(&self, key: &Key) {
        let Some(Ok(other)) = self.kustomizations.get(key) else { return };
        if !self.shard.has(&*other) && !kustomization::is_in_progress(&other) {
            self.wake_dependents(key);
        }
    }

    /// Notes that this process has looked at a source. The Kustomizations that have waited for the first look are due if
    /// nothing else tells them; returns whether that is so.
    pub(super) fn looked_at(&self, kind: SourceKind, key: &Key) -> bool {
        let is_missed = self.sources.note_look(kind, key) && self.sources.offer(kind, key).is_none();
        if is_missed {
            self.wake_users(kind, key);
        }
        is_missed
    }

    /// Whether a source has an artifact that this process has not looked for yet, since it has just started.
    pub(super) fn is_awaited(&self, kind: SourceKind, key: &Key) -> bool {
        fn has<K>(found: Option<Result<Arc<K>, String>>, has: impl Fn(&K) -> bool) -> bool {
            found.and_then(Result::ok).is_some_and(|source| has(&source))
        }
        let has_artifact = || match kind {
            SourceKind::GitRepository => has(self.repositories.get(key), |source| {
                source.status.as_ref().is_some_and(|status| status.artifact.is_some())
            }),
            SourceKind::OCIRepository => has(self.sources.oci.get(key), |source| {
                source.status.as_ref().is_some_and(|status| status.artifact.is_some())
            }),
            SourceKind::Bucket => has(self.sources.buckets.get(key), |source| {
                source.status.as_ref().is_some_and(|status| status.artifact.is_some())
            }),
            SourceKind::ExternalArtifact => has(self.sources.external.get(key), |source| {
                source.status.as_ref().is_some_and(|status| status.artifact.is_some())
            }),
        };
        !self.sources.is_looked_at(kind, key) && self.sources.offer(kind, key).is_none() && has_artifact()
    }

    /// Whether a source is a GitRepository that this process fetches.
    pub(super) fn is_own_repository(&self, kind: SourceKind, key: &Key) -> bool {
        let found = if kind == SourceKind::GitRepository { self.repositories.get(key) } else { None };
        matches!(found, Some(Ok(repository)) if self.shard.has(&*repository))
    }

    /// Whether there is a source.
    pub(crate) fn has_source(&self, kind: SourceKind, key: &Key) -> bool {
        match kind {
            SourceKind::GitRepository => self.repositories.get(key).is_some(),
            SourceKind::OCIRepository => self.sources.oci.get(key).is_some(),
            SourceKind::Bucket => self.sources.buckets.get(key).is_some(),
            SourceKind::ExternalArtifact => self.sources.external.get(key).is_some(),
        }
    }

    /// Whether objects of a namespace may use a source: it is their own, their namespace is not strict, or the owner of
    /// the source allows it.
    pub(super) fn may_use(&self, namespace: &str, kind: &str, key: &Key) -> bool {
        fn allowed<K: ResourceExt>(found: Option<Result<Arc<K>, String>>) -> Option<String> {
            tenancy::allowed(&*found?.ok()?).map(str::to_owned)
        }
        let allowed = match kind.parse() {
            Ok(SourceKind::GitRepository) => allowed(self.repositories.get(key)),
            Ok(SourceKind::OCIRepository) => allowed(self.sources.oci.get(key)),
            Ok(SourceKind::Bucket) => allowed(self.sources.buckets.get(key)),
            Ok(SourceKind::ExternalArtifact) => allowed(self.sources.external.get(key)),
            Err(_) => None,
        };
        self.tenants.may_refer(namespace, &key.namespace, allowed.as_deref())
    }

    /// Whether all sources of a kind are known.
    pub(crate) fn are_sources_listed(&self, kind: SourceKind) -> bool {
        match kind {
            SourceKind::GitRepository => self.repositories.is_listed(),
            SourceKind::OCIRepository => self.sources.oci.is_listed(),
            SourceKind::Bucket => self.sources.buckets.is_listed(),
            SourceKind::ExternalArtifact => self.sources.external.is_listed(),
        }
    }

    /// The names of the sources of a kind in a namespace.
    pub(crate) fn source_names(&self, kind: SourceKind, namespace: &str) -> Vec<String> {
        let keys = match kind {
            SourceKind::GitRepository => self.repositories.keys(|key, _| key.namespace == namespace),
            SourceKind::OCIRepository => self.sources.oci.keys(|key, _| key.namespace == namespace),
            SourceKind::Bucket => self.sources.buckets.keys(|key, _| key.namespace == namespace),
            SourceKind::ExternalArtifact => self.sources.external.keys(|key, _| key.namespace == namespace),
        };
        keys.into_iter().map(|key| key.name).collect()
    }

    /// Forgets a GitRepository.
    pub(crate) fn forget_repository(&self, key: &Key) {
        self.sources.forget(&self.data, SourceKind::GitRepository, key);
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

    /// Notes that the API server is out of reach.
    pub(crate) fn note_outage(&self) {
        *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// When to try again what has failed and would be tried again after `interval`: soon, if an outage of the API server
    /// may be the cause.
    pub(crate) fn retry(&self, interval: Duration) -> Duration {
        let outage = *self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = outage.is_some_and(|outage| outage.elapsed() < AFTERMATH);
        if is_recent { interval.min(AFTER_OUTAGE) } else { interval }
    }

    /// Another cluster that is known already, if the Secret is still the same.
    pub(crate) fn remote(&self, place: &ConfigPlace, version: &str) -> Option<Objects> {
        let remotes = self.remotes.lock().unwrap_or_else(PoisonError::into_inner);
        remotes.get(place).filter(|(known, _)| known == version).map(|(_, objects)| objects.clone())
    }

    /// Adds another cluster, and forgets those that no Kustomization names anymore.
    pub(crate) fn add_remote(&self, place: ConfigPlace, version: String, client: Client) -> Objects {
        let limit = self.remote_watches(&place.reference.0);
        let objects = Objects::limited(client, self.drifts.clone(), limit);
        let objects = objects.with_environment(self.environment.clone());
        self.forget_unused_remotes();
        let mut remotes = self.remotes.lock().unwrap_or_else(PoisonError::into_inner);
        remotes.insert(place, (version, objects.clone()));
        objects
    }

    /// Forgets other clusters that no Kustomization names anymore. Their watches end.
    pub(crate) fn forget_unused_remotes(&self) {
        let mut remotes = self.remotes.lock().unwrap_or_else(PoisonError::into_inner);
        if remotes.is_empty() {
            return;
        }
        let mut used = HashSet::new();
        self.kustomizations.keys(|key, other| {
            used.extend(other.spec.kube_config.clone().map(|config| (key.namespace.clone(), config)));
            false
        });
        remotes.retain(|place, _| used.contains(&place.reference));
    }

    /// How many more watches a namespace may have on other clusters.
    fn remote_watches(&self, namespace: &str) -> Arc<Semaphore> {
        let mut all = self.remote_watches.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Semaphore::new(REMOTE_WATCHES));
        Arc::clone(all.entry(namespace.to_owned()).or_insert_with(new))
    }

    /// How much of the answers of other clusters is in memory for a namespace.
    pub(crate) fn remote_answers(&self, namespace: &str) -> InMemory {
        let mut all = self.remote_answers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(namespace.to_owned()).or_default())
    }

    /// Makes Kustomizations due whose objects were changed by others, for ever.
    pub(super) async fn follow_drifts(&self) {
        let drifted = self.drifted.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut drifted) = drifted else { return };
        while let Some((name, namespace)) = drifted.recv().await {
            self.kustomization_queue.add(Key { namespace, name });
        }
    }
}

#[cfg(test)]
mod tests {
    use embedded_cluster::Cluster;

    use super::*;
    use crate::controller::store;

    #[tokio::test]
    async fn a_namespace_that_is_not_known_yet_is_waited_for() {
        let client = Client::new(Cluster::in_memory().service(), "default");
        let context = Arc::new(Context::new(client, "unused".into(), Log::new(std::io::sink())));
        let later = Arc::clone(&context);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            store::follow_all(&later, &later.tenants.namespaces, &later.tenants.queue).await;
        });
        assert_eq!(context.reach("default").await, Reach::Everywhere);
        let strict = Context::new(context.client.clone(), "unused".into(), Log::new(std::io::sink()));
        let strict = strict.with_tenancy(Tenancy::Strict, None);
        assert_eq!(strict.reach("default").await, Reach::OtherMachines);
    }
}
