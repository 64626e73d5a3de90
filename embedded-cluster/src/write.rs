//! Creating, updating and patching, with the way of an object from request to store.

use axum::body::Body;
use http::{Response, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::body::{self, MOST_STORED, check_size};
use crate::call::{Call, object_response};
use crate::check::{WRONG_BASE64, check, check_builtin, check_expressions, normalize, prune, set_defaults};
use crate::kinds::Kind;
use crate::managed::fieldset::{Element, FieldSet};
use crate::managed::{self, Writer};
use crate::read::respond;
use crate::scale::{scale_of, with_scale};
use crate::schema::{Shape, Type};
use crate::status::{ApiError, FieldError};
use crate::storage::{Expect, Name, Object};
use crate::{admission, definitions, delete, escalation, patch, policies, webhooks};

/// Metadata that only the server changes.
const KEPT: [&str; 8] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
];

/// Of how many unknown fields a client is told. Each is a header, of which an answer cannot have more than 24,576.
const MOST_WARNINGS: usize = 100;

/// How often a patch is tried again when others write in between.
const TRIES: usize = 10;

impl Call<'_> {
    fn dry_run(&self) -> bool {
        self.query.get("dryRun").is_some()
    }

    /// The manager of a write: what the query says, otherwise the program of the user agent.
    fn manager(&self) -> String {
        let agent =
            self.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("unknown");
        let manager =
            self.query.get("fieldManager").unwrap_or_else(|| agent.split('/').next().unwrap_or("unknown"));
        manager.chars().take(128).collect()
    }

    fn read_body(&self) -> Result<Value, ApiError> {
        body::read(self.headers, &self.body)
    }

    /// Stores a finished object, or only shows it on a dry run.
    async fn store(&self, name: &Name, expect: Expect, value: Value) -> Result<Option<Value>, ApiError> {
        if self.dry_run() {
            return Ok(Some(value));
        }
        let value = match expect {
            Expect::Absent => definitions::established(self.kind, value, &self.state.now()),
            Expect::Revision(_) => value,
        };
        let gone = value.pointer("/metadata/deletionTimestamp").is_some() && delete::is_free(&value);
        let Ok((object, ticket)) = self.state.store.commit(&self.kind.resource, name, expect, Some(value))
        else {
            return Ok(None);
        };
        definitions::changed(self.state, &self.kind.resource);
        if gone {
            // Whoever wrote in between takes the object away in our place.
            let _ =
                self.state.store.commit(&self.kind.resource, name, Expect::Revision(object.revision), None);
            definitions::changed(self.state, &self.kind.resource);
        }
        ticket.wait().await?;
        Ok(Some(object.value.clone()))
    }
}

/// What an object of a built-in type looks like before anything is set.
fn zero(of: Type<'_>) -> Value {
    let mut map = Map::new();
    for name in &of.target().required {
        map.insert(name.clone(), Value::Null);
    }
    for (name, field) in of.fields() {
        if field.node().always {
            map.insert(name.to_owned(), zero(field));
        }
    }
    Value::Object(map)
}

/// Fields that a way of writing leaves alone.
fn reset_fields(kind: &Kind, subresource: &str) -> FieldSet {
    let mut set = FieldSet::default();
    let fields: &[&str] = match subresource {
        "status" => &["spec", "metadata"],
        "" if kind.has("status") => &["status"],
        _ => &[],
    };
    // The server itself keeps namespaces that are deleted.
    if kind.is("namespaces") {
        set.insert(&[Element::Field("spec".to_owned()), Element::Field("finalizers".to_owned())]);
    }
    for field in fields {
        set.insert(&[Element::Field((*field).to_owned())]);
    }
    set
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Checks apiVersion and kind, and drops or rejects unknown fields. Gives warnings back.
fn decode(call: &Call<'_>, value: &mut Value) -> Result<Vec<String>, ApiError> {
    let kind = call.kind;
    let api_version = kind.api_version();
    let Some(object) = value.as_object_mut() else {
        return Err(ApiError::bad_request("the object provided is not an object"));
    };
    let given = object
        .entry("apiVersion")
        .or_insert_with(|| api_version.clone().into())
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let given_kind = object
        .entry("kind")
        .or_insert_with(|| kind.kind.clone().into())
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if given != api_version {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({given}) does not match the expected API version ({api_version})"
        )));
    }
    if given_kind != kind.kind {
        return Err(ApiError::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: the kind is {given_kind}",
            given_kind, kind.version, kind.kind
        )));
    }
    check_metadata(kind, object)?;
    let mut unknown = Vec::new();
    prune(kind.root(), value, "", &mut unknown);
    let unknown = unknown.iter().take(MOST_WARNINGS);
    let unknown: Vec<String> = unknown.map(|path| format!("unknown field \"{path}\"")).collect();
    match call.query.get("fieldValidation") {
        Some("Ignore") => Ok(Vec::new()),
        Some("Strict") if !unknown.is_empty() => {
            let detail = format!("strict decoding error: {}", unknown.join(", "));
            let message = if kind.custom {
                detail
            } else {
                format!(
                    "{} in version \"{}\" cannot be handled as a {}: {detail}",
                    kind.kind, kind.version, kind.kind
                )
            };
            Err(ApiError::bad_request(message))
        }
        _ => Ok(unknown),
    }
}

