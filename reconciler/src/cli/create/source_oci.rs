//! `create source oci`.

use clap::Args;
use serde_json::{Value, json};

use super::{Context, Name, Objects};
use crate::cli::manifest::Manifest;
use crate::cli::{Failure, Result};

/// Who gives the credentials for a registry.
const PROVIDERS: [&str; 4] = ["generic", "aws", "azure", "gcp"];

#[derive(Args)]
pub(super) struct Flags {
    #[command(flatten)]
    name: Name,
    /// Address, such as oci://host/org/repository
    #[arg(long, default_value = "")]
    url: String,
    /// Tag
    #[arg(long, default_value = "")]
    tag: String,
    /// Range of versions that tags are chosen from
    #[arg(long, default_value = "")]
    tag_semver: String,
    /// Digest, such as sha256:…
    #[arg(long, default_value = "")]
    digest: String,
    /// Secret with credentials
    #[arg(long, default_value = "")]
    secret_ref: String,
    /// Secret with the address of a proxy
    #[arg(long, default_value = "")]
    proxy_secret_ref: String,
    /// Service account with credentials for pulling
    #[arg(long, default_value = "")]
    service_account: String,
    /// Secret with certificates
    #[arg(long, default_value = "")]
    cert_ref: String,
    /// Who gives the credentials: generic, aws, azure, gcp
    #[arg(long, value_parser = provider)]
    provider: Option<String>,
    /// How signatures are verified: cosign, notation
    #[arg(long, value_parser = verify_provider)]
    verify_provider: Option<String>,
    /// Secret with the keys that signatures are verified with
    #[arg(long, default_value = "")]
    verify_secret_ref: String,
    /// Pattern of the subject of a signature's certificate
    #[arg(long, default_value = "")]
    verify_subject: String,
    /// Pattern of the issuer of a signature's certificate
    #[arg(long, default_value = "")]
    verify_issuer: String,
    /// Layer to take, as MEDIATYPE:OPERATION with the operation extract or copy
    #[arg(long, default_value = "")]
    layer_selector: String,
    /// Paths to leave out
    #[arg(long, value_delimiter = ',')]
    ignore_paths: Vec<String>,
    /// Connect without TLS
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    insecure: bool,
    /// How long fetching may take
    #[arg(long)]
    fetch_timeout: Option<reconciler_api::Duration>,
}

impl Objects for Flags {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        if self.url.is_empty() {
            return Err(Failure::usage("url is required"));
        }
        if self.tag_semver.is_empty() && self.tag.is_empty() && self.digest.is_empty() {
            return Err(Failure::usage("--tag, --tag-semver or --digest is required"));
        }
        let mut object = context
            .object("source.toolkit.fluxcd.io/v1", "OCIRepository")
            .with("/spec/url", self.url.as_str())
            .with("/spec/interval", context.interval())
            .with("/spec/timeout", self.fetch_timeout.map(|timeout| timeout.to_string()))
            .with("/spec/insecure", self.insecure)
            .with("/spec/provider", self.provider.clone())
            .with("/spec/ignore", self.ignore_paths.join("\n"))
            .with("/spec/secretRef/name", self.secret_ref.as_str())
            .with("/spec/proxySecretRef/name", self.proxy_secret_ref.as_str())
            .with("/spec/serviceAccountName", self.service_account.as_str())
            .with("/spec/certSecretRef/name", self.cert_ref.as_str())
            .with("/spec/verify", self.verify()?)
            .with("/spec/layerSelector", self.layer()?);
        object = if !self.digest.is_empty() {
            object.with("/spec/ref/digest", self.digest.as_str())
        } else if !self.tag_semver.is_empty() {
            object.with("/spec/ref/semver", self.tag_semver.as_str())
        } else {
            object.with("/spec/ref/tag", self.tag.as_str())
        };
        Ok(vec![object])
    }
}

impl Flags {
    fn verify(&self) -> Result<Value> {
        let identity = !self.verify_issuer.is_empty() || !self.verify_subject.is_empty();
        let Some(provider) = &self.verify_provider else {
            return match (identity, self.verify_secret_ref.is_empty()) {
                (true, _) => Err(Failure::usage(
                    "a verification provider must be specified when OIDC issuer/subject is specified",
                )),
                (_, false) => Err(Failure::usage(
                    "a verification provider must be specified when a secret is specified",
                )),
                _ => Ok(Value::Null),
            };
        };
        let mut verify = json!({"provider": provider});
        if !self.verify_secret_ref.is_empty() {
            verify["secretRef"] = json!({"name": self.verify_secret_ref});
        }
        if identity {
            verify["matchOIDCIdentity"] =
                json!([{"issuer": self.verify_issuer, "subject": self.verify_subject}]);
        }
        Ok(verify)
    }

    fn layer(&self) -> Result<Value> {
        if self.layer_selector.is_empty() {
            return Ok(Value::Null);
        }
        let Some((media_type, operation)) = self.layer_selector.split_once(':') else {
            return Err(Failure::usage(format!(
                "invalid --layer-selector \"{}\": must be in the format '<media-type>:<operation>'",
                self.layer_selector
            )));
        };
        match operation {
            "extract" | "copy" => Ok(json!({"mediaType": media_type, "operation": operation})),
            _ => Err(Failure::usage(format!(
                "invalid --layer-selector \"{}\": operation must be \"extract\" or \"copy\"",
                self.layer_selector
            ))),
        }
    }
}

/// Reads `--provider`.
fn provider(text: &str) -> std::result::Result<String, String> {
    if text.is_empty() {
        return Err("no source OCI provider given, please specify the OCI provider name".to_owned());
    }
    match PROVIDERS.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "source OCI provider '{text}' is not supported, must be one of: {}",
            PROVIDERS.join(", ")
        )),
    }
}

/// Reads `--verify-provider`.
fn verify_provider(text: &str) -> std::result::Result<String, String> {
    match text {
        "cosign" | "notation" => Ok(text.to_owned()),
        _ => Err(format!(
            "source OCI verify provider '{text}' is not supported, must be one of: cosign, notation"
        )),
    }
}
