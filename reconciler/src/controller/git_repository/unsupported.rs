//! Fields of a GitRepository that the reconciler does not act on yet.
//!
//! None of them is ignored: what is applied would not be what the spec asks for.

use reconciler_api::git_repository::GitRepositorySpec;
use reconciler_api::reason;

use super::{Failure, Part};

/// Refuses a spec with a field that would have no effect.
pub(super) fn check(spec: &GitRepositorySpec) -> Result<(), Failure> {
    let provider =
        spec.provider.as_deref().filter(|provider| !matches!(*provider, "" | "generic" | "github"));
    if let Some(provider) = provider {
        let message = format!(
            "spec.provider '{provider}' is not supported yet: use 'generic' or 'github' with credentials in the Secret of spec.secretRef"
        );
        return Err(refuse(reason::INVALID_PROVIDER_CONFIGURATION, message));
    }
    let fields =
        [("serviceAccountName", spec.service_account_name.as_deref().is_some_and(|name| !name.is_empty()))];
    match fields.into_iter().find(|(_, is_set)| *is_set) {
        None => Ok(()),
        Some((field, _)) => {
            let message =
                format!("spec.{field} is not supported yet: remove it to use the repository without it");
            let is_verification = field == "verify";
            Err(refuse(
                if is_verification { reason::VERIFICATION_ERROR } else { reason::INVALID_SPEC },
                message,
            ))
        }
    }
}

fn refuse(reason: &'static str, message: String) -> Failure {
    Failure { part: Part::Fetch, reason, message, is_permanent: true }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn outcome(more: &Value) -> Result<Result<(), String>, serde_json::Error> {
        let mut spec = json!({"url": "https://host/x", "interval": "1m"});
        if let (Some(spec), Some(more)) = (spec.as_object_mut(), more.as_object()) {
            spec.extend(more.clone());
        }
        let spec: GitRepositorySpec = serde_json::from_value(spec)?;
        Ok(check(&spec).map_err(|failure| failure.message))
    }

    #[test]
    fn no_field_is_ignored() -> Result<(), serde_json::Error> {
        assert_eq!(outcome(&json!({"provider": "generic", "ignore": "*"}))?, Ok(()));
        let cases = [("serviceAccountName", json!("x")), ("provider", json!("azure"))];
        for (field, value) in cases {
            let message = outcome(&json!({field: value}))?.err().unwrap_or_default();
            assert!(message.starts_with(&format!("spec.{field} ")), "{field}: {message}");
        }
        Ok(())
    }
}
