//! Receiver: an address to call, which makes objects due.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use reconciler_api::condition::HasConditions;
use reconciler_api::{Receiver, annotation, reason};
use reconciler_core::expression::Expression;
use reconciler_core::receiver::{Accepted, Call, SelectionError, is_path, receive, select, webhook_path};
use serde_json::json;

use super::outcome::{Failure, Names, conclude, is_news, requested};
use super::queue::Key;
use super::{Context, Next, finalizer, secrets, status, tenancy};
use crate::apply::{METADATA_MANAGER, RequestError};

const NAMES: Names = Names {
    component: "notification-controller",
    controller: "receiver",
    group: "notification.toolkit.fluxcd.io",
    kind: "Receiver",
};
/// The pause after an error of the cluster.
const SOON: Duration = Duration::from_secs(1);
/// The longest pause after a failure that can pass, such as a Secret that is missing.
const AGAIN: Duration = Duration::from_secs(15);

pub(super) async fn reconcile(context: Arc<Context>, key: Key) -> Next {
    let receiver = match context.receivers.get(&key) {
        None => return Next::Gone,
        Some(Err(error)) => {
            context.log.error("the object cannot be read", NAMES.fields(&key, json!({"error": error})));
            return Next::OnChange;
        }
        Some(Ok(receiver)) => receiver,
    };
    if !context.shard.has(&*receiver) {
        return Next::OnChange;
    }
    if receiver.metadata.deletion_timestamp.is_some() {
        return match finalizer::remove(&context.client, &*receiver).await {
            Ok(()) => Next::Gone,
            Err(_) => Next::Failed(Some(SOON)),
        };
    }
    if finalizer::add(&context.client, &*receiver).await.is_err() {
        return Next::Failed(Some(SOON));
    }
    if receiver.spec.suspend {
        return Next::OnChange;
    }
    let old = receiver.status.clone().unwrap_or_default();
    let mut new = old.clone();
    new.observed_generation = receiver.metadata.generation;
    new.last_handled_reconcile_at = requested(&*receiver).or(new.last_handled_reconcile_at);
    let next = match path(&context, &key, &receiver).await {
        Ok(path) => {
            let message = format!("Receiver initialized for path: {path}");
            new.webhook_path = Some(path);
            if is_news(&old.conditions, &message) {
                NAMES.succeed(&context, &*receiver, &key, &message).await;
            }
            NAMES.mended(&context, &*receiver, &message).await;
            conclude(&mut new.conditions, Ok(&message), new.observed_generation, context.environment.now());
            Next::at_interval(receiver.spec.interval())
        }
        Err(failure) => {
            new.webhook_path = None;
            NAMES.fail(&context, &*receiver, &key, &old.conditions, &failure).await;
            conclude(&mut new.conditions, Err(&failure), new.observed_generation, context.environment.now());
            Next::Failed((!failure.is_permanent).then(|| receiver.spec.interval().to_std().min(AGAIN)))
        }
    };
    match status::write::<Receiver>(&context.client, &key, &old, &new).await {
        Ok(written) => {
            if let Some(written) = written {
                context.receivers.written(&key, written);
            }
            next
        }
        Err(_) => Next::Failed(Some(SOON)),
    }
}

/// Checks the filters, and makes the path of the token.
async fn path(context: &Context, key: &Key, receiver: &Receiver) -> Result<String, Failure> {
    let spec = &receiver.spec;
    let filters =
        spec.resource_filter.iter().chain(spec.resources.iter().filter_map(|one| one.filter.as_ref()));
    let filters: Vec<String> = filters.filter(|filter| !filter.is_empty()).cloned().collect();
    if !filters.is_empty() {
        let compile = move || filters.iter().try_for_each(|filter| Expression::compile(filter).map(|_| ()));
        let compiled = context.evaluations.work(&key.namespace, compile).await;
        let compiled = compiled.map_err(|error| Failure::new(reason::FAILURE, error.to_string()))?;
        compiled.map_err(|error| {
            Failure::permanent(reason::INVALID_CEL_EXPRESSION, format!("invalid resource filter: {error}"))
        })?;
    }
    if spec.type_ == "generic-oidc" {
        let message = "spec.type 'generic-oidc' is not supported yet: use 'generic-hmac' with a token";
        return Err(Failure::permanent(reason::VALIDATION_FAILED, message));
    }
    let mut token = String::new();
    if spec.secret_ref.is_none() && spec.type_ != "generic-oidc" {
        let message = "spec.secretRef is missing: without a token anyone could call";
        return Err(Failure::permanent(reason::TOKEN_NOT_FOUND, message));
    }
    if let Some(reference) = &spec.secret_ref {
        let name = &reference.name;
        let secret = Key { namespace: key.namespace.clone(), name: name.clone() };
        let data = secrets::read(context, &secret).await.map_err(|error| {
            let message = format!("unable to read token from secret '{secret}' error: {error}");
            Failure::new(reason::TOKEN_NOT_FOUND, message)
        })?;
        let found = data.get("token").filter(|token| !token.is_empty()).ok_or_else(|| {
            let message = format!("invalid '{secret}' secret data: required field 'token'");
            Failure::new(reason::TOKEN_NOT_FOUND, message)
        })?;
        token = String::from_utf8_lossy(found).into_owned();
    }
    Ok(webhook_path(&token, &key.name, &key.namespace))
}

