//! Artifacts for other controllers: archives of what sources offer, made when someone asks for one.
//!
//! An archive of the same files is always the same, so that its digest can stand in the status of a source
//! although no archive is kept.

use std::fs::File;
use std::io::{self, Seek as _};

use reconciler_core::source::{ArchiveSummary, artifact_path, artifact_url};

use super::Context;
use super::queue::Key;
use super::sources::SourceKind;
use crate::source::Snapshot;
use crate::source::git::GitTree;

/// The name of the archive of whatever is offered now.
const LATEST: &str = "latest.tar.gz";

/// Where the archive of a revision stands on the server.
pub(super) fn path(kind: SourceKind, key: &Key, revision: &str) -> String {
    let hash = revision.rsplit(['@', ':']).next().unwrap_or_default();
    artifact_path(kind.name(), &key.namespace, &key.name, &format!("{hash}.tar.gz"))
}

impl Context {
    /// The URL of a path on the server for artifacts.
    pub(super) fn artifact_url(&self, key: &Key, path: &str) -> String {
        match &self.artifacts {
            Some(server) => artifact_url(server, path),
            None => artifact_url(&format!("source-controller.{}.svc.cluster.local.", key.namespace), path),
        }
    }

    /// The URL of the archive of whatever a source offers.
    pub(super) fn latest_url(&self, kind: SourceKind, key: &Key) -> String {
        self.artifact_url(key, &artifact_path(kind.name(), &key.namespace, &key.name, LATEST))
    }

    /// Digest and size of an archive, if archives are offered.
    pub(super) async fn summarize(&self, key: &Key, tree: &GitTree) -> io::Result<Option<ArchiveSummary>> {
        if self.artifacts.is_none() {
            return Ok(None);
        }
        let tree = tree.clone();
        let _permit = self.builds.take(&key.namespace).await;
        let packed = tokio::task::spawn_blocking(move || tree.pack(io::sink())).await;
        Ok(Some(packed.map_err(io::Error::other)??.1))
    }

    /// What the archive at a path is made of.
    fn artifact(&self, wanted: &str) -> Option<(Key, Snapshot)> {
        let mut parts = wanted.trim_start_matches('/').split('/');
        let (kind, namespace, name, file) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let kind = SourceKind::ALL.into_iter().find(|known| known.name().to_lowercase() == kind)?;
        let key = Key { namespace: namespace.to_owned(), name: name.to_owned() };
        let snapshot = self.sources.offer(kind, &key)?.snapshot;
        let is_wanted = file == LATEST || path(kind, &key, &snapshot.revision).ends_with(&format!("/{file}"));
        (is_wanted && parts.next().is_none()).then_some((key, snapshot))
    }

    /// The archive at a path, in a file that is gone when it is closed.
    pub(crate) async fn pack(&self, path: &str) -> io::Result<Option<(File, ArchiveSummary)>> {
        let Some((key, snapshot)) = self.artifact(path) else { return Ok(None) };
        let data = self.data.clone();
        let _permit = self.builds.take(&key.namespace).await;
        let packed = tokio::task::spawn_blocking(move || {
            let file = tempfile::tempfile_in(&data)?;
            let (writer, summary) = snapshot.tree.pack(io::BufWriter::new(file))?;
            let mut file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.rewind()?;
            Ok::<_, io::Error>((file, summary))
        });
        packed.await.map_err(io::Error::other)?.map(Some)
    }
}