/// Refuses metadata that are no object, or have no maps where everything else counts on maps.
fn check_metadata(kind: &Kind, object: &mut Map<String, Value>) -> Result<(), ApiError> {
    let wrong = |field: &str| {
        let (kind, version) = (&kind.kind, &kind.version);
        ApiError::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {kind}: {field} is not an object"
        ))
    };
    let metadata = object.entry("metadata").or_insert(Value::Null);
    if metadata.is_null() {
        *metadata = json!({});
    }
    let Some(metadata) = metadata.as_object() else { return Err(wrong("metadata")) };
    for field in ["labels", "annotations"] {
        if metadata.get(field).is_some_and(|found| !found.is_null() && !found.is_object()) {
            return Err(wrong(&format!("metadata.{field}")));
        }
    }
    Ok(())
}

/// Defaults and form: what the server makes of an object before it looks at it.
fn shape(call: &Call<'_>, value: &mut Value) -> Result<(), ApiError> {
    let kind = call.kind;
    if kind.group == "events.k8s.io" {
        *value = admission::rename_event(value.take(), false);
    }
    if kind.custom {
        set_defaults(kind.root(), value);
        if let Some(metadata) = value.get_mut("metadata") {
            metadata.as_object_mut().into_iter().for_each(|map| map.retain(|_, child| !child.is_null()));
        }
        return Ok(());
    }
    let wrong = |error: String| {
        ApiError::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: {error}",
            kind.kind, kind.version, kind.kind
        ))
    };
    admission::before(kind, value);
    if kind.group != "events.k8s.io" {
        normalize(kind.root(), value, "").map_err(wrong)?;
    }
    admission::set_defaults(call.state, kind, value);
    Ok(())
}

fn validate(call: &Call<'_>, old: Option<&Value>, value: &Value) -> Result<(), ApiError> {
    let mut errors: Vec<FieldError> = Vec::new();
    if call.kind.custom {
        check(call.kind.root(), value, "", &mut errors);
        // A rule may count on the types of what it looks at.
        if errors.is_empty() {
            check_expressions(call.kind.root(), value, old, "", &mut errors);
        }
    } else {
        check_builtin(call.kind.root(), value, "", &mut errors);
    }
    admission::check_metadata(call.kind, value, &mut errors);
    admission::check(call.kind, old, value, &mut errors);
    if errors.is_empty() {
        return policies::check(call, old, Some(value));
    }
    Err(ApiError::invalid(call.kind.subject(text(value, "/metadata/name")), &errors))
}

/// The identity of a new object.
fn prepare_new(call: &Call<'_>, value: &mut Value) -> Result<Name, ApiError> {
    let kind = call.kind;
    let namespace = if kind.namespaced { call.target.namespace.clone() } else { String::new() };
    let given = text(value, "/metadata/namespace");
    if kind.namespaced && !given.is_empty() && given != namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    let now = call.state.now();
    let generated = text(value, "/metadata/generateName").to_owned();
    let mut name = text(value, "/metadata/name").to_owned();
    if name.is_empty() && !generated.is_empty() {
        let suffix = uuid::Uuid::new_v4().simple().to_string();
        name = format!("{generated}{}", &suffix[..5]);
    }
    let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else {
        return Err(ApiError::bad_request("metadata is not an object"));
    };
    for gone in
        ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion", "generation"]
    {
        metadata.shift_remove(gone);
    }
    if !name.is_empty() {
        metadata.insert("name".to_owned(), name.clone().into());
    }
    metadata.shift_remove("namespace");
    if kind.namespaced {
        metadata.insert("namespace".to_owned(), namespace.clone().into());
    }
    metadata.insert("uid".to_owned(), uuid::Uuid::new_v4().to_string().into());
    metadata.insert("creationTimestamp".to_owned(), now.into());
    if kind.counts {
        metadata.insert("generation".to_owned(), 1.into());
    }
    if kind.has("status")
        && let Some(object) = value.as_object_mut()
    {
        object.shift_remove("status");
    }
    admission::on_create(call.state, kind, &namespace, value)?;
    Ok(Name { namespace, name })
}

