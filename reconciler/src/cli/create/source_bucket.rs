//! `create source bucket`.

use clap::Args;
use reconciler_api::Duration;

use super::secret::secret;
use super::{Context, Credentials, Name, Objects};
use crate::cli::manifest::Manifest;
use crate::cli::{Failure, Result};

/// Who serves a bucket.
const PROVIDERS: [&str; 4] = ["generic", "aws", "azure", "gcp"];

#[derive(Args)]
pub(super) struct Flags {
    #[command(flatten)]
    name: Name,
    /// Who serves the bucket: generic, aws, azure, gcp
    #[arg(long, default_value = "generic", value_parser = provider)]
    provider: String,
    /// Name of the bucket
    #[arg(long, default_value = "")]
    bucket_name: String,
    /// Address of the server
    #[arg(long, default_value = "")]
    endpoint: String,
    /// Region
    #[arg(long, default_value = "")]
    region: String,
    /// Connect without TLS
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    insecure: bool,
    /// Access key; together with a secret key it becomes a Secret
    #[arg(long, default_value = "")]
    access_key: String,
    /// Secret key
    #[arg(long, default_value = "")]
    secret_key: String,
    /// Existing Secret with credentials
    #[arg(long, default_value = "")]
    secret_ref: String,
    /// Secret with the address of a proxy
    #[arg(long, default_value = "")]
    proxy_secret_ref: String,
    /// Paths to leave out
    #[arg(long, value_delimiter = ',')]
    ignore_paths: Vec<String>,
    /// How long fetching may take
    #[arg(long)]
    fetch_timeout: Option<Duration>,
}

impl Objects for Flags {
    fn name(&self) -> &Name {
        &self.name
    }

    fn objects(&self, context: &Context<'_>) -> Result<Vec<Manifest>> {
        if self.bucket_name.is_empty() {
            return Err(Failure::usage("bucket-name is required"));
        }
        if self.endpoint.is_empty() {
            return Err(Failure::usage("endpoint is required"));
        }
        let object = context
            .object("source.toolkit.fluxcd.io/v1", "Bucket")
            .with("/spec/bucketName", self.bucket_name.as_str())
            .with("/spec/endpoint", self.endpoint.as_str())
            .with("/spec/ignore", self.ignore_paths.join("\n"))
            .with("/spec/insecure", self.insecure)
            .with("/spec/interval", context.interval())
            .with("/spec/provider", self.provider.as_str())
            .with("/spec/proxySecretRef/name", self.proxy_secret_ref.as_str())
            .with("/spec/region", self.region.as_str())
            .with("/spec/secretRef/name", self.secret_ref.as_str())
            .with("/spec/timeout", self.fetch_timeout.map(|timeout| timeout.to_string()));
        Ok(vec![object])
    }

    fn credentials(&self, context: &Context<'_>) -> Result<Option<Credentials>> {
        let has_keys = !self.access_key.is_empty() && !self.secret_key.is_empty();
        if !has_keys || !self.secret_ref.is_empty() {
            return Ok(None);
        }
        let name = format!("bucket-{}", context.name);
        let secret = secret(&Context { name: &name, labels: context.labels.clone(), ..*context })
            .with("/stringData/accesskey", self.access_key.as_str())
            .with("/stringData/secretkey", self.secret_key.as_str());
        Ok(Some(Credentials { secret, what: "the bucket", is_silent: true }))
    }
}

/// Reads `--provider`.
fn provider(text: &str) -> std::result::Result<String, String> {
    match PROVIDERS.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "source bucket provider '{text}' is not supported, must be one of: {}",
            PROVIDERS.join(", ")
        )),
    }
}
