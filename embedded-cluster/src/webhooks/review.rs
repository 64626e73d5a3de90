//! Requests to webhooks and their answers: AdmissionReview.

use admission_policy::{Operation, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

use super::Change;
use crate::call::Call;
use crate::scale::scale_of;
use crate::status::ApiError;

/// The supported versions of AdmissionReview.
pub(super) const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// The AdmissionReview for a change.
pub(super) fn request(
    call: &Call<'_>,
    change: &Change,
    request: &Request<'_>,
    uid: &str,
    version: &str,
) -> Value {
    let (kind, target) = (call.kind, call.target);
    let is_scale = target.subresource == "scale";
    let shown = |value: &Option<Value>| match value {
        Some(value) if is_scale => scale_of(kind, value),
        Some(value) => value.clone(),
        None => Value::Null,
    };
    let gvk = |version: &str| match is_scale {
        true => json!({"group": "autoscaling", "version": "v1", "kind": "Scale"}),
        false => json!({"group": kind.group, "version": version, "kind": kind.kind}),
    };
    let mut asked = request.to_value();
    asked["uid"] = uid.into();
    asked["kind"] = gvk(&change.kind.version);
    asked["requestKind"] = gvk(&kind.version);
    asked["requestResource"]["version"] = kind.version.clone().into();
    asked["object"] = shown(&change.new);
    asked["oldObject"] = shown(&change.old);
    asked["options"] = options(call, request.operation);
    if let Some(fields) = asked.as_object_mut() {
        fields.retain(|_, value| value != "");
    }
    json!({"kind": "AdmissionReview", "apiVersion": format!("admission.k8s.io/{version}"), "request": asked})
}

/// The options of the request as an object.
fn options(call: &Call<'_>, operation: Operation) -> Value {
    let kind = match operation {
        Operation::Create => "CreateOptions",
        Operation::Update => "UpdateOptions",
        Operation::Delete => "DeleteOptions",
    };
    let mut options = json!({"kind": kind, "apiVersion": "meta.k8s.io/v1"});
    if call.query.get("dryRun").is_some() {
        options["dryRun"] = json!(["All"]);
    }
    for field in ["fieldManager", "fieldValidation", "propagationPolicy"] {
        if let Some(value) = call.query.get(field) {
            options[field] = value.into();
        }
    }
    options
}

/// An answer of a webhook.
pub(super) struct Answer {
    /// The status of a denial; it can be null.
    pub(super) refusal: Option<Value>,
    /// A JSON patch.
    pub(super) patch: Option<Value>,
    pub(super) warnings: Vec<String>,
}

impl Answer {
    /// Reads the answer to a review. The error is worded as the API server words it.
    pub(super) fn read(review: &Value, uid: &str, version: &str, mutates: bool) -> Result<Answer, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (api_version, kind) = (text(&review["apiVersion"]), text(&review["kind"]));
        let wanted = format!("admission.k8s.io/{version}");
        if version != "v1beta1" && (api_version != wanted || kind != "AdmissionReview") {
            return Err(format!(
                "expected webhook response of {wanted}, Kind=AdmissionReview, got {api_version}, Kind={kind}"
            ));
        }
        let response = &review["response"];
        if !response.is_object() {
            return Err("webhook response was absent".to_owned());
        }
        let found = text(&response["uid"]);
        if version != "v1beta1" && found != uid {
            return Err(format!("expected response.uid={uid:?}, got {found:?}"));
        }
        let patch = text(&response["patch"]);
        let patch_type = text(&response["patchType"]);
        if !mutates && !patch.is_empty() {
            return Err("validating webhook may not return response.patch".to_owned());
        }
        let is_lax = version == "v1beta1" && patch_type.is_empty();
        let patch = match (patch.as_str(), patch_type.as_str()) {
            ("", "") => None,
            ("", _) => return Err("webhook returned response.patchType but not response.patch".to_owned()),
            (_, "") if !is_lax => {
                return Err("webhook returned response.patch but not response.patchType".to_owned());
            }
            (patch, "JSONPatch" | "") => {
                let patch = STANDARD.decode(patch).map_err(|error| format!("response.patch: {error}"))?;
                Some(serde_json::from_slice(&patch).map_err(|error| format!("response.patch: {error}"))?)
            }
            (_, other) => return Err(format!("webhook returned invalid response.patchType of {other}")),
        };
        let warnings = response["warnings"].as_array().into_iter().flatten().map(text).collect();
        let refusal = (response["allowed"] != true).then(|| response["status"].clone());
        Ok(Answer { refusal, patch, warnings })
    }
}

/// The error for a denial.
pub(super) fn refusal(webhook: &str, status: &Value) -> ApiError {
    let text = |field: &str| status[field].as_str().unwrap_or_default();
    let denied = format!("admission webhook {webhook:?} denied the request");
    let message = match (text("message"), text("reason")) {
        ("", "") => format!("{denied} without explanation"),
        ("", reason) => format!("{denied}: {reason}"),
        (message, _) => format!("{denied}: {message}"),
    };
    let code = status["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or_default();
    // A denial never has a status of success.
    let code = match StatusCode::from_u16(code) {
        Ok(code) if code.as_u16() >= 400 => code,
        _ => StatusCode::BAD_REQUEST,
    };
    let details = status.get("details").filter(|details| details.is_object()).cloned();
    ApiError { code, reason: text("reason").into(), message, details }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(response: Value, mutates: bool) -> Result<Answer, String> {
        let review =
            json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "response": response});
        Answer::read(&review, "1", "v1", mutates)
    }

    #[test]
    fn answers_are_checked() {
        let failure = |response: Value, mutates| read(response, mutates).err().unwrap_or_default();
        assert_eq!(failure(Value::Null, true), "webhook response was absent");
        assert_eq!(
            failure(json!({"uid": "2", "allowed": true}), true),
            "expected response.uid=\"1\", got \"2\""
        );
        assert_eq!(
            failure(json!({"uid": "1", "patch": "W10="}), true),
            "webhook returned response.patch but not response.patchType"
        );
        assert_eq!(
            failure(json!({"uid": "1", "patch": "W10=", "patchType": "JSONPatch"}), false),
            "validating webhook may not return response.patch"
        );
        let other = json!({"kind": "Status", "apiVersion": "v1"});
        assert_eq!(
            Answer::read(&other, "1", "v1", true).err().unwrap_or_default(),
            "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got v1, Kind=Status"
        );
    }

    #[test]
    fn refusals_have_a_code() {
        for (status, code, message) in [
            (Value::Null, 400, "without explanation"),
            (json!({"code": 200, "reason": "Never"}), 400, ": Never"),
            (json!({"code": 403, "message": "no", "reason": "Never"}), 403, ": no"),
        ] {
            let error = refusal("a.b.c", &status);
            assert_eq!(error.code.as_u16(), code);
            let separator = if message.starts_with(':') { "" } else { " " };
            assert_eq!(
                error.message,
                format!("admission webhook \"a.b.c\" denied the request{separator}{message}")
            );
        }
    }
}