/// What a changed object keeps of the old one.
fn prepare_changed(call: &Call<'_>, old: &Value, value: &mut Value) -> Result<(), ApiError> {
    let kind = call.kind;
    let subject = kind.subject(&call.target.name);
    let version = text(value, "/metadata/resourceVersion");
    if !version.is_empty() && version != text(old, "/metadata/resourceVersion") {
        return Err(ApiError::modified(subject));
    }
    let uid = text(value, "/metadata/uid");
    let old_uid = text(old, "/metadata/uid");
    if !uid.is_empty() && uid != old_uid {
        return Err(ApiError::conflict(
            subject,
            &format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {old_uid}"),
        ));
    }
    let name = text(value, "/metadata/name");
    if !name.is_empty() && name != call.target.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            call.target.name
        )));
    }
    let entries = value.pointer("/metadata/managedFields").cloned();
    let (Some(new), Some(before)) = (value.as_object_mut(), old.as_object()) else {
        return Err(ApiError::bad_request("the object provided is not an object"));
    };
    if call.target.subresource == "status" {
        let status = new.get("status").cloned();
        *new = before.clone();
        match status {
            Some(status) => new.insert("status".to_owned(), status),
            None => new.shift_remove("status"),
        };
        if let (Some(entries), Some(metadata)) = (entries, new.get_mut("metadata")) {
            metadata["managedFields"] = entries;
        }
    } else if kind.has("status") {
        match before.get("status") {
            Some(status) => new.insert("status".to_owned(), status.clone()),
            None => new.shift_remove("status"),
        };
    }
    let metadata = new.entry("metadata").or_insert_with(|| json!({}));
    keep(&KEPT, &old["metadata"], metadata);
    Ok(())
}

/// Copies fields from another object, and removes those that it does not have.
fn keep(fields: &[&str], from: &Value, to: &mut Value) {
    for field in fields {
        match from.get(field) {
            Some(value) => to[field] = value.clone(),
            None => {
                to.as_object_mut().and_then(|object| object.shift_remove(*field));
            }
        }
    }
}

/// The object after the mutating webhooks. They cannot change its identity, its field owners or its status,
/// except for the status in a request for the status.
async fn mutate(call: &Call<'_>, old: Option<&Value>, value: Value) -> Result<Value, ApiError> {
    if !webhooks::are_there(call) {
        return Ok(value);
    }
    let kind = call.kind;
    let mut sent = value.clone();
    if old.is_none() {
        keep(&["uid", "creationTimestamp"], &Value::Null, &mut sent["metadata"]);
    }
    let complete = |object: &mut Value| {
        prune(kind.root(), object, "", &mut Vec::new());
        shape(call, object)
    };
    let Some(mut changed) = webhooks::mutate(call, old, Some(&sent), &complete).await? else {
        return Ok(value);
    };
    if call.target.subresource == "status" {
        let mut result = value;
        keep(&["status"], &changed, &mut result);
        return Ok(result);
    }
    if !changed["metadata"].is_object() {
        changed["metadata"] = json!({});
    }
    keep(&KEPT, &value["metadata"], &mut changed["metadata"]);
    keep(&["managedFields"], &value["metadata"], &mut changed["metadata"]);
    if kind.has("status") {
        keep(&["status"], &value, &mut changed);
    }
    Ok(changed)
}

/// Counts a change of the spec.
fn count(kind: &Kind, old: &Value, value: &mut Value) {
    let spec = |value: &Value| -> Value {
        if !kind.custom && value.get("spec").is_some() {
            return value["spec"].clone();
        }
        let mut rest = value.clone();
        if let Some(object) = rest.as_object_mut() {
            object.retain(|key, _| !matches!(key.as_str(), "metadata" | "status" | "apiVersion" | "kind"));
        }
        rest
    };
    if kind.counts && spec(old) != spec(value) {
        value["metadata"]["generation"] = (old["metadata"]["generation"].as_i64().unwrap_or(0) + 1).into();
    }
}

