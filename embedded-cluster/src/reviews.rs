//! Questions about access and requests for tokens, which are answered and not stored.

use std::sync::Arc;

use axum::body::Body;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::access::{self, User};
use crate::accounts::{self, ISSUER};
use crate::call::{Call, object_response};
use crate::request::Target;
use crate::state::{State, seconds};
use crate::status::{ApiError, FieldError, Subject};

/// How long a token is valid unless a request says otherwise, in seconds.
const VALID: i64 = 3_600;
const SHORTEST: i64 = 600;
const LONGEST: i64 = 1 << 32;

/// Answers a review, if the request is one.
pub(crate) fn answer(
    state: &Arc<State>,
    user: &User,
    target: &Target,
    verb: &str,
    body: &[u8],
) -> Result<Option<Value>, ApiError> {
    let known = matches!(&*target.group, "authorization.k8s.io" | "authentication.k8s.io");
    if !known || verb != "create" {
        return Ok(None);
    }
    let mut review: Value =
        serde_json::from_slice(body).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let other = User {
        name: review.pointer("/spec/user").and_then(Value::as_str).unwrap_or_default().to_owned(),
        groups: access::texts(review.pointer("/spec/groups")),
    };
    let subject = match &*target.resource {
        "selfsubjectaccessreviews" => user,
        "subjectaccessreviews" | "localsubjectaccessreviews" => &other,
        "selfsubjectreviews" => {
            review["status"] = json!({"userInfo": {"username": user.name, "groups": user.groups}});
            return Ok(Some(review));
        }
        "selfsubjectrulesreviews" => {
            let namespace = review.pointer("/spec/namespace").and_then(Value::as_str).unwrap_or_default();
            let (paths, resources): (Vec<Value>, Vec<Value>) = access::rules(state, user, namespace)
                .into_iter()
                .partition(|rule| rule.get("nonResourceURLs").is_some());
            review["status"] =
                json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false});
            return Ok(Some(review));
        }
        "tokenreviews" => {
            review["status"] = token_review(state, &review["spec"]);
            return Ok(Some(review));
        }
        _ => return Ok(None),
    };
    let asked = &review["spec"]["resourceAttributes"];
    let text = |field: &str| asked[field].as_str().unwrap_or_default().to_owned();
    let wanted = Target {
        group: text("group"),
        version: text("version"),
        resource: text("resource"),
        namespace: text("namespace"),
        name: text("name"),
        subresource: text("subresource"),
    };
    let allowed = if asked.is_object() {
        access::allows(state, subject, &text("verb"), &wanted)
    } else {
        let asked = &review["spec"]["nonResourceAttributes"];
        let text = |field: &str| asked[field].as_str().unwrap_or_default();
        access::allows_path(state, subject, text("verb"), text("path"))
    };
    review["status"] = json!({"allowed": allowed});
    Ok(Some(review))
}

/// The status of a TokenReview.
fn token_review(state: &State, spec: &Value) -> Value {
    let audiences = spec["audiences"].as_array().map_or(&[][..], Vec::as_slice);
    match accounts::account(state, spec["token"].as_str().unwrap_or_default(), audiences) {
        None => json!({"user": {}, "error": "invalid bearer token"}),
        Some(account) => json!({
            "authenticated": true,
            "user": {"username": account.user(), "uid": account.uid, "groups": account.groups()},
            "audiences": account.audiences,
        }),
    }
}

/// Answers a request for a token of a service account.
pub(crate) fn create_token(call: &Call<'_>) -> Result<Response<Body>, ApiError> {
    let account = call.stored()?;
    let mut request: Value =
        serde_json::from_slice(&call.body).map_err(|error| ApiError::bad_request(error.to_string()))?;
    if !request["spec"].is_object() {
        request["spec"] = json!({});
    }
    let asked = &request["spec"]["expirationSeconds"];
    let duration = match asked.as_i64() {
        None | Some(0) => VALID,
        Some(SHORTEST..=LONGEST) => asked.as_i64().unwrap_or(VALID),
        Some(other) => {
            let limit = if other < SHORTEST { "less than 10 minutes" } else { "larger than 2^32 seconds" };
            let detail = format!("may not specify a duration {limit}");
            let error = FieldError::invalid("spec.expirationSeconds", asked, &detail);
            let group = "authentication.k8s.io";
            let subject = Subject { group, resource: "tokenrequests", kind: "TokenRequest", name: "" };
            return Err(ApiError::invalid(subject, &[error]));
        }
    };
    let mut audiences = request["spec"]["audiences"].as_array().cloned().unwrap_or_default();
    if audiences.is_empty() {
        audiences.push(ISSUER.into());
    }
    let issued = call.state.clock.now();
    let expires = issued + std::time::Duration::from_secs(duration.unsigned_abs());
    let (namespace, name) = (&call.target.namespace, &call.target.name);
    let token = call.state.tokens.sign(&json!({
        "aud": audiences,
        "exp": expires.as_second(),
        "iat": issued.as_second(),
        "nbf": issued.as_second(),
        "iss": ISSUER,
        "jti": uuid::Uuid::new_v4().to_string(),
        "kubernetes.io": {
            "namespace": namespace,
            "serviceaccount": {"name": name, "uid": account.value["metadata"]["uid"]},
        },
        "sub": format!("system:serviceaccount:{namespace}:{name}"),
    }));
    request["apiVersion"] = "authentication.k8s.io/v1".into();
    request["kind"] = "TokenRequest".into();
    request["metadata"] =
        json!({"name": name, "namespace": namespace, "creationTimestamp": call.state.now()});
    request["spec"]["audiences"] = audiences.into();
    request["spec"]["expirationSeconds"] = duration.into();
    request["status"] = json!({"token": token, "expirationTimestamp": seconds(expires)});
    Ok(object_response(StatusCode::CREATED, &request))
}
