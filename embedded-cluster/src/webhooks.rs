//! The admission webhooks of the cluster: which are called for a request, and what happens to it.

mod review;

use std::sync::Arc;

use admission_policy::{Operation, Request, UserInfo, WebhookRules};
use futures::future::join_all;
use serde_json::Value;

use crate::call::Call;
use crate::kinds::Kind;
use crate::patch;
use crate::policies::Stored;
use crate::read::in_version;
use crate::state::State;
use crate::status::ApiError;
use crate::storage::Name;
use crate::webhook_client::failed;
use crate::webhook_settings::{MUTATING, VALIDATING};
use review::Answer;

/// Kinds that configure admission. They are exempt, so that no webhook can lock out an administrator.
const EXEMPT: [&str; 6] = [
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
];

/// A webhook of a configuration.
struct Webhook {
    name: String,
    /// The entry of `webhooks`.
    settings: Value,
    rules: WebhookRules,
}

/// A change, in the version that a webhook expects.
struct Change {
    kind: Arc<Kind>,
    old: Option<Value>,
    new: Option<Value>,
}

/// Why there is no answer.
enum Failure {
    /// The call failed or the answer is invalid. `failurePolicy` decides.
    Call(String),
    /// The request is refused.
    Refused(ApiError),
}

impl Webhook {
    fn read(settings: &Value) -> Result<Webhook, ApiError> {
        let name = settings["name"].as_str().unwrap_or_default().to_owned();
        let rules = WebhookRules::of(settings)
            .map_err(|error| ApiError::internal(format!("webhook {name:?} cannot be read: {error}")))?;
        Ok(Webhook { name, settings: settings.clone(), rules })
    }

    /// The change in the version that this webhook expects. `None` if its rules do not match.
    fn select(&self, call: &Call<'_>, old: Option<&Value>, new: Option<&Value>) -> Option<Change> {
        let versions = match self.settings["matchPolicy"] == "Exact" {
            true => vec![call.kind.clone()],
            false => versions(call),
        };
        let changes = versions.into_iter().map(|kind| {
            let shown = |value: &Value| in_version(&kind, value);
            Change { old: old.map(shown), new: new.map(shown), kind }
        });
        changes.into_iter().find(|change| self.rules.are_about(&change.request(call), &Stored(call.state)))
    }

    /// Calls the webhook for a change if its match conditions hold.
    async fn ask(&self, call: &Call<'_>, change: &Change, mutates: bool) -> Result<Option<Answer>, Failure> {
        let request = change.request(call);
        let holds = self.rules.conditions_hold(&request).map_err(|error| {
            Failure::Refused(ApiError::forbidden(call.kind.subject(request.name()), &error))
        })?;
        if !holds {
            return Ok(None);
        }
        let has_no_side_effects =
            ["None", "NoneOnDryRun"].iter().any(|one| self.settings["sideEffects"] == **one);
        if request.dry_run && !has_no_side_effects {
            let message = format!("admission webhook {:?} does not support dry run", self.name);
            return Err(Failure::Refused(ApiError::bad_request(message)));
        }
        let wanted = self.settings["admissionReviewVersions"].as_array().into_iter().flatten();
        let version = wanted.filter_map(Value::as_str).find(|version| review::VERSIONS.contains(version));
        let Some(version) = version else {
            return Err(Failure::Call(
                "webhook does not accept known AdmissionReview versions (v1, v1beta1)".to_owned(),
            ));
        };
        let uid = uuid::Uuid::new_v4().to_string();
        let body = review::request(call, change, &request, &uid, version);
        let answer = self.call(call.state, &body).await;
        let answer = answer.map_err(|error| Failure::Call(format!("failed to call webhook: {error}")))?;
        let answer = Answer::read(&answer, &uid, version, mutates)
            .map_err(|error| Failure::Call(format!("received invalid webhook response: {error}")))?;
        call.warn(answer.warnings.clone());
        match &answer.refusal {
            Some(status) => Err(Failure::Refused(review::refusal(&self.name, status))),
            None => Ok(Some(answer)),
        }
    }

    /// Sends a review and returns the answer.
    async fn call(&self, state: &State, body: &Value) -> Result<Value, String> {
        let config = &self.settings["clientConfig"];
        let seconds = self.settings["timeoutSeconds"].as_u64().unwrap_or(10);
        if let Some(url) = config["url"].as_str() {
            let bundle = config["caBundle"].as_str().unwrap_or_default();
            return state.webhooks.post(url, bundle, seconds, body).await;
        }
        let text = |field: &str| config["service"][field].as_str().unwrap_or_default();
        let (name, namespace) = (text("name"), text("namespace"));
        let port = config["service"]["port"].as_u64().unwrap_or(443);
        let path = text("path").trim_start_matches('/');
        let stored = Name { namespace: namespace.to_owned(), name: name.to_owned() };
        let reason = match state.store.get(&"services".into(), &stored) {
            None => format!("service {name:?} not found"),
            Some(_) => format!(
                "service {name:?} cannot be reached: an embedded cluster runs no pods, use clientConfig.url"
            ),
        };
        Err(failed(&format!("https://{name}.{namespace}.svc:{port}/{path}"), seconds, &reason))
    }