pub(crate) async fn create(call: &Call<'_>) -> Result<Response<Body>, ApiError> {
    if call.target.subresource == "eviction" {
        return delete::delete(call).await;
    }
    if !call.target.name.is_empty() {
        return Err(ApiError::unknown_path());
    }
    let mut value = call.read_body()?;
    let warnings = decode(call, &mut value)?;
    let name = prepare_new(call, &mut value)?;
    if name.name.is_empty() {
        let error = FieldError::required("metadata.name", "name or generateName is required");
        return Err(ApiError::invalid(call.kind.subject(""), &[error]));
    }
    shape(call, &mut value)?;
    let (manager, api_version, now) = (call.manager(), call.kind.api_version(), call.state.now());
    let writer = Writer { manager: &manager, api_version: &api_version, subresource: "", now: &now };
    let mut before = if call.kind.custom { Value::Null } else { zero(call.kind.root()) };
    admission::show_empty(call.kind, &mut before);
    managed::record_update(call.kind.root(), &before, &mut value, &writer, &reset_fields(call.kind, ""));
    let value = admit(call, None, value).await?;
    let exists = || ApiError::already_exists(call.kind.subject(&name.name));
    if call.state.store.get(&call.kind.resource, &name).is_some() {
        return Err(exists());
    }
    let stored = call.store(&name, Expect::Absent, value).await?.ok_or_else(exists)?;
    call.warn(warnings);
    Ok(respond(call, StatusCode::CREATED, &stored))
}

/// The rest of an update, given the object as it shall be. `None` when someone wrote in between.
async fn replace(call: &Call<'_>, old: &Object, mut value: Value) -> Result<Option<Value>, ApiError> {
    prepare_changed(call, &old.value, &mut value)?;
    shape(call, &mut value)?;
    let (manager, api_version, now) = (call.manager(), call.kind.api_version(), call.state.now());
    let writer = Writer {
        manager: &manager,
        api_version: &api_version,
        subresource: &call.target.subresource,
        now: &now,
    };
    managed::record_update(
        call.kind.root(),
        &old.value,
        &mut value,
        &writer,
        &reset_fields(call.kind, &call.target.subresource),
    );
    finish(call, old, value).await
}

/// Runs mutating admission, then validating admission.
async fn admit(call: &Call<'_>, old: Option<&Value>, value: Value) -> Result<Value, ApiError> {
    let value = mutate(call, old, value).await?;
    check_size(&value, MOST_STORED)?;
    escalation::check(call, &value)?;
    validate(call, old, &value)?;
    webhooks::validate(call, old, Some(&value)).await?;
    Ok(value)
}

async fn finish(call: &Call<'_>, old: &Object, value: Value) -> Result<Option<Value>, ApiError> {
    let mut value = admit(call, Some(&old.value), value).await?;
    count(call.kind, &old.value, &mut value);
    value["metadata"]["resourceVersion"] = old.value["metadata"]["resourceVersion"].clone();
    if value == old.value {
        return Ok(Some(value));
    }
    call.store(&call.name(), Expect::Revision(old.revision), value).await
}

pub(crate) async fn update(call: &Call<'_>) -> Result<Response<Body>, ApiError> {
    let old = call.stored()?;
    let mut value = call.read_body()?;
    let modified = || ApiError::modified(call.kind.subject(&call.target.name));
    if call.target.subresource == "scale" {
        let stored =
            replace(call, &old, with_scale(call.kind, &old.value, &value)?).await?.ok_or_else(modified)?;
        return Ok(object_response(StatusCode::OK, &scale_of(call.kind, &stored)));
    }
    let warnings = decode(call, &mut value)?;
    if call.kind.custom && text(&value, "/metadata/resourceVersion").is_empty() {
        let error = FieldError {
            reason: "FieldValueInvalid",
            field: "metadata.resourceVersion".to_owned(),
            message: "Invalid value: 0: must be specified for an update".to_owned(),
        };
        return Err(ApiError::invalid(call.kind.subject(&call.target.name), &[error]));
    }
    let stored = replace(call, &old, value).await?.ok_or_else(modified)?;
    call.warn(warnings);
    Ok(respond(call, StatusCode::OK, &stored))
}

pub(crate) async fn patch(call: &Call<'_>) -> Result<Response<Body>, ApiError> {
    let content = body::media_type(call.headers);
    let body = call.read_body()?;
    if content.starts_with("application/apply-patch+") {
        return apply(call, body).await;
    }
    for _ in 0..TRIES {
        let old = call.stored()?;
        let scale = call.target.subresource == "scale";
        let mut value = if scale {
            scale_of(call.kind, &old.value)
        } else {
            crate::read::in_version(call.kind, &old.value)
        };
        match content {
            "application/json-patch+json" => patch::json(&mut value, &body)?,
            "application/merge-patch+json" => patch::merge(&mut value, &body),
            "application/strategic-merge-patch+json" if !call.kind.custom => {
                patch::strategic(call.kind.root(), &mut value, &body)
            }
            other => {
                let message = format!(
                    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml (not {other})"
                );
                return Err(ApiError::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "UnsupportedMediaType",
                    message,
                ));
            }
        }
        if scale {
            if let Some(stored) = replace(call, &old, with_scale(call.kind, &old.value, &value)?).await? {
                return Ok(object_response(StatusCode::OK, &scale_of(call.kind, &stored)));
            }
            continue;
        }
        let warnings = decode(call, &mut value)?;
        if let Some(stored) = replace(call, &old, value).await? {
            call.warn(warnings);
            return Ok(respond(call, StatusCode::OK, &stored));
        }
    }
    Err(ApiError::modified(call.kind.subject(&call.target.name)))
}

