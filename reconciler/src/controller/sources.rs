//! What sources offer, and who is due when that changes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reconciler_api::{Bucket, ExternalArtifact, OCIRepository};
use tokio::sync::OwnedMutexGuard;

use super::queue::{Key, Queue};
use super::store::Store;
use crate::source::Snapshot;
use crate::source::tree_store::{TreeError, TreeStore};

/// A kind of source that Kustomizations can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum SourceKind {
    GitRepository,
    OCIRepository,
    Bucket,
    ExternalArtifact,
}

impl SourceKind {
    /// All kinds.
    pub(super) const ALL: [SourceKind; 4] = [
        SourceKind::GitRepository,
        SourceKind::OCIRepository,
        SourceKind::Bucket,
        SourceKind::ExternalArtifact,
    ];

    /// The kind, as references write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            SourceKind::GitRepository => "GitRepository",
            SourceKind::OCIRepository => "OCIRepository",
            SourceKind::Bucket => "Bucket",
            SourceKind::ExternalArtifact => "ExternalArtifact",
        }
    }
}

impl FromStr for SourceKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        SourceKind::ALL.into_iter().find(|kind| kind.name() == text).ok_or(())
    }
}

/// What a source offers, and what it was made for.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) snapshot: Snapshot,
    /// The generation of the object for which it was fetched; what it holds may depend on the spec.
    pub(super) generation: i64,
    /// What the source says about it.
    pub(super) metadata: BTreeMap<String, String>,
    /// How many files it has.
    pub(super) files: usize,
    /// The digest of the archive, if another process has made it.
    pub(super) foreign: Option<String>,
}

impl Offer {
    /// A revision of which nothing else is known.
    pub(super) fn new(snapshot: Snapshot) -> Self {
        Offer { snapshot, generation: 0, metadata: BTreeMap::new(), files: 0, foreign: None }
    }
}

/// What is known of all sources.
#[derive(Default)]
pub(crate) struct Sources {
    pub(super) oci: Store<OCIRepository>,
    pub(super) oci_queue: Arc<Queue>,
    pub(super) buckets: Store<Bucket>,
    pub(super) bucket_queue: Arc<Queue>,
    pub(super) external: Store<ExternalArtifact>,
    pub(super) external_queue: Arc<Queue>,
    offers: Mutex<HashMap<(SourceKind, Key), Offer>>,
    stores: Mutex<HashMap<(SourceKind, Key), Arc<TreeStore>>>,
    publications: Mutex<HashMap<(SourceKind, Key), Publication>>,
    /// The sources that this process has looked at, whatever it found.
    looked_at: Mutex<HashSet<(SourceKind, Key)>>,
    /// Why artifacts of other processes are not available.
    problems: Mutex<HashMap<(SourceKind, Key), String>>,
}

/// Held while a source is being published: while its status is being written, and its offer set.
type Publication = Arc<tokio::sync::Mutex<()>>;

impl Sources {
    fn offers(&self) -> MutexGuard<'_, HashMap<(SourceKind, Key), Offer>> {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stores(&self) -> MutexGuard<'_, HashMap<(SourceKind, Key), Arc<TreeStore>>> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a source offers now.
    pub(crate) fn offer(&self, kind: SourceKind, key: &Key) -> Option<Offer> {
        self.offers().get(&(kind, key.clone())).cloned()
    }

    /// Notes what a source offers. Returns whether it is new.
    pub(super) fn set_offer(&self, kind: SourceKind, key: &Key, offer: Offer) -> bool {
        let (revision, tree) = (offer.snapshot.revision.clone(), offer.snapshot.tree.id());
        let old = self.offers().insert((kind, key.clone()), offer);
        old.is_none_or(|old| old.snapshot.revision != revision || old.snapshot.tree.id() != tree)
    }

    /// Forgets what a source has offered. Returns whether it offered anything. Its files stay for those who read them.
    pub(super) fn withdraw(&self, kind: SourceKind, key: &Key) -> bool {
        self.offers().remove(&(kind, key.clone())).is_some()
    }

    /// Notes that this process has looked at a source. Returns whether it was the first time.
    pub(super) fn note_look(&self, kind: SourceKind, key: &Key) -> bool {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).insert((kind, key.clone()))
    }

    /// Whether this process has looked at a source.
    pub(super) fn is_looked_at(&self, kind: SourceKind, key: &Key) -> bool {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).contains(&(kind, key.clone()))
    }

    /// Records why the artifact of a source is not available, or `None` if it is. Returns whether that changed.
    pub(super) fn set_problem(&self, kind: SourceKind, key: &Key, problem: Option<String>) -> bool {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        let old = match problem.clone() {
            Some(problem) => problems.insert((kind, key.clone()), problem),
            None => problems.remove(&(kind, key.clone())),
        };
        old != problem
    }

    /// Why the artifact of a source is not available.
    pub(super) fn problem(&self, kind: SourceKind, key: &Key) -> Option<String> {
        let problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        problems.get(&(kind, key.clone())).cloned()
    }

    /// Begins to publish what a source offers. Until the end of it, nobody else sees an offer that its
    /// status contradicts: [`Sources::until_published`] waits.
    pub(super) async fn publish(&self, kind: SourceKind, key: &Key) -> OwnedMutexGuard<()> {
        self.publication(kind, key).lock_owned().await
    }

    /// Waits while a source is being published.
    pub(super) async fn until_published(&self, kind: SourceKind, key: &Key) {
        drop(self.publication(kind, key).lock_owned().await);
    }

    fn publication(&self, kind: SourceKind, key: &Key) -> Publication {
        let mut publications = self.publications.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(publications.entry((kind, key.clone())).or_default())
    }

    /// Where the files of a source are kept.
    pub(super) fn store(
        &self,
        data: &Path,
        kind: SourceKind,
        key: &Key,
    ) -> Result<Arc<TreeStore>, TreeError> {
        if let Some(store) = self.stores().get(&(kind, key.clone())) {
            return Ok(Arc::clone(store));
        }
        let store = Arc::new(TreeStore::open(&directory(data, kind, key))?);
        self.stores().insert((kind, key.clone()), Arc::clone(&store));
        Ok(store)
    }

    /// Forgets a source, and removes its files.
    pub(super) fn forget(&self, data: &Path, kind: SourceKind, key: &Key) {
        self.offers().remove(&(kind, key.clone()));
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).remove(&(kind, key.clone()));
        self.stores().remove(&(kind, key.clone()));
        self.publications.lock().unwrap_or_else(PoisonError::into_inner).remove(&(kind, key.clone()));
        if kind != SourceKind::GitRepository {
            // What is left is a copy, which is removed with the directory of data at the latest.
            let _ = std::fs::remove_dir_all(directory(data, kind, key));
        }
    }
}

/// The directory for the files of a source.
pub(super) fn directory(data: &Path, kind: SourceKind, key: &Key) -> PathBuf {
    data.join(kind.name().to_lowercase()).join(&key.namespace).join(&key.name)
}
