//! The source of a Kustomization.

use std::time::Duration;

use kustomize_core::closest;
use reconciler_api::reason;

use super::super::queue::Key;
use super::super::sources::SourceKind;
use super::super::tenancy;
use super::report::shown_duration;
use super::{Failure, Reconciliation};
use crate::source::Snapshot;

/// The pause while the source has nothing to offer; its first artifact ends it.
pub(super) const NO_ARTIFACT: Duration = Duration::from_secs(30);
/// The annotation of an artifact that says which revision it was made from.
const ORIGIN_REVISION: &str = "org.opencontainers.image.revision";

impl Reconciliation<'_> {
    /// The namespace and name of the source.
    fn source_key(&self) -> Key {
        let source = &self.object.spec.source_ref;
        let namespace = source.namespace.clone().unwrap_or_else(|| self.key.namespace.clone());
        Key { namespace, name: source.name.clone() }
    }

    /// The source, if it is of a kind that can be used.
    pub(super) fn known_source(&self) -> Option<(SourceKind, Key)> {
        Some((self.object.spec.source_ref.kind.parse().ok()?, self.source_key()))
    }

    /// Waits while the source is being published: whoever has seen a revision in its status and asks for a
    /// reconciliation gets that revision.
    pub(super) async fn until_source_is_published(&self) {
        if let Some((kind, key)) = self.known_source() {
            self.context.sources.until_published(kind, &key).await;
        }
    }

    /// Whether the source is not known, and not all of its kind are.
    pub(super) fn is_source_unlisted(&self) -> bool {
        let Some((kind, key)) = self.known_source() else { return false };
        !self.context.has_source(kind, &key) && !self.context.are_sources_listed(kind)
    }

    /// Whether the artifact of the source is still to be looked for, right after the start.
    pub(super) fn is_source_awaited(&self) -> bool {
        self.known_source().is_some_and(|(kind, key)| self.context.is_awaited(kind, &key))
    }

    /// The revision of the source to apply.
    pub(super) fn source(&self) -> Result<Snapshot, Failure> {
        let source = &self.object.spec.source_ref;
        let key = self.source_key();
        let shown = format!("{}/{}/{}", source.kind, key.namespace, key.name);
        if !self.context.may_use(&self.key.namespace, &source.kind, &key) {
            self.is_strict()?;
            return Err(Failure::new(reason::ACCESS_DENIED, tenancy::refusal(&shown, &self.key.namespace)));
        }
        let Ok(kind) = source.kind.parse::<SourceKind>() else {
            let message = format!(
                "Source '{shown}' cannot be used; spec.sourceRef.kind can be GitRepository, OCIRepository, Bucket or ExternalArtifact"
            );
            return Err(Failure::permanent(reason::ARTIFACT_FAILED, message));
        };
        if !self.context.has_source(kind, &key) {
            let known = self.context.source_names(kind, &key.namespace);
            let hint = match closest(&key.name, known.iter().map(String::as_str)) {
                Some(closest) => format!(", did you mean '{closest}'?"),
                None => String::new(),
            };
            return Err(Failure::new(reason::ARTIFACT_FAILED, format!("Source '{shown}' not found{hint}")));
        }
        let problem = self.context.sources.problem(kind, &key);
        let mut offer = self.context.sources.offer(kind, &key);
        if kind == SourceKind::ExternalArtifact && problem.is_some() {
            // The artifact of the former revision is not the one in the status.
            offer = None;
        }
        offer.map(|offer| offer.snapshot).ok_or_else(|| {
            if let Some(problem) = problem {
                let message = format!("Source artifact of '{shown}' is not available: {problem}");
                return Failure::waiting(reason::ARTIFACT_FAILED, message, NO_ARTIFACT);
            }
            let message = format!("Source artifact not found, retrying in {}", shown_duration(NO_ARTIFACT));
            Failure::waiting(reason::ARTIFACT_FAILED, message, NO_ARTIFACT)
        })
    }

    /// The revision that the artifact of a registry was made from, if it says so.
    pub(super) fn origin(&self, commit: &Snapshot) -> Option<String> {
        let (kind, key) = self.known_source()?;
        let offer = self.context.sources.offer(kind, &key)?;
        // It may offer something newer by now.
        (offer.snapshot.revision == commit.revision).then(|| offer.metadata.get(ORIGIN_REVISION).cloned())?
    }
}
