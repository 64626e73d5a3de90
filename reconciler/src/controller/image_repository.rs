//! ImageRepository: scanned at its interval, when it changes, and when someone asks for it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reconciler_api::image_repository::ScanResult;
use reconciler_api::{ImageRepository, ImageRepositoryStatus, reason};
use reconciler_core::image::{ImageName, Scan};
use serde_json::json;

use super::outcome::{Failure, Names, conclude, is_news, requested};
use super::queue::Key;
use super::registries::{AccessSpec, access};
use super::{Context, Next, finalizer, status};
use crate::image::Registry;

const NAMES: Names = Names {
    component: "image-reflector-controller",
    controller: "imagerepository",
    group: "image.toolkit.fluxcd.io",
    kind: "ImageRepository",
};
/// The tags that are left out when the object does not say.
const EXCLUDED: &str = r"^.*\.sig$";
/// The pause after an error of the cluster.
const SOON: Duration = Duration::from_secs(1);
/// The longest pause after a failure.
const RETRY: Duration = Duration::from_secs(60);

pub(super) async fn reconcile(context: Arc<Context>, key: Key) -> Next {
    let repository = match context.images.repositories.get(&key) {
        None => {
            context.images.forget_tags(&key);
            return Next::Gone;
        }
        Some(Err(error)) => {
            context.log.error("the object cannot be read", NAMES.fields(&key, json!({"error": error})));
            return Next::OnChange;
        }
        Some(Ok(repository)) => repository,
    };
    if !context.shard.has(&*repository) {
        return Next::OnChange;
    }
    if repository.metadata.deletion_timestamp.is_some() {
        context.images.forget_tags(&key);
        return match finalizer::remove(&context.client, &*repository).await {
            Ok(()) => Next::Gone,
            Err(_) => Next::Failed(Some(SOON)),
        };
    }
    if finalizer::add(&context.client, &*repository).await.is_err() {
        return Next::Failed(Some(SOON));
    }
    if repository.spec.suspend {
        return Next::OnChange;
    }
    let outcome = scan(&context, &key, &repository).await;
    let is_first = context.images.note_scan(&key);
    let old = repository.status.clone().unwrap_or_default();
    let mut new = old.clone();
    new.observed_generation = repository.metadata.generation;
    new.last_handled_reconcile_at = requested(&*repository).or(new.last_handled_reconcile_at);
    let interval = repository.spec.interval;
    let next = match outcome {
        Ok((name, scan)) => {
            note(&mut new, &repository, &name, &scan, context.environment.now());
            let message =
                format!("successful scan: found {} tags with checksum {}", scan.tags.len(), scan.revision);
            if is_news(&old.conditions, &message) {
                NAMES.succeed(&context, &*repository, &key, &message).await;
            } else {
                let message = format!("no new tags found, next scan in {interval}");
                context.log.info(&message, NAMES.fields(&key, json!({})));
            }
            NAMES.mended(&context, &*repository, &message).await;
            conclude(&mut new.conditions, Ok(&message), new.observed_generation, context.environment.now());
            context.images.set_tags(&key, scan.tags);
            Next::at_interval(interval)
        }
        Err(failure) => {
            NAMES.fail(&context, &*repository, &key, &old.conditions, &failure).await;
            conclude(&mut new.conditions, Err(&failure), new.observed_generation, context.environment.now());
            if is_first || old.observed_generation != new.observed_generation {
                // Policies may still say that there is no such repository, or wait for the first scan.
                context.images.repository_changed(&key);
            }
            Next::Failed((!failure.is_permanent).then(|| interval.to_std().min(RETRY)))
        }
    };
    match status::write::<ImageRepository>(&context.client, &key, &old, &new).await {
        Ok(written) => {
            if let Some(written) = written {
                context.images.repositories.written(&key, written);
            }
            next
        }
        Err(_) => Next::Failed(Some(SOON)),
    }
}

/// Writes down what a scan found.
fn note(
    new: &mut ImageRepositoryStatus,
    repository: &ImageRepository,
    name: &ImageName,
    scan: &Scan,
    now: Timestamp,
) {
    new.canonical_image_name = Some(name.canonical());
    new.observed_exclusion_list = exclusion_list(repository);
    new.last_scan_result = Some(ScanResult {
        revision: Some(scan.revision.clone()),
        tag_count: i64::try_from(scan.tags.len()).unwrap_or(i64::MAX),
        scan_time: Some(now.into()),
        latest_tags: scan.latest_tags().to_vec(),
    });
}

fn exclusion_list(repository: &ImageRepository) -> Vec<String> {
    repository.spec.exclusion_list.clone().unwrap_or_else(|| vec![EXCLUDED.to_owned()])
}

async fn scan(
    context: &Context,
    key: &Key,
    repository: &ImageRepository,
) -> Result<(ImageName, Scan), Failure> {
    let name = ImageName::parse_repository(&repository.spec.image)
        .map_err(|error| Failure::permanent(reason::IMAGE_URL_INVALID, error.to_string()))?;
    let registry = registry(context, key, repository, &name).await?;
    let fail = |error: &dyn std::fmt::Display| {
        Failure::new(reason::READ_OPERATION_FAILED, format!("scan failed: {error}"))
    };
    let tags = registry.tags(&name).await.map_err(|error| fail(&error))?;
    let scan = Scan::new(tags, &exclusion_list(repository)).map_err(|error| fail(&error))?;
    Ok((name, scan))
}

/// The registry of an image, with the access that its ImageRepository gives.
pub(super) async fn registry(
    context: &Context,
    key: &Key,
    repository: &ImageRepository,
    name: &ImageName,
) -> Result<Registry, Failure> {
    let spec = &repository.spec;
    let access_spec = AccessSpec {
        provider: spec.provider.as_deref(),
        secret: spec.secret_ref.as_ref(),
        service_account: spec.service_account_name.as_deref(),
        certificate: spec.cert_secret_ref.as_ref(),
        proxy: spec.proxy_secret_ref.as_ref(),
        insecure: spec.insecure,
        timeout: spec.timeout().to_std(),
    };
    access(context, key, &name.registry, &access_spec)
        .await
        .map_err(|error| error.to_string())
        .and_then(|access| Registry::new(access).map_err(|error| error.to_string()))
        .map_err(|error| {
            let message = format!("failed to configure authentication options: {error}");
            Failure::new(reason::AUTHENTICATION_FAILED, message)
        })
}
