//! Getting and listing.

use axum::body::Body;
use base64::Engine as _;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::call::{Call, json_response, object_response};
use crate::kinds::Kind;
use crate::request::Form;
use crate::status::ApiError;
use crate::storage::Name;
use crate::{scale, table};

/// A stored object in the version that was asked for.
pub(crate) fn in_version(kind: &Kind, value: &Value) -> Value {
    let mut value = value.clone();
    if kind.group == "events.k8s.io" {
        value = crate::admission::rename_event(value, true);
    }
    if let Some(object) = value.as_object_mut() {
        object.insert("apiVersion".to_owned(), kind.api_version().into());
    }
    value
}

/// Answers with one object.
pub(crate) fn respond(call: &Call<'_>, code: StatusCode, value: &Value) -> Response<Body> {
    let shown = in_version(call.kind, value);
    match call.form {
        Form::Whole => object_response(code, &shown),
        Form::Metadata => object_response(code, &table::metadata_of(&shown)),
        Form::Table => {
            object_response(code, &table::table(call.state, call.kind, &[&shown], &json!({}), call.query))
        }
    }
}

pub(crate) fn get(call: &Call<'_>) -> Result<Response<Body>, ApiError> {
    let object = call.stored()?;
    if call.target.subresource == "scale" {
        return Ok(object_response(StatusCode::OK, &scale::scale_of(call.kind, &object.value)));
    }
    let stored_version = object.value["apiVersion"] == call.kind.api_version();
    if call.form == Form::Whole && stored_version {
        return Ok(json_response(StatusCode::OK, object.bytes()));
    }
    Ok(respond(call, StatusCode::OK, &object.value))
}

pub(crate) fn list(call: &Call<'_>) -> Result<Response<Body>, ApiError> {
    let selector = call.selector()?;
    let limit =
        call.query.number("limit").filter(|limit| *limit > 0).map_or(usize::MAX, |limit| limit as usize);
    let token = call.query.get("continue").map(decode_token).transpose()?;
    let after = token.as_ref().map(|(_, name)| name);
    let matches = |value: &Value| {
        selector.is_empty()
            || if call.kind.group == "events.k8s.io" {
                selector.matches(&in_version(call.kind, value))
            } else {
                selector.matches(value)
            }
    };
    let listing = call.state.store.list(&call.kind.resource, &call.target.namespace, after, limit, matches);
    let mut metadata = Map::new();
    let revision = token.as_ref().map_or(listing.revision, |(revision, _)| *revision);
    metadata.insert("resourceVersion".to_owned(), revision.to_string().into());
    if let Some(more) = &listing.more {
        metadata.insert("continue".to_owned(), encode_token(revision, more).into());
        if selector.is_empty() {
            metadata.insert("remainingItemCount".to_owned(), listing.remaining.into());
        }
    }
    let metadata = Value::Object(metadata);
    let api_version = call.kind.api_version();
    match call.form {
        Form::Whole => {
            // Items were printed when they were last read: joining them is cheap.
            let mut text = format!(
                "{{\"kind\":\"{}\",\"apiVersion\":\"{api_version}\",\"metadata\":{metadata},\"items\":[",
                call.kind.list_kind
            )
            .into_bytes();
            for (index, object) in listing.objects.iter().enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                if object.value["apiVersion"] == api_version {
                    text.extend_from_slice(&object.bytes());
                } else {
                    text.extend_from_slice(in_version(call.kind, &object.value).to_string().as_bytes());
                }
            }
            text.extend_from_slice(b"]}");
            Ok(json_response(StatusCode::OK, text))
        }
        Form::Metadata => {
            let items: Vec<Value> =
                listing.objects.iter().map(|object| table::metadata_of(&object.value)).collect();
            let list = json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items});
            Ok(object_response(StatusCode::OK, &list))
        }
        Form::Table => {
            let items: Vec<Value> =
                listing.objects.iter().map(|object| in_version(call.kind, &object.value)).collect();
            let items: Vec<&Value> = items.iter().collect();
            Ok(object_response(
                StatusCode::OK,
                &table::table(call.state, call.kind, &items, &metadata, call.query),
            ))
        }
    }
}

fn encode_token(revision: u64, name: &Name) -> String {
    let token =
        json!({"v": "meta.k8s.io/v1", "rv": revision, "namespace": name.namespace, "name": name.name});
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(token.to_string())
}

fn decode_token(token: &str) -> Result<(u64, Name), ApiError> {
    let read = || {
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token).ok()?;
        let token: Value = serde_json::from_slice(&bytes).ok()?;
        let text = |name: &str| token[name].as_str().map(str::to_owned);
        Some((token["rv"].as_u64()?, Name { namespace: text("namespace")?, name: text("name")? }))
    };
    read().ok_or_else(|| ApiError::bad_request("continue key is not valid"))
}
