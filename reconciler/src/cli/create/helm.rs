//! `create helmrelease`, `create source helm` and `create source chart`: objects for Flux's controllers of Helm,
//! which work next to the reconciler.

use clap::Args;
use reconciler_api::Duration;
use serde_json::{Map, Value, json};

use super::secret::{secret, with_file};
use super::{Context, Credentials, Name, ObjectReference, Objects, canonical, read_file};
use crate::cli::manifest::Manifest;
use crate::cli::{Failure, Result};

/// Kinds that charts come from.
const CHART_SOURCES: [&str; 3] = ["HelmRepository", "GitRepository", "Bucket"];
/// Kinds that a release can refer to instead of naming a chart.
const CHART_REFERENCES: [&str; 2] = ["OCIRepository", "HelmChart"];
/// How a chart is known to be new.
const STRATEGIES: [&str; 2] = ["Revision", "ChartVersion"];

/// Flags of a HelmRelease.
#[derive(Args)]
pub(super) struct Release {
    #[command(flatten)]
    name: Name,
    /// Name of the release in the cluster
    #[arg(long, default_value = "")]
    release_name: String,
    /// Source of the chart as KIND/NAME.NAMESPACE
    #[arg(long, value_parser = chart_source)]
    source: Option<ObjectReference>,
    /// Name or path of the chart
    #[arg(long, default_value = "")]
    chart: String,
    /// Version of the chart, or a range of versions
    #[arg(long, default_value = "")]
    chart_version: String,
    /// Existing chart as KIND/NAME.NAMESPACE, instead of --chart
    #[arg(long, default_value = "")]
    chart_ref: String,
    /// How often the chart is looked at
    #[arg(long)]
    chart_interval: Option<Duration>,
    /// How a new chart is told: Revision, ChartVersion
    #[arg(long, default_value = "ChartVersion")]
    reconcile_strategy: String,
    /// HelmRelease that has to be ready before, as NAME or NAMESPACE/NAME
    #[arg(long, value_delimiter = ',')]
    depends_on: Vec<String>,
    /// Namespace of the release
    #[arg(long, default_value = "")]
    target_namespace: String,
    /// Namespace of what Helm stores
    #[arg(long, default_value = "")]
    storage_namespace: String,
    /// Create the namespace of the release
    #[arg(long)]
    create_target_namespace: bool,
    /// Service account on whose behalf the release is installed
    #[arg(long, default_value = "")]
    service_account: String,
    /// Secret with the kubeconfig of another cluster
    #[arg(long, default_value = "")]
    kubeconfig_secret_ref: String,
    /// What an upgrade does with custom resource definitions: Skip, Create, CreateReplace
    #[arg(long, value_parser = ["Skip", "Create", "CreateReplace"])]
    crds: Option<String>,
    /// Files with values; later ones win
    #[arg(long, value_delimiter = ',')]
    values: Vec<String>,
    /// Objects with values, as KIND/NAME
    #[arg(long, value_delimiter = ',')]
    values_from: Vec<String>,
}

impl Objects for Release {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        match (self.chart.is_empty(), self.chart_ref.is_empty()) {
            (true, true) => return Err(Failure::usage("chart or chart-ref is required")),
            (false, false) => {
                return Err(Failure::usage("cannot use --chart in combination with --chart-ref"));
            }
            _ => {}
        }
        strategy(&self.reconcile_strategy)?;
        let storage = match self.storage_namespace.as_str() {
            "" => self.target_namespace.as_str(),
            given => given,
        };
        let depends_on: Vec<Value> = self
            .depends_on
            .iter()
            .map(|text| match text.split_once('/') {
                Some((namespace, name)) => json!({"name": name, "namespace": namespace}),
                None => json!({"name": text}),
            })
            .collect();
        let mut object = context
            .object("helm.toolkit.fluxcd.io/v2", "HelmRelease")
            .with("/spec/interval", context.interval())
            .with("/spec/releaseName", self.release_name.as_str())
            .with("/spec/targetNamespace", self.target_namespace.as_str())
            .with("/spec/storageNamespace", storage)
            .with("/spec/dependsOn", depends_on)
            .with("/spec/kubeConfig/secretRef/name", self.kubeconfig_secret_ref.as_str())
            .with("/spec/serviceAccountName", self.service_account.as_str())
            .with("/spec/install/createNamespace", self.create_target_namespace)
            .with("/spec/values", self.values()?)
            .with("/spec/valuesFrom", self.values_from()?);
        if let Some(crds) = &self.crds {
            object = object.with("/spec/install/crds", "Create").with("/spec/upgrade/crds", crds.as_str());
        }
        if self.chart.is_empty() {
            let reference = ObjectReference::parse(&self.chart_ref);
            if !CHART_REFERENCES.contains(&reference.kind.as_str()) {
                return Err(Failure::usage(format!(
                    "chart reference kind '{}' is not supported, must be one of: {}",
                    reference.kind,
                    CHART_REFERENCES.join(", ")
                )));
            }
            return Ok(vec![object.with("/spec/chartRef", reference.value())]);
        }
        let source = self.source.as_ref().ok_or_else(|| Failure::usage("chart source is required"))?;
        object = object
            .with("/spec/chart/spec/chart", self.chart.as_str())
            .with("/spec/chart/spec/version", self.chart_version.as_str())
            .with("/spec/chart/spec/sourceRef", source.value())
            .with("/spec/chart/spec/reconcileStrategy", self.reconcile_strategy.as_str())
            .with("/spec/chart/spec/interval", self.chart_interval.map(|interval| interval.to_string()));
        Ok(vec![object])
    }
}

