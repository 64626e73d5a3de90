//! Deleting: finalizers, propagation, whole collections.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body;
use crate::call::{Call, object_response};
use crate::definitions;
use crate::kinds::Kind;
use crate::read::respond;
use crate::state::State;
use crate::status::ApiError;
use crate::storage::{Expect, Name};
use crate::{policies, webhooks};

/// The finalizer behind foreground propagation.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer behind orphaning.
pub(crate) const ORPHAN: &str = "orphan";

/// Whether nothing holds a deleted object back.
pub(crate) fn is_free(value: &Value) -> bool {
    let empty = |pointer: &str| value.pointer(pointer).and_then(Value::as_array).is_none_or(Vec::is_empty);
    empty("/metadata/finalizers") && (value["kind"] != "Namespace" || empty("/spec/finalizers"))
}

/// How to delete.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) propagation: Option<String>,
    pub(crate) uid: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) dry_run: bool,
}

/// What a body says of how to delete.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Given {
    propagation_policy: Option<String>,
    orphan_dependents: Option<bool>,
    /// By field. This is no struct because serde reads structs from lists, too.
    preconditions: Option<BTreeMap<String, Option<String>>>,
    dry_run: Option<Vec<String>>,
}

impl Options {
    /// The options in the query and the body. What cannot be read is refused: it may be what protects the object.
    fn of(call: &Call<'_>) -> Result<Options, ApiError> {
        let mut body = if call.body.is_empty() { Value::Null } else { body::read(call.headers, &call.body)? };
        if call.target.subresource == "eviction" {
            body = body.get_mut("deleteOptions").map(Value::take).unwrap_or_default();
        }
        let wrong = |error: String| {
            ApiError::bad_request(format!("cannot read the options of the deletion: {error}"))
        };
        let given = match body {
            Value::Null => Given::default(),
            Value::Object(_) => serde_json::from_value(body).map_err(|error| wrong(error.to_string()))?,
            _ => return Err(wrong("they are not an object".to_owned())),
        };
        let orphans = given.orphan_dependents.map(|orphan| if orphan { "Orphan" } else { "Background" });
        let mut preconditions = given.preconditions.unwrap_or_default();
        let mut wanted = |field: &str| preconditions.remove(field).flatten();
        Ok(Options {
            propagation: given
                .propagation_policy
                .or_else(|| call.query.get("propagationPolicy").map(str::to_owned))
                .or_else(|| orphans.map(str::to_owned)),
            uid: wanted("uid"),
            revision: wanted("resourceVersion"),
            dry_run: call.query.get("dryRun").is_some()
                || given.dry_run.is_some_and(|stages| !stages.is_empty()),
        })
    }
}

/// What became of a deletion.
pub(crate) enum Outcome {
    /// It is gone; this is what it was.
    Gone(Value),
    /// It waits for finalizers.
    Waiting(Value),
}

