//! Bucket: the objects of a store, fetched at its interval.

use std::collections::BTreeMap;

use reconciler_api::{Bucket, BucketStatus, reason};

use super::outcome::{Failure, Names};
use super::queue::Key;
use super::source::{Parts, Source, unchanged};
use super::sources::{Offer, SourceKind, Sources};
use super::store::Store;
use super::{Context, secrets};
use crate::source::Snapshot;
use crate::source::bucket::{BucketAccess, BucketError, BucketReader};
use crate::source::tree_store::Record;

impl Source for Bucket {
    type Status = BucketStatus;
    const KIND: SourceKind = SourceKind::Bucket;
    const NAMES: Names = Names {
        component: "source-controller",
        controller: "bucket",
        group: "source.toolkit.fluxcd.io",
        kind: "Bucket",
    };

    fn store(sources: &Sources) -> &Store<Self> {
        &sources.buckets
    }

    fn interval(&self) -> reconciler_api::Duration {
        self.spec.interval
    }

    fn is_suspended(&self) -> bool {
        self.spec.suspend
    }

    fn status(&self) -> BucketStatus {
        self.status.clone().unwrap_or_default()
    }

    fn parts(status: &mut BucketStatus) -> Parts<'_> {
        Parts {
            conditions: &mut status.conditions,
            artifact: &mut status.artifact,
            observed_generation: &mut status.observed_generation,
            last_handled_reconcile_at: &mut status.last_handled_reconcile_at,
            url: &mut status.url,
        }
    }

    fn observe(&self, status: &mut BucketStatus) {
        status.observed_ignore.clone_from(&self.spec.ignore);
    }

    fn stored(&self, revision: &str) -> String {
        format!("stored artifact: revision '{revision}'")
    }

    fn news(&self, offer: &Offer) -> String {
        format!("stored artifact with {} fetched files from '{}' bucket", offer.files, self.spec.bucket_name)
    }

    async fn fetch(&self, context: &Context, key: &Key, known: Option<&Offer>) -> Result<Offer, Failure> {
        let failed = |error: &BucketError| {
            let reason = match error {
                BucketError::Store(_) => reason::ARCHIVE_OPERATION_FAILED,
                BucketError::Setup(_) => reason::AUTHENTICATION_FAILED,
                _ => reason::BUCKET_OPERATION_FAILED,
            };
            Failure::new(reason, error.to_string())
        };
        let access = access(context, key, self)
            .await
            .map_err(|message| Failure::new(reason::AUTHENTICATION_FAILED, message))?;
        let reader = BucketReader::new(access).map_err(|error| failed(&error))?;
        let mut index = reader.index(self.spec.ignore.as_deref()).await.map_err(|error| failed(&error))?;
        if let Some(known) = unchanged(self, known, &index.revision()) {
            return Ok(known);
        }
        let store = context
            .sources
            .store(&context.data, Self::KIND, key)
            .map_err(|error| failed(&BucketError::Store(error)))?;
        let written = reader.fetch(&mut index, &store).await.map_err(|error| failed(&error))?;
        let generation = self.metadata.generation.unwrap_or_default();
        let revision = index.revision();
        let record = Record::new(&revision, generation, BTreeMap::new());
        let tree = store.keep(&written, record).map_err(|error| failed(&BucketError::Store(error)))?;
        let snapshot = Snapshot { revision, commit: None, tree };
        Ok(Offer { snapshot, generation, metadata: BTreeMap::new(), files: index.len(), foreign: None })
    }
}

/// How a Bucket is accessed.
async fn access(context: &Context, key: &Key, bucket: &Bucket) -> Result<BucketAccess, String> {
    let spec = &bucket.spec;
    let secret = |name: &str| Key { namespace: key.namespace.clone(), name: name.to_owned() };
    let read = async |what: &str, name: &str| {
        let key = secret(name);
        secrets::read(context, &key).await.map_err(|error| format!("failed to get {what} '{key}': {error}"))
    };
    let provider = spec.provider.as_deref().filter(|provider| !provider.is_empty()).unwrap_or("generic");
    if !matches!(provider, "generic" | "aws") || spec.sts.is_some() {
        return Err(format!(
            "the provider '{provider}'{} cannot be used, only stores that speak the protocol of S3 with keys of a Secret",
            if spec.sts.is_some() { " with spec.sts" } else { "" }
        ));
    }
    let mut login = None;
    if let Some(reference) = &spec.secret_ref {
        let data = read("secret", &reference.name).await?;
        let text = |key: &str| data.get(key).map(|value| String::from_utf8_lossy(value).trim().to_owned());
        let (Some(key), Some(secret_key)) = (text("accesskey"), text("secretkey")) else {
            return Err(format!(
                "invalid '{}' secret data: required fields 'accesskey' and 'secretkey'",
                reference.name
            ));
        };
        login = Some((key, secret_key));
    } else if provider == "aws" {
        return Err("the provider 'aws' needs keys of a Secret, which spec.secretRef names".to_owned());
    }
    let mut certificates = secrets::Certificates::default();
    if let Some(reference) = &spec.cert_secret_ref {
        let data = read("TLS config: secret", &reference.name).await?;
        certificates = secrets::certificates(data, &secret(&reference.name))?;
    }
    let reach = context.reach(&key.namespace).await;
    let mut proxy = None;
    if let Some(reference) = &spec.proxy_secret_ref {
        proxy = Some(secrets::proxy(&read("proxy URL: secret", &reference.name).await?, reach)?);
    }
    Ok(BucketAccess {
        endpoint: spec.endpoint.clone(),
        insecure: spec.insecure,
        region: spec.region.clone(),
        bucket: spec.bucket_name.clone(),
        prefix: spec.prefix.clone().unwrap_or_default(),
        login,
        certificate: certificates.authority,
        identity: certificates.identity,
        proxy,
        reach,
        timeout: spec.timeout().to_std(),
    })
}