impl Release {
    /// The values of all files.
    fn values(&self) -> Result<Value> {
        let mut merged = Value::Object(Map::new());
        for path in &self.values {
            let text = read_file("values", path)?;
            let value: Value = serde_yaml::from_str(&text).map_err(|error| {
                Failure::failed(format!("converting values to JSON from {path} failed: {error}"))
            })?;
            if !value.is_object() && !value.is_null() {
                return Err(Failure::failed(format!("the values in {path} are no map")));
            }
            merge(&mut merged, value);
        }
        Ok(merged)
    }

    fn values_from(&self) -> Result<Vec<Value>> {
        let reference = |text: &String| {
            let Some((kind, name)) = text.split_once('/') else {
                return Err(Failure::usage(format!(
                    "invalid Kubernetes object reference '{text}', must be in format <kind>/<name>"
                )));
            };
            match canonical(&["Secret", "ConfigMap"], kind) {
                Some(kind) => Ok(json!({"kind": kind, "name": name})),
                None => Err(Failure::usage(format!(
                    "reference kind '{kind}' is not supported, must be one of: Secret, ConfigMap"
                ))),
            }
        };
        self.values_from.iter().map(reference).collect()
    }
}

/// Puts values on top of others; maps are merged.
pub(in crate::cli) fn merge(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                merge(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (below, above) => *below = above,
    }
}

fn strategy(text: &str) -> Result {
    match STRATEGIES.contains(&text) {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "'{text}' is an invalid reconcile strategy(valid: Revision, ChartVersion)"
        ))),
    }
}

/// Reads `--source`.
fn chart_source(text: &str) -> std::result::Result<ObjectReference, String> {
    let mut reference = ObjectReference::parse(text);
    let kind = canonical(&CHART_SOURCES, &reference.kind).ok_or_else(|| {
        format!(
            "source kind '{}' is not supported, must be one of: {}",
            reference.kind,
            CHART_SOURCES.join(", ")
        )
    })?;
    if reference.name.is_empty() {
        return Err(format!("no name given for source of kind '{kind}'"));
    }
    reference.kind = kind.to_owned();
    Ok(reference)
}

/// Flags of a HelmRepository.
#[derive(Args)]
pub(super) struct Repository {
    #[command(flatten)]
    name: Name,
    /// Address of the repository
    #[arg(long, default_value = "")]
    url: String,
    /// User name; together with a password it becomes a Secret
    #[arg(long, short, default_value = "")]
    username: String,
    /// Password of the user
    #[arg(long, short, default_value = "")]
    password: String,
    /// File with the client certificate for the server
    #[arg(long, default_value = "")]
    cert_file: String,
    /// File with the key of that certificate
    #[arg(long, default_value = "")]
    key_file: String,
    /// File with the CA certificate of the server
    #[arg(long, default_value = "")]
    ca_file: String,
    /// Existing Secret with credentials
    #[arg(long, default_value = "")]
    secret_ref: String,
    /// Who gives the credentials of a registry
    #[arg(long, default_value = "")]
    oci_provider: String,
    /// Send credentials to all hosts
    #[arg(long)]
    pass_credentials: bool,
    /// How long fetching may take
    #[arg(long)]
    fetch_timeout: Option<Duration>,
}