async fn apply(call: &Call<'_>, mut config: Value) -> Result<Response<Body>, ApiError> {
    let Some(manager) = call.query.get("fieldManager") else {
        return Err(ApiError::bad_request(
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        ));
    };
    if config
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array)
        .is_some_and(|list| !list.is_empty())
    {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    let warnings = decode(call, &mut config)?;
    if config["metadata"].get("name").is_none() {
        config["metadata"]["name"] = call.target.name.clone().into();
    }
    if text(&config, "/metadata/name") != call.target.name {
        return Err(ApiError::bad_request("the name of the object does not match the name on the URL"));
    }
    if !call.kind.custom {
        admission::before(call.kind, &mut config);
        drop_empty(call.kind.root(), &mut config);
    }
    let (api_version, now) = (call.kind.api_version(), call.state.now());
    let subresource = call.target.subresource.as_str();
    let writer = Writer { manager, api_version: &api_version, subresource, now: &now };
    let (reset, force) = (reset_fields(call.kind, subresource), call.query.flag("force"));
    for _ in 0..TRIES {
        let old = call.state.store.get(&call.kind.resource, &call.name());
        if old.is_none() && !subresource.is_empty() {
            return Err(ApiError::not_found(call.kind.subject(&call.target.name)));
        }
        let live =
            old.as_ref().map_or(Value::Null, |object| crate::read::in_version(call.kind, &object.value));
        let mut failure = None;
        let complete = |merged: &mut Value| {
            let prepared = match &old {
                Some(old) => prepare_changed(call, &old.value, merged),
                None => prepare_new(call, merged).map(|_| ()),
            };
            if let Err(error) = prepared.and_then(|()| shape(call, merged)) {
                failure = Some(unconverted(call, error));
            }
        };
        let applied = managed::apply(call.kind.root(), &live, &config, &writer, &reset, force, complete);
        if let Some(error) = failure {
            return Err(error);
        }
        let applied = applied.map_err(|conflicts| {
            let (message, causes) = managed::conflict_message(&conflicts);
            let mut error = ApiError::new(StatusCode::CONFLICT, "Conflict", message);
            error.details = Some(json!({"causes": causes}));
            error
        })?;
        let (code, stored) = match &old {
            Some(old) if applied.unchanged && !webhooks::are_there(call) => {
                (StatusCode::OK, Some(old.value.clone()))
            }
            Some(old) => (StatusCode::OK, finish(call, old, applied.object).await?),
            None => {
                let object = admit(call, None, applied.object).await?;
                (StatusCode::CREATED, call.store(&call.name(), Expect::Absent, object).await?)
            }
        };
        if let Some(stored) = stored {
            call.warn(warnings);
            return Ok(respond(call, code, &stored));
        }
    }
    Err(ApiError::modified(call.kind.subject(&call.target.name)))
}

/// The error of an application whose object holds data that cannot be decoded: no refusal, as elsewhere, but a
/// failure of the server.
fn unconverted(call: &Call<'_>, error: ApiError) -> ApiError {
    let Some(at) = error.message.find(WRONG_BASE64) else { return error };
    let (kind, target) = (call.kind, call.target);
    let kind = format!("{}/{}, Kind={}", kind.group, kind.version, kind.kind);
    let message = format!(
        "failed to convert new object ({}/{}; {kind}) to proper version: unable to convert unstructured object to \
         {kind}: error decoding from json: {}",
        target.namespace,
        target.name,
        &error.message[at..]
    );
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "", message)
}

/// Drops nulls from an applied configuration of a built-in kind: they say nothing there.
fn drop_empty(of: Type<'_>, value: &mut Value) {
    match value {
        Value::Object(map) if !of.is_any() => {
            if matches!(of.shape(), Shape::Object { .. }) {
                map.retain(|_, child| !child.is_null());
            }
            for (key, child) in map.iter_mut() {
                drop_empty(of.field(key), child);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|child| drop_empty(of.items(), child)),
        _ => {}
    }
}
