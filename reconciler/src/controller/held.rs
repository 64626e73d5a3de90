//! Earlier revisions of sources, which are held for Kustomizations that may want them again.

use super::queue::Key;
use super::sources::SourceKind;
use super::{Context, git_repository};
use crate::source::Snapshot;

impl Context {
    /// Holds a revision of a source for a Kustomization, in place of the one that was held before.
    pub(super) fn hold(
        &self,
        kind: SourceKind,
        source: &Key,
        holder: &Key,
        snapshot: &Snapshot,
    ) -> Result<(), String> {
        let (holder, revision) = (holder.to_string(), snapshot.revision.as_str());
        if self.is_own_repository(kind, source) {
            let mirror = git_repository::mirror(self, source).map_err(|error| error.to_string())?;
            return mirror.hold(&holder, revision).map_err(|error| error.to_string());
        }
        let store = self.sources.store(&self.data, kind, source).map_err(|error| error.to_string())?;
        store.hold(&holder, revision, &snapshot.tree.id()).map_err(|error| error.to_string())
    }

    /// Lets go of what is held for a Kustomization, if there is anything.
    pub(super) fn release(&self, kind: SourceKind, source: &Key, holder: &Key) -> Result<(), String> {
        // Nothing is made here for a source that is gone.
        if !self.has_source(kind, source) {
            return Ok(());
        }
        let holder = holder.to_string();
        if self.is_own_repository(kind, source) {
            let mirror = git_repository::mirror(self, source).map_err(|error| error.to_string())?;
            return mirror.release(&holder).map_err(|error| error.to_string());
        }
        let store = self.sources.store(&self.data, kind, source).map_err(|error| error.to_string())?;
        store.release(&holder).map_err(|error| error.to_string())
    }

    /// An earlier revision of a source. A commit is fetched once more if it is not here.
    pub(super) async fn earlier(
        &self,
        kind: SourceKind,
        source: &Key,
        holder: &Key,
        revision: &str,
    ) -> Result<Snapshot, String> {
        let holder = holder.to_string();
        if self.is_own_repository(kind, source) {
            return git_repository::earlier(self, source, &holder, revision).await.map(Snapshot::from);
        }
        let store = self.sources.store(&self.data, kind, source).map_err(|error| error.to_string())?;
        let tree = store.held(&holder, revision).ok_or("its files are not kept any more")?;
        Ok(Snapshot { revision: revision.to_owned(), commit: None, tree })
    }
}