/// Deletes an object, or marks it as deleted while finalizers hold it.
pub(crate) async fn remove(
    state: &Arc<State>,
    kind: &Kind,
    name: &Name,
    options: &Options,
) -> Result<Outcome, ApiError> {
    loop {
        let subject = kind.subject(&name.name);
        let object = state.store.get(&kind.resource, name).ok_or_else(|| ApiError::not_found(subject))?;
        let metadata = &object.value["metadata"];
        let same = |wanted: &Option<String>, field: &str, what: &str| match wanted {
            Some(wanted) if metadata[field] != wanted.as_str() => {
                let found = metadata[field].as_str().unwrap_or_default();
                Err(ApiError::conflict(
                    subject,
                    &format!(
                        "Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {found}"
                    ),
                ))
            }
            _ => Ok(()),
        };
        same(&options.uid, "uid", "UID")?;
        same(&options.revision, "resourceVersion", "ResourceVersion")?;
        let mut value = object.value.clone();
        let finalizer = match options.propagation.as_deref() {
            Some("Foreground") => Some(FOREGROUND),
            Some("Orphan") => Some(ORPHAN),
            _ => None,
        };
        if let Some(finalizer) = finalizer {
            let list = value["metadata"]
                .as_object_mut()
                .map(|metadata| metadata.entry("finalizers").or_insert_with(|| json!([])));
            if let Some(Value::Array(list)) = list
                && !list.iter().any(|known| known == finalizer)
            {
                list.push(finalizer.into());
            }
        }
        if kind.is("customresourcedefinitions.apiextensions.k8s.io") && !options.dry_run {
            definitions::remove_instances(state, &value);
        }
        if is_free(&value) {
            if options.dry_run {
                return Ok(Outcome::Gone(value));
            }
            if let Ok((gone, ticket)) =
                state.store.commit(&kind.resource, name, Expect::Revision(object.revision), None)
            {
                definitions::changed(state, &kind.resource);
                ticket.wait().await?;
                return Ok(Outcome::Gone(gone.value.clone()));
            }
            continue;
        }
        if value["metadata"].get("deletionTimestamp").is_none() {
            value["metadata"]["deletionTimestamp"] = state.now().into();
            if !kind.is("namespaces") {
                value["metadata"]["deletionGracePeriodSeconds"] = 0.into();
            }
            if kind.counts {
                value["metadata"]["generation"] =
                    (value["metadata"]["generation"].as_i64().unwrap_or(0) + 1).into();
            }
            if kind.is("namespaces") {
                value["status"]["phase"] = "Terminating".into();
            }
        }
        if options.dry_run || value == object.value {
            return Ok(Outcome::Waiting(value));
        }
        if let Ok((marked, ticket)) =
            state.store.commit(&kind.resource, name, Expect::Revision(object.revision), Some(value))
        {
            definitions::changed(state, &kind.resource);
            ticket.wait().await?;
            return Ok(Outcome::Waiting(marked.value.clone()));
        }
    }
}

/// Asks webhooks and policies about the deletion of an object.
async fn admit(call: &Call<'_>, object: &Value) -> Result<(), ApiError> {
    webhooks::mutate(call, Some(object), None, &|_| Ok(())).await?;
    policies::check(call, Some(object), None)?;
    webhooks::validate(call, Some(object), None).await
}

pub(crate) async fn delete(call: &Call<'_>) -> Result<Response<Body>, ApiError> {
    let options = Options::of(call)?;
    admit(call, &call.stored()?.value).await?;
    if call.kind.is("namespaces") && ["default", "kube-system", "kube-public"].contains(&&*call.target.name) {
        let subject = call.kind.subject(&call.target.name);
        return Err(ApiError::forbidden(subject, "this namespace may not be deleted"));
    }
    match remove(call.state, call.kind, &call.name(), &options).await? {
        Outcome::Waiting(value) => Ok(respond(call, StatusCode::OK, &value)),
        Outcome::Gone(value) if call.kind.is("pods") => Ok(respond(call, StatusCode::OK, &value)),
        Outcome::Gone(value) => {
            let mut details = json!({"name": call.target.name});
            if !call.kind.group.is_empty() {
                details["group"] = call.kind.group.clone().into();
            }
            details["kind"] = call.kind.plural.clone().into();
            details["uid"] = value["metadata"]["uid"].clone();
            let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
            Ok(object_response(StatusCode::OK, &status))
        }
    }
}

pub(crate) async fn delete_collection(call: &Call<'_>) -> Result<Response<Body>, ApiError> {
    let selector = call.selector()?;
    let options = Options::of(call)?;
    let listing =
        call.state.store.list(&call.kind.resource, &call.target.namespace, None, usize::MAX, |value| {
            selector.matches(value)
        });
    let mut items = Vec::new();
    for object in listing.objects {
        let text = |field: &str| object.value["metadata"][field].as_str().unwrap_or_default().to_owned();
        let name = Name { namespace: text("namespace"), name: text("name") };
        admit(call, &object.value).await?;
        match remove(call.state, call.kind, &name, &options).await {
            Ok(Outcome::Gone(value) | Outcome::Waiting(value)) => items.push(value),
            Err(error) if error.code == StatusCode::NOT_FOUND => {}
            Err(error) => return Err(error),
        }
    }
    let list = json!({"kind": call.kind.list_kind, "apiVersion": call.kind.api_version(), "metadata": {"resourceVersion": listing.revision.to_string()}, "items": items});
    Ok(object_response(StatusCode::OK, &list))
}
