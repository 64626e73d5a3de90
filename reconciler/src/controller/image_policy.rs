//! ImagePolicy: picks the latest tag when its repository has been scanned, and when it changes.

mod signed;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::Api;
use reconciler_api::image_policy::{DigestReflectionPolicy, ImageRef};
use reconciler_api::{ImagePolicy, ImagePolicyStatus, ImageRepository, reason};
use reconciler_core::image::{ImageName, PolicyError, latest, ready_message};
use serde_json::json;

use super::image_repository::registry;
use super::outcome::{Failure, Names, conclude, is_news, requested};
use super::queue::Key;
use super::{Context, Next, finalizer, status, tenancy};
use crate::image::Verdict;
use signed::{Signed, SignedImages};

const NAMES: Names = Names {
    component: "image-reflector-controller",
    controller: "imagepolicy",
    group: "image.toolkit.fluxcd.io",
    kind: "ImagePolicy",
};
/// The pause after an error of the cluster.
const SOON: Duration = Duration::from_secs(1);
/// How often to look while not all repositories have been listed.
const LISTING: Duration = Duration::from_millis(200);
/// The pause after a failure that the next scan does not end.
const RETRY: Duration = Duration::from_secs(60);

pub(super) async fn reconcile(context: Arc<Context>, key: Key) -> Next {
    let policy = match context.images.policies.get(&key) {
        None => {
            context.images.forget_latest(&key);
            return Next::Gone;
        }
        Some(Err(error)) => {
            context.log.error("the object cannot be read", NAMES.fields(&key, json!({"error": error})));
            return Next::OnChange;
        }
        Some(Ok(policy)) => policy,
    };
    if !context.shard.has(&*policy) {
        return Next::OnChange;
    }
    if policy.metadata.deletion_timestamp.is_some() {
        context.images.forget_latest(&key);
        return match finalizer::remove(&context.client, &*policy).await {
            Ok(()) => Next::Gone,
            Err(_) => Next::Failed(Some(SOON)),
        };
    }
    if finalizer::add(&context.client, &*policy).await.is_err() {
        return Next::Failed(Some(SOON));
    }
    if policy.spec.suspend {
        return Next::OnChange;
    }
    if let Some(next) = wait(&context, &key, &policy) {
        return next;
    }
    let old = policy.status.clone().unwrap_or_default();
    let mut new = old.clone();
    new.observed_generation = policy.metadata.generation;
    new.last_handled_reconcile_at = requested(&*policy).or(new.last_handled_reconcile_at);
    let next = match pick(&context, &key, &policy, &old).await {
        Ok(Pick { latest, not_signed }) => {
            let known = context.images.latest(&key, &policy);
            if known.as_ref() != Some(&latest) {
                new.observed_previous_ref = known;
            }
            let mut message = ready_message(&latest, new.observed_previous_ref.as_ref());
            new.latest_ref = Some(latest.clone());
            if not_signed.is_empty() {
                if is_news(&old.conditions, &message) {
                    NAMES.succeed(&context, &*policy, &key, &message).await;
                }
                NAMES.mended(&context, &*policy, &message).await;
            } else {
                message += &format!("; not signed: {}", not_signed.join(", "));
                let failure = Failure::new(reason::VERIFICATION_ERROR, &*message);
                NAMES.fail(&context, &*policy, &key, &old.conditions, &failure).await;
            }
            conclude(&mut new.conditions, Ok(&message), new.observed_generation, context.environment.now());
            context.images.set_latest(&key, latest);
            policy.spec.interval.map_or(Next::OnChange, Next::at_interval)
        }
        Err(failure) => {
            if failure.reason == reason::VERIFICATION_ERROR {
                // What was picked before need not be signed.
                new.latest_ref = None;
            }
            NAMES.fail(&context, &*policy, &key, &old.conditions, &failure).await;
            conclude(&mut new.conditions, Err(&failure), new.observed_generation, context.environment.now());
            if old.observed_generation.is_none() {
                // An automation may have looked for it before.
                context.images.policy_changed(&key);
            }
            // A scan makes the policy due; what else is missing is looked for again.
            Next::Failed((!failure.is_permanent).then_some(RETRY))
        }
    };
    match status::write::<ImagePolicy>(&context.client, &key, &old, &new).await {
        Ok(written) => {
            if let Some(written) = written {
                context.images.policies.written(&key, written);
            }
            if new.latest_ref.is_none() && context.images.latest(&key, &policy).is_some() {
                context.images.forget_latest(&key);
            }
            next
        }
        Err(_) => Next::Failed(Some(SOON)),
    }
}

/// What to wait for, right after the start. Tags are kept in memory: those that an earlier process found are missing until
/// the next scan, and until then what is said of the policy holds.
fn wait(context: &Context, key: &Key, policy: &ImagePolicy) -> Option<Next> {
    let other = repository_key(key, policy);
    let repository = match context.images.repositories.get(&other) {
        None if !context.images.repositories.is_listed() => return Some(Next::After(LISTING)),
        None | Some(Err(_)) => return None,
        Some(Ok(repository)) => repository,
    };
    let had_tags = repository.status.as_ref().is_some_and(|status| status.last_scan_result.is_some());
    if context.images.tags(&other).is_some() || !had_tags || !context.shard.has(&*repository) {
        return None;
    }
    let status = policy.status.as_ref();
    let has_picked = status.is_some_and(|status| {
        status.latest_ref.is_some() && status.observed_generation == policy.metadata.generation
    });
    let is_awaited = !context.images.is_scanned(&other) && !repository.spec.suspend;
    // A scan makes the policy due, and so does the failure of the first one.
    (is_awaited || has_picked).then_some(Next::OnChange)
}

/// What a policy picks.
struct Pick {
    latest: ImageRef,
    /// The tags that were passed over since they are not signed.
    not_signed: Vec<String>,
}

