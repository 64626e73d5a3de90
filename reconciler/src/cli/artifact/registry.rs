//! A repository in a container registry.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::manifest::OciImageManifest;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use serde_json::Value;

use super::Access;
use crate::cli::cluster::chain;
use crate::cli::{Failure, Result};

const CONFIG: &str = "application/vnd.cncf.flux.config.v1+json";
const CONTENT: &str = "application/vnd.cncf.flux.content.v1.tar+gzip";

/// A repository, and one of its tags.
pub(super) struct Remote {
    client: Client,
    reference: Reference,
    auth: RegistryAuth,
}

/// An artifact that was pulled.
pub(super) struct Pulled {
    pub(super) archive: Vec<u8>,
    pub(super) digest: String,
    pub(super) annotations: BTreeMap<String, String>,
}

impl Remote {
    /// The repository at an address.
    pub(super) fn new(address: &str, access: &Access) -> Result<Self> {
        let plain = address.strip_prefix("oci://").ok_or_else(|| {
            Failure::usage(format!("URL must be in format 'oci://<domain>/<org>/<repo>': {address}"))
        })?;
        let reference: Reference =
            plain.parse().map_err(|error| Failure::usage(format!("invalid address '{address}': {error}")))?;
        let host = reference.resolve_registry().to_owned();
        let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
        // Registries of this machine have no certificate.
        let is_local = name == "localhost" || name.starts_with("127.") || name == "[::1]";
        let protocol = match access.insecure_registry || is_local {
            true => ClientProtocol::HttpsExcept(vec![host.clone()]),
            false => ClientProtocol::Https,
        };
        let auth = match &access.creds {
            Some(creds) => {
                let (user, password) = creds
                    .split_once(':')
                    .ok_or_else(|| Failure::usage("--creds must be in the format USER:PASSWORD"))?;
                RegistryAuth::Basic(user.to_owned(), password.to_owned())
            }
            None => docker_auth(&host).unwrap_or(RegistryAuth::Anonymous),
        };
        let client = Client::new(ClientConfig { protocol, ..ClientConfig::default() });
        Ok(Remote { client, reference, auth })
    }

    /// Registry and path. Docker Hub has the name that Flux prints.
    pub(super) fn repository(&self) -> String {
        let registry = match self.reference.registry() {
            "docker.io" => "index.docker.io",
            registry => registry,
        };
        format!("{registry}/{}", self.reference.repository())
    }

    /// The tag of the address.
    pub(super) fn tag(&self) -> &str {
        self.reference.tag().unwrap_or("latest")
    }

    fn tagged(&self, tag: &str) -> Reference {
        let (registry, repository) = (self.reference.registry(), self.reference.repository());
        Reference::with_tag(registry.to_owned(), repository.to_owned(), tag.to_owned())
    }

    /// Pushes an archive, and gives the digest.
    pub(super) async fn push(
        &self,
        archive: Vec<u8>,
        annotations: BTreeMap<String, String>,
    ) -> Result<String> {
        let layers = [ImageLayer::new(archive, CONTENT.to_owned(), None)];
        let config = Config::new(b"{}".to_vec(), CONFIG.to_owned(), None);
        let manifest = OciImageManifest::build(&layers, &config, Some(annotations));
        let pushed = self.client.push(&self.reference, &layers, config, &self.auth, Some(manifest)).await;
        pushed.map_err(|error| failed("pushing artifact", &error))?;
        let digest = self.client.fetch_manifest_digest(&self.reference, &self.auth).await;
        digest.map_err(|error| failed("pushing artifact", &error))
    }

    /// Pulls the archive.
    pub(super) async fn pull(&self) -> Result<Pulled> {
        let pulled = self.client.pull(&self.reference, &self.auth, vec![CONTENT]).await;
        let pulled = pulled.map_err(|error| failed("pulling artifact", &error))?;
        let layer = pulled.layers.into_iter().next();
        let layer = layer.ok_or_else(|| Failure::failed("the artifact has no content"))?;
        Ok(Pulled {
            archive: layer.data.to_vec(),
            digest: pulled.digest.unwrap_or_default(),
            annotations: pulled.manifest.and_then(|manifest| manifest.annotations).unwrap_or_default(),
        })
    }

    /// All tags.
    pub(super) async fn tags(&self) -> Result<Vec<String>> {
        let listed = self.client.list_tags(&self.reference, &self.auth, None, None).await;
        Ok(listed.map_err(|error| failed("listing artifacts", &error))?.tags)
    }

    /// Digest and annotations of a tag.
    pub(super) async fn describe(&self, tag: &str) -> Result<(String, BTreeMap<String, String>)> {
        let found = self.client.pull_image_manifest(&self.tagged(tag), &self.auth).await;
        let (manifest, digest) = found.map_err(|error| failed("listing artifacts", &error))?;
        Ok((digest, manifest.annotations.unwrap_or_default()))
    }

    /// Gives the artifact another tag.
    pub(super) async fn tag_as(&self, tag: &str) -> Result {
        let found = self.client.pull_manifest(&self.reference, &self.auth).await;
        let (manifest, _) = found.map_err(|error| failed("tagging artifact", &error))?;
        let pushed = self.client.push_manifest(&self.tagged(tag), &manifest).await;
        pushed.map(drop).map_err(|error| failed("tagging artifact", &error))
    }
}

fn failed(what: &str, error: &oci_client::errors::OciDistributionError) -> Failure {
    Failure::failed(format!("{what} failed: {}", chain(error)))
}

/// The credentials that Docker has stored for a registry.
fn docker_auth(host: &str) -> Option<RegistryAuth> {
    let directory = std::env::var_os("DOCKER_CONFIG")
        .map(std::path::PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".docker")))?;
    let text = std::fs::read_to_string(directory.join("config.json")).ok()?;
    let config: Value = serde_json::from_str(&text).ok()?;
    let encoded = config.get("auths")?.get(host)?.get("auth")?.as_str()?;
    let pair = String::from_utf8(BASE64.decode(encoded).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some(RegistryAuth::Basic(user.to_owned(), password.to_owned()))
}
