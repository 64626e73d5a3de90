//! OCIRepository: an artifact in a registry, fetched at its interval.

use reconciler_api::oci_repository::OCIVerification;
use reconciler_api::{OCIRepository, OCIRepositoryStatus, reason};
use reconciler_core::cosign::PublicKeys;
use reconciler_core::image::ImageName;

use super::outcome::{Failure, Names};
use super::queue::Key;
use super::registries::{AccessError, AccessSpec, access};
use super::source::{Parts, Source, unchanged};
use super::sources::{Offer, SourceKind, Sources};
use super::store::Store;
use super::{Context, secrets};
use crate::image::{Registry, verify};
use crate::source::Snapshot;
use crate::source::oci::{self, Artifact, OciError, OciRepository};
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

    fn is_verified(&self) -> bool {
        self.spec.verify.is_some()
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
        let keys = match &spec.verify {
            Some(verify) => Some(keys(context, key, verify).await?),
            None => None,
        };
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
                AccessError::Address(_) => error.to_string(),
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
        // Before anything of the artifact is used.
        if let Some(keys) = keys {
            verified(&registry, &name, &artifact, &keys).await?;
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
        Ok(Offer {
            snapshot,
            generation,
            metadata: content.annotations,
            files: content.files.files(),
            foreign: None,
        })
    }
}

/// The keys of which one has to have signed the artifact.
async fn keys(context: &Context, key: &Key, verify: &OCIVerification) -> Result<PublicKeys, Failure> {
    let unsupported =
        |provider: &str, why: &str| Failure::permanent(reason::VERIFICATION_ERROR, unverified(provider, why));
    if verify.provider != "cosign" {
        let why = "signatures of this provider cannot be verified, only those of cosign with a public key";
        return Err(unsupported(&verify.provider, why));
    }
    let Some(reference) = &verify.secret_ref else {
        let why = "signatures without a key cannot be verified; set spec.verify.secretRef to a Secret with the public key";
        return Err(unsupported("cosign keyless", why));
    };
    let fail = |why: String| Failure::new(reason::VERIFICATION_ERROR, unverified("cosign", &why));
    let secret = Key { namespace: key.namespace.clone(), name: reference.name.clone() };
    let data = secrets::read(context, &secret).await.map_err(|error| fail(error.to_string()))?;
    PublicKeys::from_secret(&data).map_err(|error| fail(format!("secret '{secret}': {error}")))
}

/// Fails if an artifact is not signed.
async fn verified(
    registry: &Registry,
    name: &ImageName,
    artifact: &Artifact,
    keys: &PublicKeys,
) -> Result<(), Failure> {
    let fail = |why: &str| Failure::new(reason::VERIFICATION_ERROR, unverified("cosign", why));
    let verdict = verify(registry, name, &artifact.digest, keys).await;
    let verdict = verdict.map_err(|error| fail(&error.to_string()))?;
    let reference = match artifact.revision.split_once('@') {
        Some((tag, _)) => format!("{}:{tag}", name.canonical()),
        None => format!("{}@{}", name.canonical(), artifact.digest),
    };
    match verdict.refusal(&reference) {
        Some(why) => Err(fail(&why)),
        None => Ok(()),
    }
}

fn unverified(provider: &str, why: &str) -> String {
    format!("failed to verify the signature using provider '{provider}': {why}")
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
