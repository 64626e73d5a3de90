//! Errors as the API server reports them: a `Status` object with code, reason and message.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

/// An error that a client sees.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    pub(crate) code: StatusCode,
    /// Empty when the server knows none.
    pub(crate) reason: Arc<str>,
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
}

/// The kind and name an error is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) group: &'a str,
    /// The plural, lower-case name.
    pub(crate) resource: &'a str,
    /// The name of the kind.
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
}

impl Subject<'_> {
    fn qualified(&self, what: &str) -> String {
        if self.group.is_empty() { what.to_owned() } else { format!("{what}.{}", self.group) }
    }

    fn details(&self, kind: &str) -> Value {
        let mut details = json!({"name": self.name, "kind": kind});
        if !self.group.is_empty() {
            details["group"] = self.group.into();
        }
        details
    }
}

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldError {
    pub(crate) reason: &'static str,
    pub(crate) field: String,
    pub(crate) message: String,
}

impl FieldError {
    pub(crate) fn required(field: impl Into<String>, detail: &str) -> FieldError {
        let message =
            if detail.is_empty() { "Required value".to_owned() } else { format!("Required value: {detail}") };
        FieldError { reason: "FieldValueRequired", field: field.into(), message }
    }

    pub(crate) fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> FieldError {
        FieldError {
            reason: "FieldValueInvalid",
            field: field.into(),
            message: format!("Invalid value: {value}: {detail}"),
        }
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: &str) -> FieldError {
        FieldError {
            reason: "FieldValueForbidden",
            field: field.into(),
            message: format!("Forbidden: {detail}"),
        }
    }

    pub(crate) fn not_supported(field: impl Into<String>, value: &Value, allowed: &[Value]) -> FieldError {
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        FieldError {
            reason: "FieldValueNotSupported",
            field: field.into(),
            message: format!("Unsupported value: {value}: supported values: {}", allowed.join(", ")),
        }
    }

    pub(crate) fn duplicate(field: impl Into<String>, value: &Value) -> FieldError {
        FieldError {
            reason: "FieldValueDuplicate",
            field: field.into(),
            message: format!("Duplicate value: {value}"),
        }
    }
}

impl ApiError {
    pub(crate) fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> ApiError {
        ApiError { code, reason: reason.into(), message: message.into(), details: None }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(crate) fn not_found(subject: Subject<'_>) -> ApiError {
        let message = format!("{} \"{}\" not found", subject.qualified(subject.resource), subject.name);
        ApiError {
            details: Some(subject.details(subject.resource)),
            ..ApiError::new(StatusCode::NOT_FOUND, "NotFound", message)
        }
    }

    /// The path names nothing that is served.
    pub(crate) fn unknown_path() -> ApiError {
        let message = "the server could not find the requested resource";
        ApiError { details: Some(json!({})), ..ApiError::new(StatusCode::NOT_FOUND, "NotFound", message) }
    }

    pub(crate) fn already_exists(subject: Subject<'_>) -> ApiError {
        let message = format!("{} \"{}\" already exists", subject.qualified(subject.resource), subject.name);
        ApiError {
            details: Some(subject.details(subject.resource)),
            ..ApiError::new(StatusCode::CONFLICT, "AlreadyExists", message)
        }
    }

    pub(crate) fn conflict(subject: Subject<'_>, detail: &str) -> ApiError {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{}\": {detail}",
            subject.qualified(subject.resource),
            subject.name
        );
        ApiError {
            details: Some(subject.details(subject.resource)),
            ..ApiError::new(StatusCode::CONFLICT, "Conflict", message)
        }
    }

    /// Someone else wrote the object in between.
    pub(crate) fn modified(subject: Subject<'_>) -> ApiError {
        ApiError::conflict(
            subject,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    pub(crate) fn forbidden(subject: Subject<'_>, detail: &str) -> ApiError {
        let resource = subject.qualified(subject.resource);
        let message = if subject.name.is_empty() {
            format!("{resource} is forbidden: {detail}")
        } else {
            format!("{resource} \"{}\" is forbidden: {detail}", subject.name)
        };
        let mut details = subject.details(subject.resource);
        if subject.name.is_empty()
            && let Some(details) = details.as_object_mut()
        {
            details.shift_remove("name");
        }
        ApiError { details: Some(details), ..ApiError::new(StatusCode::FORBIDDEN, "Forbidden", message) }
    }

    pub(crate) fn invalid(subject: Subject<'_>, errors: &[FieldError]) -> ApiError {
        let texts: Vec<String> =
            errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
        let text = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{} \"{}\" is invalid: {text}", subject.qualified(subject.kind), subject.name);
        let mut details = subject.details(subject.kind);
        details["causes"] = errors
            .iter()
            .map(|error| json!({"reason": error.reason, "message": error.message, "field": error.field}))
            .collect();
        ApiError {
            details: Some(details),
            ..ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message)
        }
    }

    /// A watch or a continued list asks for what is no longer kept.
    pub(crate) fn expired(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::GONE, "Expired", message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    /// The error as a `Status` object.
    pub(crate) fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        });
        if !self.reason.is_empty() {
            status["reason"] = (*self.reason).into();
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status["code"] = self.code.as_u16().into();
        status
    }
}