    /// Ignores a failed call if `failurePolicy` says so.
    fn settle(&self, failure: Failure) -> Result<(), ApiError> {
        match failure {
            Failure::Refused(error) => Err(error),
            Failure::Call(reason) if self.rules.ignores_failures() => {
                tracing::warn!(webhook = self.name, reason, "a webhook cannot be called, and is ignored");
                Ok(())
            }
            Failure::Call(reason) => {
                let message = format!("failed calling webhook {:?}: {reason}", self.name);
                let mut error = ApiError::internal(format!("Internal error occurred: {message}"));
                error.details = Some(serde_json::json!({"causes": [{"message": message}]}));
                Err(error)
            }
        }
    }
}

impl Change {
    /// The change as rules see it.
    fn request<'a>(&'a self, call: &'a Call<'_>) -> Request<'a> {
        let operation = match (&self.old, &self.new) {
            (None, _) => Operation::Create,
            (Some(_), Some(_)) => Operation::Update,
            (Some(_), None) => Operation::Delete,
        };
        Request {
            operation,
            object: self.new.as_ref(),
            old_object: self.old.as_ref(),
            resource: &call.kind.plural,
            subresource: &call.target.subresource,
            dry_run: call.query.get("dryRun").is_some(),
            user: UserInfo { username: call.user.name.clone(), groups: call.user.groups.clone() },
        }
    }
}

/// All versions of the kind of a call, starting with the version of the call.
fn versions(call: &Call<'_>) -> Vec<Arc<Kind>> {
    let registry = call.state.registry();
    let others = registry.groups().get(&call.kind.group).into_iter().flatten();
    let others = others.filter(|version| **version != call.kind.version);
    let others = others.filter_map(|version| registry.get(&call.kind.group, version, &call.kind.plural));
    std::iter::once(call.kind).chain(others).cloned().collect()
}

/// The webhooks of all configurations of a kind, in the order of the configurations' names.
fn all(state: &State, resource: &str) -> Result<Vec<Webhook>, ApiError> {
    let configurations = state.store.list(&resource.into(), "", None, usize::MAX, |_| true).objects;
    let entries = configurations.iter().filter_map(|found| found.value["webhooks"].as_array());
    entries.flatten().map(Webhook::read).collect()
}

fn is_exempt(kind: &Kind) -> bool {
    kind.group == "admissionregistration.k8s.io" && EXEMPT.contains(&kind.plural.as_str())
}

/// Whether there are webhooks that may be called for a request.
pub(crate) fn are_there(call: &Call<'_>) -> bool {
    let has =
        |resource: &str| !call.state.store.list(&resource.into(), "", None, 1, |_| true).objects.is_empty();
    !is_exempt(call.kind) && (has(MUTATING) || has(VALIDATING))
}

/// Calls the mutating webhooks one after another. Returns the object if one of them changed it; `complete`
/// sets its defaults again.
pub(crate) async fn mutate(
    call: &Call<'_>,
    old: Option<&Value>,
    new: Option<&Value>,
    complete: &(dyn Fn(&mut Value) -> Result<(), ApiError> + Send + Sync),
) -> Result<Option<Value>, ApiError> {
    if is_exempt(call.kind) {
        return Ok(None);
    }
    let webhooks = all(call.state, MUTATING)?;
    let mut changed: Option<Value> = None;
    // Webhooks to call again if a later one changes the object, with the object as they left it.
    let mut left = Vec::new();
    for webhook in &webhooks {
        let now = changed.as_ref().or(new);
        let Some(change) = webhook.select(call, old, now) else { continue };
        if let Some(next) = mutate_once(call, webhook, &change, complete).await? {
            changed = Some(next);
        }
        if webhook.settings["reinvocationPolicy"] == "IfNeeded" {
            left.push((webhook, changed.clone()));
        }
    }
    for (webhook, before) in left {
        if before == changed {
            continue;
        }
        if let Some(change) = webhook.select(call, old, changed.as_ref().or(new))
            && let Some(next) = mutate_once(call, webhook, &change, complete).await?
        {
            changed = Some(next);
        }
    }
    Ok(changed)
}

/// The object as one webhook changed it; `None` if it did not.
async fn mutate_once(
    call: &Call<'_>,
    webhook: &Webhook,
    change: &Change,
    complete: &(dyn Fn(&mut Value) -> Result<(), ApiError> + Send + Sync),
) -> Result<Option<Value>, ApiError> {
    let answer = match webhook.ask(call, change, true).await {
        Ok(answer) => answer,
        Err(failure) => return webhook.settle(failure).map(|()| None),
    };
    let Some(patch) = answer.and_then(|answer| answer.patch) else { return Ok(None) };
    let Some(object) = &change.new else {
        return Err(ApiError::internal(format!(
            "Internal error occurred: admission webhook {:?} attempted to modify the object, which is not supported \
             for this operation",
            webhook.name
        )));
    };
    let mut object = object.clone();
    patch::json(&mut object, &patch)
        .map_err(|error| ApiError::internal(format!("Internal error occurred: {error}")))?;
    let mut object = in_version(call.kind, &object);
    complete(&mut object)?;
    Ok(Some(object))
}

/// Calls the validating webhooks concurrently. The first denial, in the order of the webhooks, is returned.
pub(crate) async fn validate(
    call: &Call<'_>,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Result<(), ApiError> {
    if is_exempt(call.kind) {
        return Ok(());
    }
    let webhooks = all(call.state, VALIDATING)?;
    let answers = webhooks.iter().map(async |webhook| {
        let Some(change) = webhook.select(call, old, new) else { return Ok(()) };
        match webhook.ask(call, &change, false).await {
            Ok(_) => Ok(()),
            Err(failure) => webhook.settle(failure),
        }
    });
    join_all(answers).await.into_iter().collect()
}
