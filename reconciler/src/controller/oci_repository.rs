//! OCIRepository: an artifact in a registry, fetched at its interval.

use reconciler_api::{OCIRepository, OCIRepositoryStatus, reason};

use super::Context;
use super::outcome::{Failure, Names};
use super::queue::Key;
use super::registries::{AccessError, AccessSpec, access};
use super::source::{Parts, Source, unchanged};
use super::sources::{Offer, SourceKind, Sources};
use super::store::Store;
use crate::image::Registry;
use crate::source::Snapshot;
use crate::source::oci::{self, OciError, OciRepository};
use crate::source::tree_store::Record;

/// What artifacts say about where they come from.
const SOURCE: &str = "org.opencontainers.image.source";
const REVISION: &str = "org.opencontainers.image.revision";

impl Source for OCIRepository {
    type Status = OCIRepositoryStatus;
    const KIND: SourceKind = SourceKind::OCIRepository;
    const NAMES: Names = Names {
        component: "source-controller",
        controller: "ocirepository",
        group: "source.toolkit.fluxcd.io",
        kind: "OCIRepository",
    };

    fn store(sources: &Sources) -> &Store<Self> {
        &sources.oci
    }

    fn interval(&self) -> reconciler_api::Duration {
        self.spec.interval
    }

    fn is_suspended(&self) -> bool {
        self.spec.suspend
    }

    fn status(&self) -> OCIRepositoryStatus {
        self.status.clone().unwrap_or_default()
    }

    fn parts(status: &mut OCIRepositoryStatus) -> Parts<'_> {
        Parts {
            conditions: &mut status.conditions,
            artifact: &mut status.artifact,
            observed_generation: &mut status.observed_generation,
            last_handled_reconcile_at: &mut status.last_handled_reconcile_at,
            url: &mut status.url,
        }
    }

    fn observe(&self, status: &mut OCIRepositoryStatus) {
        status.observed_ignore.clone_from(&self.spec.ignore);
        status.observed_layer_selector.clone_from(&self.spec.layer_selector);
    }

    fn stored(&self, revision: &str) -> String {
        format!("stored artifact for digest '{revision}'")
    }

    fn news(&self, offer: &Offer) -> String {
        let (revision, url) = (&offer.snapshot.revision, &self.spec.url);
        let message = format!("stored artifact with revision '{revision}' from '{url}'");
        match (offer.metadata.get(SOURCE), offer.metadata.get(REVISION)) {
            (Some(source), Some(revision)) if !source.is_empty() && !revision.is_empty() => {
                format!("{message}, origin source '{source}', origin revision '{revision}'")
            }
            _ => message,
        }
    }

    async fn fetch(&self, context: &Context, key: &Key, known: Option<&Offer>) -> Result<Offer, Failure> {
        let spec = &self.spec;
        let name = oci::name_of(&spec.url).map_err(|error| failure(&error))?;
        if spec.verify.is_some() {
            let message = "failed to verify the signature: signatures of artifacts are not verified yet, remove spec.verify to use the artifact without that";
            return Err(Failure::new(reason::VERIFICATION_ERROR, message));
        }
        let access_spec = AccessSpec {
            provider: spec.provider.as_deref(),
            secret: spec.secret_ref.as_ref(),
            service_account: spec.service_account_name.as_deref(),
            certificate: spec.cert_secret_ref.as_ref(),
            proxy: spec.proxy_secret_ref.as_ref(),
            insecure: spec.insecure,
            timeout: spec.timeout().to_std(),
        };
        let refused = |error: &AccessError| {
            let message = match error {
                AccessError::Login(_) => format!("failed to get credential: {error}"),
                AccessError::Certificate(_) => {
                    format!("failed to generate transport for '{}': {error}", spec.url)
                }
                AccessError::Proxy(_) => format!("failed to get proxy address: {error}"),
            };
            Failure::new(reason::AUTHENTICATION_FAILED, message)
        };
        let access =
            access(context, key, &name.registry, &access_spec).await.map_err(|error| refused(&error))?;
        let registry =
            Registry::new(access).map_err(|error| refused(&AccessError::Certificate(error.to_string())))?;
        let repository = OciRepository { url: &spec.url, name: &name, registry: &registry };
        let selector = spec.layer_selector.clone().unwrap_or_default();
        let wanted = spec.reference.clone().unwrap_or_default();
        let artifact = repository.resolve(&wanted, &selector).await.map_err(|error| failure(&error))?;
        if let Some(known) = unchanged(self, known, &artifact.revision) {
            return Ok(known);
        }
        let storage = |error: &dyn std::fmt::Display| failure(&OciError::Storage(error.to_string()));
        let store = context.sources.store(&context.data, Self::KIND, key).map_err(|error| storage(&error))?;
        let content = repository
            .pull(&artifact, &selector, spec.ignore.clone(), store.clone(), &context.data)
            .await
            .map_err(|error| failure(&error))?;
        let generation = self.metadata.generation.unwrap_or_default();
        let record = Record::new(&artifact.revision, generation, content.annotations.clone());
        let tree = store.keep(&content.files, record).map_err(|error| storage(&error))?;
        let snapshot = Snapshot { revision: artifact.revision, commit: None, tree };
        Ok(Offer { snapshot, generation, metadata: content.annotations, files: content.files.files() })
    }
}

fn failure(error: &OciError) -> Failure {
    let message = error.to_string();
    match error {
        OciError::Url { .. } => Failure::permanent(reason::URL_INVALID, message),
        OciError::Tag { .. } => Failure::new(reason::READ_OPERATION_FAILED, message),
        OciError::Digest(_) | OciError::Pull { .. } => {
            Failure::new(reason::OCI_ARTIFACT_PULL_FAILED, message)
        }
        OciError::Layer(_) | OciError::Extract(_) => {
            Failure::new(reason::OCI_LAYER_OPERATION_FAILED, message)
        }
        OciError::Storage(_) => Failure::new(reason::ARCHIVE_OPERATION_FAILED, message),
    }
}
