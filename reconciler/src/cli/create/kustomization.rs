//! `create kustomization`.

use clap::Args;
use reconciler_api::Duration;
use serde_json::{Value, json};

use super::{Context, Name, ObjectReference, Objects, canonical};
use crate::cli::manifest::Manifest;
use crate::cli::{Failure, Result, term};

/// Kinds that a Kustomization can take its files from.
const SOURCES: [&str; 4] = ["OCIRepository", "GitRepository", "Bucket", "ExternalArtifact"];
/// Kinds whose health can be asked for by name.
const CHECKED: [&str; 4] = ["HelmRelease", "Deployment", "DaemonSet", "StatefulSet"];

#[derive(Args)]
pub(super) struct Flags {
    #[command(flatten)]
    name: Name,
    /// Source as KIND/NAME.NAMESPACE; without a kind it is a GitRepository
    #[arg(long, value_parser = source)]
    source: Option<ObjectReference>,
    /// Directory in the source
    #[arg(long, default_value = "./")]
    path: String,
    /// Delete objects that are no longer in the source
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    prune: bool,
    /// Wait until all objects are healthy
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    wait: bool,
    /// Object whose health is waited for, as KIND/NAME.NAMESPACE
    #[arg(long, value_delimiter = ',')]
    health_check: Vec<String>,
    /// How long to wait for health
    #[arg(long, default_value = "2m0s")]
    health_check_timeout: Duration,
    /// Kustomization that has to be ready before, as NAME or NAMESPACE/NAME
    #[arg(long, value_delimiter = ',')]
    depends_on: Vec<String>,
    /// Service account on whose behalf objects are applied
    #[arg(long, default_value = "")]
    service_account: String,
    /// How files are decrypted: sops
    #[arg(long, value_parser = decryption)]
    decryption_provider: Option<String>,
    /// Secret with the keys for decryption
    #[arg(long, default_value = "")]
    decryption_secret: String,
    /// Namespace of all objects
    #[arg(long, default_value = "")]
    target_namespace: String,
    /// Secret with the kubeconfig of another cluster
    #[arg(long, default_value = "")]
    kubeconfig_secret_ref: String,
    /// When a failed reconciliation is tried again
    #[arg(long)]
    retry_interval: Option<Duration>,
    /// Accepted for compatibility: all objects are validated by the API server
    #[arg(long, hide = true)]
    validation: Option<String>,
}

impl Objects for Flags {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        if self.validation.is_some() {
            term::warning("--validation has no effect: all objects are validated by the API server");
        }
        let source = self.source.as_ref().ok_or_else(|| Failure::usage("source is required"))?;
        let path = path(&self.path)?;
        let depends_on: Vec<Value> = self.depends_on.iter().map(|text| dependency(text)).collect();
        let mut object = context
            .object("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
            .with("/spec/dependsOn", depends_on)
            .with("/spec/interval", context.interval())
            .with("/spec/path", path)
            .with_always("/spec/prune", self.prune)
            .with("/spec/sourceRef", source.value())
            .with("/spec/targetNamespace", self.target_namespace.as_str())
            .with("/spec/kubeConfig/secretRef/name", self.kubeconfig_secret_ref.as_str())
            .with("/spec/serviceAccountName", self.service_account.as_str())
            .with("/spec/wait", self.wait);
        let checks = self.health_check.iter().map(|text| health_check(text)).collect::<Result<Vec<_>>>()?;
        if self.wait || !checks.is_empty() {
            object = object.with("/spec/timeout", self.health_check_timeout.to_string());
        }
        if !self.wait {
            object = object.with("/spec/healthChecks", checks);
        }
        if let Some(provider) = &self.decryption_provider {
            object = object
                .with("/spec/decryption/provider", provider.as_str())
                .with("/spec/decryption/secretRef/name", self.decryption_secret.as_str());
        }
        if let Some(interval) = self.retry_interval.filter(|interval| *interval > Duration::default()) {
            object = object.with("/spec/retryInterval", interval.to_string());
        }
        Ok(vec![object])
    }
}

/// Reads `--source`.
fn source(text: &str) -> std::result::Result<ObjectReference, String> {
    if text.trim().is_empty() {
        return Err("no Kustomization source given, please specify the source name".to_owned());
    }
    let mut reference = ObjectReference::parse(text);
    if reference.kind.is_empty() {
        reference.kind = "GitRepository".to_owned();
    }
    match canonical(&SOURCES, &reference.kind) {
        Some(kind) => reference.kind = kind.to_owned(),
        None => {
            return Err(format!(
                "source kind '{}' is not supported, must be one of: {}",
                reference.kind,
                SOURCES.join(", ")
            ));
        }
    }
    if reference.name.is_empty() {
        return Err(format!("no name given for source of kind '{}'", reference.kind));
    }
    Ok(reference)
}

/// Reads `--decryption-provider`.
fn decryption(text: &str) -> std::result::Result<String, String> {
    match text {
        "sops" => Ok(text.to_owned()),
        "" => Err("no decryption provider given, please specify the decryption provider".to_owned()),
        _ => Err(format!("decryption provider '{text}' is not supported, must be one of: sops")),
    }
}

/// A path below the root of the source, without steps that lead nowhere or out.
fn path(given: &str) -> Result<String> {
    let mut steps: Vec<&str> = Vec::new();
    for step in given.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            _ => steps.push(step),
        }
    }
    if given.is_empty() {
        return Err(Failure::usage("path is required"));
    }
    Ok(format!("./{}", steps.join("/")))
}

/// A dependency from `NAME` or `NAMESPACE/NAME`.
fn dependency(text: &str) -> Value {
    match text.split_once('/') {
        Some((namespace, name)) => json!({"name": name, "namespace": namespace}),
        None => json!({"name": text}),
    }
}

/// A health check from `KIND/NAME.NAMESPACE`.
fn health_check(text: &str) -> Result<Value> {
    let malformed = || {
        Failure::usage(format!("invalid health check '{text}' must be in the format 'kind/name.namespace'"))
    };
    let (kind, rest) = text.split_once('/').ok_or_else(malformed)?;
    if !CHECKED.contains(&kind) {
        return Err(Failure::usage(format!(
            "invalid health check kind '{kind}' can be HelmRelease, Deployment, DaemonSet or StatefulSet"
        )));
    }
    let (name, namespace) = rest
        .split_once('.')
        .filter(|(_, namespace)| !namespace.contains(['.', '/']))
        .ok_or_else(malformed)?;
    let mut check = json!({"kind": kind, "name": name, "namespace": namespace});
    if kind == "HelmRelease" {
        check["apiVersion"] = "helm.toolkit.fluxcd.io/v2".into();
    }
    Ok(check)
}

#[cfg(test)]
mod tests {
    use super::{path, source};

    #[test]
    fn paths_stay_below_the_root() {
        for (given, wanted) in
            [("./", "./"), ("apps//staging/", "./apps/staging"), ("../../x", "./x"), ("/abs", "./abs")]
        {
            assert_eq!(path(given).unwrap_or_default(), wanted);
        }
    }

    #[test]
    fn sources_of_other_kinds_are_refused() {
        assert!(source("gitrepository/a").is_ok_and(|found| found.kind == "GitRepository"));
        assert!(source("HelmChart/a").is_err());
        assert!(source("Bucket/").is_err());
    }
}
