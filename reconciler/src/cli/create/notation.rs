//! `create secret notation`: who may sign, and what their certificates are checked with.

use clap::Args;
use serde_json::Value;

use super::{Context, Name, Objects, read_credential};
use crate::cli::manifest::Manifest;
use crate::cli::{Failure, Result};

#[derive(Args)]
pub(super) struct Notation {
    #[command(flatten)]
    name: Name,
    /// File with the policy
    #[arg(long, default_value = "")]
    trust_policy_file: String,
    /// Files with certificates, which end with .crt or .pem
    #[arg(long, value_delimiter = ',')]
    ca_cert_file: Vec<String>,
}

impl Objects for Notation {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        if self.ca_cert_file.is_empty() {
            return Err(Failure::usage("--ca-cert-file is required"));
        }
        if self.trust_policy_file.is_empty() {
            return Err(Failure::usage("--trust-policy-file is required"));
        }
        let text = read_credential("trust policy file", &self.trust_policy_file)?;
        let policy: Value = serde_json::from_str(&text).map_err(|error| {
            Failure::failed(format!("failed to unmarshal trust policy {}: {error}", self.trust_policy_file))
        })?;
        check(&policy)
            .map_err(|reason| Failure::failed(format!("invalid trust policy: trust policy: {reason}")))?;
        let mut object = context.object("v1", "Secret");
        let mut failures = Vec::new();
        for path in &self.ca_cert_file {
            let name = path.rsplit('/').next().unwrap_or(path);
            if !name.ends_with(".crt") && !name.ends_with(".pem") {
                failures.push(format!("{name} must end with either .crt or .pem"));
                continue;
            }
            object = object.with(&format!("/stringData/{name}"), read_credential("TLS CA file", path)?);
        }
        if !failures.is_empty() {
            return Err(Failure::Failed(failures.join("\n")));
        }
        Ok(vec![object.with("/stringData/trustpolicy.json", text)])
    }
}

/// What every policy has to have.
fn check(policy: &Value) -> std::result::Result<(), String> {
    let version = policy["version"].as_str().unwrap_or_default();
    match version {
        "" => return Err("version is missing or empty".to_owned()),
        "1.0" => {}
        other => return Err(format!("unsupported version '{other}'")),
    }
    let statements = policy["trustPolicies"].as_array().map(Vec::as_slice).unwrap_or_default();
    if statements.is_empty() {
        return Err("there are no statements, at least one is required".to_owned());
    }
    let mut names = Vec::new();
    for statement in statements {
        let name = statement["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            return Err(
                "a trust policy statement is missing a name, every statement requires a name".to_owned()
            );
        }
        if names.contains(&name) {
            return Err(format!("multiple trust policy statements use the same name \"{name}\""));
        }
        names.push(name);
        let level = statement["signatureVerification"]["level"].as_str().unwrap_or_default();
        if !["strict", "permissive", "audit", "skip"].contains(&level) {
            return Err(format!(
                "trust policy statement \"{name}\" has invalid signatureVerification level \"{level}\""
            ));
        }
        let scopes = statement["registryScopes"].as_array().is_some_and(|scopes| !scopes.is_empty());
        if !scopes {
            return Err(format!("trust policy statement \"{name}\" has no registry scopes"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;

    #[test]
    fn statements_need_a_name_a_level_and_scopes() {
        let statement =
            json!({"name": "a", "registryScopes": ["*"], "signatureVerification": {"level": "strict"}});
        let policy = |statements| json!({"version": "1.0", "trustPolicies": statements});
        assert_eq!(check(&policy(json!([statement]))), Ok(()));
        for key in ["name", "registryScopes", "signatureVerification"] {
            let mut broken = statement.clone();
            broken[key] = json!(null);
            assert!(check(&policy(json!([broken]))).is_err(), "{key}");
        }
        assert!(check(&policy(json!([statement, statement]))).is_err());
        assert!(check(&json!({"version": "2.0", "trustPolicies": [statement]})).is_err());
    }
}
