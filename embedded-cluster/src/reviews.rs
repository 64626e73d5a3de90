//! Questions about access, which are answered and not stored.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::access::{self, User};
use crate::request::Target;
use crate::state::State;
use crate::status::ApiError;

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
        let path =
            review.pointer("/spec/nonResourceAttributes/path").and_then(Value::as_str).unwrap_or_default();
        access::is_admin(subject) || access::is_public(path)
    };
    review["status"] = json!({"allowed": allowed});
    Ok(Some(review))
}
