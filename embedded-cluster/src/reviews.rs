//! Questions about access and requests for tokens, which are answered and not stored.

use std::sync::Arc;

use axum::body::Body;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::access::{self, User};
use crate::accounts::{self, ISSUER};
use crate::call::{Call, object_response};
use crate::kinds::Kind;
use crate::request::Target;
use crate::state::{State, seconds};
use crate::status::{ApiError, FieldError, Subject};

/// How long a token is valid unless a request says otherwise, in seconds.
const VALID: i64 = 3_600;
const SHORTEST: i64 = 600;
const LONGEST: i64 = 1 << 32;

/// The API groups of reviews.
pub(crate) const GROUPS: [&str; 2] = ["authorization.k8s.io", "authentication.k8s.io"];

/// Reads a body, and checks that it and its spec are objects.
fn read(kind: &str, body: &[u8]) -> Result<Value, ApiError> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let spec = value.get("spec");
    if value.is_object() && spec.is_none_or(|spec| spec.is_object() || spec.is_null()) {
        return Ok(value);
    }
    let wrong = if value.is_object() { "spec" } else { "the body" };
    Err(unreadable(kind, &format!("{wrong} is not an object")))
}

fn unreadable(kind: &str, detail: &str) -> ApiError {
    ApiError::bad_request(format!("{kind} in version \"v1\" cannot be handled as a {kind}: {detail}"))
}

/// Answers a review.
pub(crate) fn answer(
    state: &Arc<State>,
    user: &User,
    kind: &Kind,
    target: &Target,
    body: &[u8],
) -> Result<Value, ApiError> {
    let mut review = read(&kind.kind, body)?;
    let other = User {
        name: review.pointer("/spec/user").and_then(Value::as_str).unwrap_or_default().to_owned(),
        groups: access::texts(review.pointer("/spec/groups")).map(str::to_owned).collect(),
    };
    let subject = match &*target.resource {
        "selfsubjectaccessreviews" => user,
        "subjectaccessreviews" | "localsubjectaccessreviews" => &other,
        "selfsubjectreviews" => {
            review["status"] = json!({"userInfo": {"username": user.name, "groups": user.groups}});
            return Ok(review);
        }
        "selfsubjectrulesreviews" => {
            let namespace = review.pointer("/spec/namespace").and_then(Value::as_str).unwrap_or_default();
            let (paths, resources): (Vec<Value>, Vec<Value>) =
                access::rules(state, user, namespace).into_iter().partition(access::is_for_urls);
            review["status"] =
                json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false});
            return Ok(review);
        }
        "tokenreviews" => {
            review["status"] = token_review(state, &review["spec"]);
            return Ok(review);
        }
        _ => return Err(ApiError::unknown_path()),
    };
    if kind.namespaced {
        check_local(kind, &review["spec"], &target.namespace)?;
    }
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
    Ok(review)
}

/// Refuses a question about another namespace than that of the path, which whoever asks need not have rights to ask.
fn check_local(kind: &Kind, spec: &Value, namespace: &str) -> Result<(), ApiError> {
    let (asked, path) = (&spec["resourceAttributes"]["namespace"], &spec["nonResourceAttributes"]);
    let error = if !path.is_null() {
        FieldError::invalid("spec.nonResourceAttributes", path, "disallowed on this kind of request")
    } else if asked != namespace {
        FieldError::invalid("spec.resourceAttributes.namespace", asked, "must match metadata.namespace")
    } else {
        return Ok(());
    };
    Err(ApiError::invalid(kind.subject(""), &[error]))
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
    let mut request = read("TokenRequest", &call.body)?;
    if !request["spec"].is_object() {
        request["spec"] = json!({});
    }
    let invalid = |error: FieldError| {
        let group = "authentication.k8s.io";
        let subject = Subject { group, resource: "tokenrequests", kind: "TokenRequest", name: "" };
        ApiError::invalid(subject, &[error])
    };
    if !request["spec"]["boundObjectRef"].is_null() {
        let detail = "the embedded cluster has no tokens that end with an object; leave it out";
        return Err(invalid(FieldError::forbidden("spec.boundObjectRef", detail)));
    }
    let asked = &request["spec"]["expirationSeconds"];
    let duration = match asked.as_i64() {
        None if !asked.is_null() => {
            return Err(unreadable("TokenRequest", "spec.expirationSeconds is not an integer"));
        }
        None | Some(0) => VALID,
        Some(seconds @ SHORTEST..=LONGEST) => seconds,
        Some(other) => {
            let limit = if other < SHORTEST { "less than 10 minutes" } else { "larger than 2^32 seconds" };
            let detail = format!("may not specify a duration {limit}");
            return Err(invalid(FieldError::invalid("spec.expirationSeconds", asked, &detail)));
        }
    };
    let mut audiences = match &request["spec"]["audiences"] {
        Value::Null => Vec::new(),
        Value::Array(audiences) if audiences.iter().all(Value::is_string) => audiences.clone(),
        _ => return Err(unreadable("TokenRequest", "spec.audiences is not a list of strings")),
    };
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