impl Objects for Repository {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        if self.url.is_empty() {
            return Err(Failure::usage("url is required"));
        }
        let url = url::Url::parse(&self.url)
            .map_err(|error| Failure::usage(format!("url parse failed: parse \"{}\": {error}", self.url)))?;
        let scheme = url.scheme();
        if !matches!(scheme, "http" | "https" | "oci") {
            return Err(Failure::usage(format!(
                "url scheme '{scheme}' not supported, can be: http, https and oci"
            )));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(Failure::usage("url host is required"));
        }
        let oci = scheme == "oci";
        // What is only printed has no Secret of its own.
        let has_secret = !self.secret_ref.is_empty() || (!context.is_export && self.has_credentials());
        let object = context
            .object("source.toolkit.fluxcd.io/v1", "HelmRepository")
            .with("/spec/url", self.url.as_str())
            .with("/spec/interval", context.interval())
            .with("/spec/type", if oci { "oci" } else { "" })
            .with("/spec/provider", if oci { self.oci_provider.as_str() } else { "" })
            .with("/spec/timeout", self.fetch_timeout.map(|timeout| timeout.to_string()))
            .with("/spec/secretRef/name", self.secret_ref.as_str())
            .with("/spec/passCredentials", self.pass_credentials && has_secret);
        Ok(vec![object])
    }

    fn credentials(&self, context: &Context<'_>) -> Result<Option<Credentials>> {
        if !self.secret_ref.is_empty() || !self.has_credentials() {
            return Ok(None);
        }
        if self.cert_file.is_empty() != self.key_file.is_empty() {
            return Err(Failure::usage("--cert-file and --key-file need each other"));
        }
        let name = format!("helm-{}", context.name);
        let mut secret = secret(&Context { name: &name, labels: Default::default(), ..*context });
        let has_certificate = !self.cert_file.is_empty();
        // As with Flux, a certificate comes before a user name.
        if !has_certificate {
            secret = secret
                .with("/stringData/username", self.username.as_str())
                .with("/stringData/password", self.password.as_str());
        }
        secret = with_file(secret, "tls.crt", "TLS cert file", &self.cert_file)?;
        secret = with_file(secret, "tls.key", "TLS key file", &self.key_file)?;
        secret = with_file(secret, "ca.crt", "TLS CA file", &self.ca_file)?;
        secret = secret.with("/type", if has_certificate { "kubernetes.io/tls" } else { "" });
        Ok(Some(Credentials { secret, what: "repository", is_silent: true }))
    }
}

impl Repository {
    fn has_credentials(&self) -> bool {
        let given = [&self.username, &self.password, &self.cert_file, &self.key_file, &self.ca_file];
        given.iter().any(|value| !value.is_empty())
    }
}

/// Flags of a HelmChart.
#[derive(Args)]
pub(super) struct Chart {
    #[command(flatten)]
    name: Name,
    /// Name or path of the chart
    #[arg(long, default_value = "")]
    chart: String,
    /// Version of the chart, or a range of versions
    #[arg(long, default_value = "")]
    chart_version: String,
    /// Source of the chart as KIND/NAME.NAMESPACE
    #[arg(long, value_parser = chart_source)]
    source: Option<ObjectReference>,
    /// How a new chart is told: Revision, ChartVersion
    #[arg(long, default_value = "ChartVersion")]
    reconcile_strategy: String,
    /// Who verifies signatures: cosign, notation
    #[arg(long, value_parser = ["cosign", "notation"])]
    verify_provider: Option<String>,
    /// Secret with keys for signatures
    #[arg(long, default_value = "")]
    verify_secret_ref: String,
    /// Pattern for who has signed
    #[arg(long, default_value = "")]
    verify_subject: String,
    /// Pattern for who knows who has signed
    #[arg(long, default_value = "")]
    verify_issuer: String,
    /// Accepted for compatibility: a HelmChart has no timeout
    #[arg(long, hide_short_help = true)]
    fetch_timeout: Option<Duration>,
}

impl Objects for Chart {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        let source = self.source.as_ref().ok_or_else(|| Failure::usage("chart source is required"))?;
        if self.chart.is_empty() {
            return Err(Failure::usage("chart name or path is required"));
        }
        strategy(&self.reconcile_strategy)?;
        let has_identity = !self.verify_subject.is_empty() || !self.verify_issuer.is_empty();
        if has_identity && self.verify_provider.is_none() {
            return Err(Failure::usage(
                "a verification provider must be specified when OIDC issuer/subject is specified",
            ));
        }
        let mut object = context
            .object("source.toolkit.fluxcd.io/v1", "HelmChart")
            .with("/spec/chart", self.chart.as_str())
            .with("/spec/version", self.chart_version.as_str())
            .with("/spec/sourceRef", source.value())
            .with("/spec/interval", context.interval())
            .with("/spec/reconcileStrategy", self.reconcile_strategy.as_str());
        if let Some(provider) = &self.verify_provider {
            object = object
                .with("/spec/verify/provider", provider.as_str())
                .with("/spec/verify/secretRef/name", self.verify_secret_ref.as_str());
            if has_identity {
                object = object.with(
                    "/spec/verify/matchOIDCIdentity",
                    json!([{"issuer": self.verify_issuer, "subject": self.verify_subject}]),
                );
            }
        }
        Ok(vec![object])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{chart_source, merge};

    #[test]
    fn later_values_win_within_maps() {
        let mut values = json!({"a": {"b": 1, "c": [1]}, "d": 1});
        merge(&mut values, json!({"a": {"c": [2]}, "d": {"e": 2}}));
        assert_eq!(values, json!({"a": {"b": 1, "c": [2]}, "d": {"e": 2}}));
    }

    #[test]
    fn charts_come_from_known_kinds() {
        assert!(chart_source("helmrepository/a").is_ok_and(|found| found.kind == "HelmRepository"));
        assert!(chart_source("a").is_err());
    }
}