/// Picks the latest tag, and looks its digest up if that is wanted.
async fn pick(
    context: &Context,
    key: &Key,
    policy: &ImagePolicy,
    old: &ImagePolicyStatus,
) -> Result<Pick, Failure> {
    let spec = &policy.spec;
    let reflection = spec.digest_reflection_policy.unwrap_or_default();
    if reflection == DigestReflectionPolicy::Always && spec.interval.is_none() {
        let message = "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'";
        return Err(Failure::permanent(reason::INTERVAL_NOT_CONFIGURED, message));
    }
    let (repository_key, repository) = repository(context, key, policy).await?;
    let name = ImageName::parse_repository(&repository.spec.image)
        .map_err(|error| Failure::permanent(reason::IMAGE_URL_INVALID, error.to_string()))?;
    let tags = context.images.tags(&repository_key).unwrap_or_default();
    let known = |tag: &str| {
        let known = old.latest_ref.as_ref();
        let known = known.filter(|known| known.name == repository.spec.image && known.tag == tag);
        known.and_then(|known| known.digest.clone()).filter(|digest| !digest.is_empty())
    };
    let image = |tag, digest| ImageRef { name: repository.spec.image.clone(), tag, digest };
    if let Some(keys) = &signed::keys(context, key, policy).await? {
        let registry = &registry(context, &repository_key, &repository, &name).await?;
        let images = SignedImages { registry, name: &name, keys };
        let Signed { tag, digest, passed_over } = images.latest(spec, &tags).await?;
        let digest = match (reflection, known(&tag)) {
            (DigestReflectionPolicy::Never, _) => None,
            (DigestReflectionPolicy::IfNotPresent, Some(known)) if known != digest => {
                let verdict = images.verdict(&known).await.map_err(|error| signed::unknown(&tag, &error))?;
                Some(if verdict == Verdict::Signed { known } else { digest })
            }
            _ => Some(digest),
        };
        return Ok(Pick { latest: image(tag, digest), not_signed: passed_over });
    }
    let tag = latest(&spec.policy, spec.filter_tags.as_ref(), &tags)
        .map_err(|error| no_tag(error, tags.is_empty()))?;
    let digest = match (reflection, known(&tag)) {
        (DigestReflectionPolicy::Never, _) => None,
        (DigestReflectionPolicy::IfNotPresent, Some(known)) => Some(known),
        (DigestReflectionPolicy::IfNotPresent | DigestReflectionPolicy::Always, _) => {
            let registry = registry(context, &repository_key, &repository, &name).await?;
            let digest = registry.digest(&name, &tag).await.map_err(|error| {
                let message = format!("failed fetching digest of {}:{tag}: {error}", repository.spec.image);
                Failure::new(reason::FAILURE, message)
            })?;
            Some(digest)
        }
    };
    Ok(Pick { latest: image(tag, digest), not_signed: Vec::new() })
}

/// Why there is no tag to pick.
fn no_tag(error: PolicyError, is_empty: bool) -> Failure {
    match error {
        PolicyError::Invalid(message) => Failure::permanent(reason::INVALID_POLICY, message),
        PolicyError::NoTag(message) if is_empty => Failure::new(reason::DEPENDENCY_NOT_READY, message),
        PolicyError::NoTag(message) => Failure::new(reason::FAILURE, message),
    }
}

fn repository_key(key: &Key, policy: &ImagePolicy) -> Key {
    let reference = &policy.spec.image_repository_ref;
    let namespace = reference.namespace.as_ref().filter(|namespace| !namespace.is_empty());
    Key { namespace: namespace.unwrap_or(&key.namespace).clone(), name: reference.name.clone() }
}

/// The ImageRepository of a policy, if the policy may use it.
async fn repository(
    context: &Context,
    key: &Key,
    policy: &ImagePolicy,
) -> Result<(Key, Arc<ImageRepository>), Failure> {
    let other = repository_key(key, policy);
    let fail = |reason, error: String| {
        Failure::new(reason, format!("failed to get the referred ImageRepository: {error}"))
    };
    let repository = match context.images.repositories.get(&other) {
        Some(Ok(repository)) => repository,
        Some(Err(error)) => return Err(fail(reason::FAILURE, error)),
        None => {
            let error = format!(
                "referenced ImageRepository does not exist: imagerepositories.image.toolkit.fluxcd.io \"{}\" not found",
                other.name
            );
            return Err(fail(reason::DEPENDENCY_NOT_READY, error));
        }
    };
    if other.namespace != key.namespace {
        let labels = labels(context, &key.namespace).await;
        let selectors = repository.spec.access_from.iter().flat_map(|access| &access.namespace_selectors);
        let allows = |wanted: &BTreeMap<String, String>| {
            wanted.iter().all(|(label, value)| labels.get(label) == Some(value))
        };
        // Without the annotation, Flux's rule holds for namespaces that are not strict, too.
        let is_allowed = tenancy::names(tenancy::allowed(&*repository), &key.namespace)
            || selectors.into_iter().any(|selector| allows(&selector.match_labels));
        if !is_allowed {
            let error = format!(
                "access denied: ImageRepository/{other} can't be accessed due to missing ACL labels on 'accessFrom'; {}",
                tenancy::remedy(&key.namespace)
            );
            return Err(fail(reason::ACCESS_DENIED, error));
        }
    }
    Ok((other, repository))
}

/// The labels of a namespace; none if it cannot be read.
async fn labels(context: &Context, namespace: &str) -> BTreeMap<String, String> {
    let api: Api<Namespace> = Api::all(context.client.clone());
    let found = api.get_metadata(namespace).await;
    found.ok().and_then(|found| found.metadata.labels).unwrap_or_default()
}