/// Answers a call of a webhook, with an HTTP status.
pub(crate) async fn call(context: &Context, path: &str, headers: &[(String, String)], body: &[u8]) -> u16 {
    let keys = context.receivers.keys(|_, receiver| {
        let known = receiver.status.as_ref().and_then(|status| status.webhook_path.as_deref());
        known.is_some_and(|known| is_path(known, path))
    });
    let found = keys.into_iter().find_map(|key| Some((context.receivers.get(&key)?.ok()?, key)));
    let Some((receiver, key)) = found else { return 404 };
    match answer(context, &receiver, &key, headers, body).await {
        Ok(()) => 200,
        Err((status, error)) => {
            context.log.error(
                "unable to process the call of a webhook",
                NAMES.fields(&key, json!({"error": error})),
            );
            status
        }
    }
}

async fn answer(
    context: &Context,
    receiver: &Arc<Receiver>,
    key: &Key,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<(), (u16, String)> {
    let secret = match &receiver.spec.secret_ref {
        None => None,
        Some(reference) => {
            let key = Key { namespace: key.namespace.clone(), name: reference.name.clone() };
            match secrets::read(context, &key).await {
                Ok(data) => Some(data),
                Err(error) if error.code() == 404 => None,
                Err(error) => return Err((503, error.to_string())),
            }
        }
    };
    let claims = match &*receiver.spec.type_ {
        "gcr" => {
            let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
            let header = found.map_or("", |(_, value)| value);
            let claims = context.google_keys.claims(header, &context.environment).await;
            Some(claims.map_err(|error| (400, format!("cannot authenticate GCR request: {error}")))?)
        }
        _ => None,
    };
    let (found, headers, body) = (Arc::clone(receiver), headers.to_vec(), body.to_vec());
    // This reads the expressions of the filters.
    let accepted = context.evaluations.work(&key.namespace, move || {
        let call = Call { headers: &headers, body: &body, claims: claims.as_ref() };
        receive(&found.spec, found.is_ready(), secret.as_ref(), &call)
    });
    let accepted = accepted.await.map_err(|error| (500, error.to_string()))?;
    let accepted = Arc::new(accepted.map_err(|refusal| (refusal.status(), refusal.to_string()))?);
    let mut failures = Vec::new();
    for index in 0..receiver.spec.resources.len() {
        if let Err(failure) = request(context, receiver, key, &accepted, index).await {
            failures.push(failure);
        }
    }
    if failures.is_empty() { Ok(()) } else { Err((400, failures.join("; "))) }
}

/// Asks for the reconciliation of what one resource of a receiver names.
async fn request(
    context: &Context,
    receiver: &Receiver,
    key: &Key,
    accepted: &Arc<Accepted>,
    index: usize,
) -> Result<(), String> {
    let Some(resource) = receiver.spec.resources.get(index) else { return Ok(()) };
    let selection = select(resource, &key.namespace, false).map_err(|error| error.to_string())?;
    let is_known = context.tenants.is_strict(&key.namespace).is_some();
    if selection.namespace != key.namespace && !is_known {
        // The call is sent again.
        return Err(format!("namespace '{}' is not known yet", key.namespace));
    }
    let may_refer = |object: Option<&DynamicObject>| {
        let allowed = object.and_then(tenancy::allowed);
        context.tenants.may_refer(&key.namespace, selection.namespace, allowed)
    };
    let (group, version) =
        selection.api_version.split_once('/').unwrap_or(("", selection.api_version.as_str()));
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, selection.kind));
    let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), selection.namespace, &kind);
    let objects = match selection.name {
        Some(name) => {
            let found = api.get(name).await;
            // Whoever may not refer to it is not told whether it exists.
            if !may_refer(found.as_ref().ok()) {
                let place = format!("{}/{}/{name}", selection.kind, selection.namespace);
                let remedy = tenancy::remedy(&key.namespace);
                return Err(format!("{place}: {}; {remedy}", SelectionError::CrossNamespace));
            }
            vec![found.map_err(|error| words(error, name))?]
        }
        None => {
            let labels: Vec<String> =
                selection.labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
            let parameters = ListParams::default().labels(&labels.join(","));
            api.list(&parameters).await.map_err(|error| words(error, "*"))?.items
        }
    };
    let is_there = |object: &DynamicObject| object.metadata.namespace.as_deref() == Some(selection.namespace);
    for object in objects.into_iter().filter(|object| is_there(object) && may_refer(Some(object))) {
        if accepted.has_filter(index) {
            let (accepted, seen) = (Arc::clone(accepted), json!(object));
            let takes = context.evaluations.work(&key.namespace, move || accepted.takes(index, &seen));
            if !takes.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())? {
                continue;
            }
        }
        let name = object.name_any();
        let now = context.environment.now().to_string();
        let patch = json!({"metadata": {"annotations": {annotation::RECONCILE_REQUEST: now}}});
        let parameters =
            PatchParams { field_manager: Some(METADATA_MANAGER.to_owned()), ..PatchParams::default() };
        api.patch_metadata(&name, &parameters, &Patch::Merge(&patch))
            .await
            .map_err(|error| words(error, &name))?;
        let place = format!("{}/{name}.{}", selection.kind, selection.namespace);
        context.log.info("resource annotated", NAMES.fields(key, json!({"resource": place})));
    }
    Ok(())
}

fn words(error: kube::Error, name: &str) -> String {
    format!("unable to annotate resource '{name}': {}", RequestError::from(error))
}
