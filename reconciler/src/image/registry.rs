//! Tags and digests, from a registry.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures::TryStreamExt as _;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::{ImageIndexEntry, OciDescriptor, OciImageIndex, OciImageManifest, OciManifest};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use reconciler_core::image::ImageName;
use thiserror::Error;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::Login;
use crate::outbound::{self, Gate, Reach, TlsProxy};

/// How many tags are asked for at once.
const PAGE: usize = 1000;
/// How many tags an image may have.
const MOST_TAGS: usize = 1_000_000;

/// How a registry is accessed.
#[derive(Clone, Debug)]
pub struct RegistryAccess {
    /// The login.
    pub login: Login,
    /// Whether the registry speaks HTTP without TLS.
    pub insecure: bool,
    /// A certificate of an authority, as PEM.
    pub certificate: Option<Vec<u8>>,
    /// The client's own certificate and its key, as PEM.
    pub identity: Option<Vec<u8>>,
    /// The address of a proxy.
    pub proxy: Option<String>,
    /// Which addresses registry and proxy may have.
    pub reach: Reach,
    /// How long all requests together may take.
    pub timeout: Duration,
}

/// Why a registry did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RegistryError {
    /// The client cannot be set up.
    #[error("{0}")]
    Setup(String),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Failed(String),
    /// It exceeded the time limit.
    #[error("no answer within {}", reconciler_api::Duration::from_secs(.0.as_secs()))]
    TimedOut(Duration),
    /// A layer goes on and on.
    #[error("the layer is larger than {0} bytes")]
    TooLarge(u64),
    /// There is no end to the tags.
    #[error("the image has more than {MOST_TAGS} tags")]
    TooMany,
}

/// What an artifact consists of.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Its layers.
    pub layers: Vec<Layer>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

impl From<OciImageManifest> for Manifest {
    fn from(manifest: OciImageManifest) -> Self {
        Manifest {
            layers: manifest.layers.into_iter().map(Layer::from).collect(),
            annotations: manifest.annotations.unwrap_or_default(),
        }
    }
}

/// A layer of an artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// The type of its content.
    pub media_type: String,
    /// The digest of its content.
    pub digest: String,
    /// How many bytes it says that it has.
    pub size: u64,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

impl From<OciDescriptor> for Layer {
    fn from(layer: OciDescriptor) -> Self {
        Layer {
            media_type: layer.media_type,
            digest: layer.digest,
            size: u64::try_from(layer.size).unwrap_or_default(),
            annotations: layer.annotations.unwrap_or_default(),
        }
    }
}

/// A registry.
pub struct Registry {
    client: Client,
    login: RegistryAuth,
    timeout: Duration,
    way: Way,
}

/// How requests leave the process.
enum Way {
    /// As the client sends them, since a proxy is configured.
    Direct,
    /// Through the proxy inside the process.
    Gate(Gate),
    /// Through the one that shows a certificate.
    Tls(TlsProxy),
}

impl Way {
    fn of(access: &RegistryAccess) -> Result<Self, String> {
        if let Some(identity) = access.identity.as_ref().filter(|_| !access.insecure) {
            let client = certified(access, identity).map_err(|error| chain(&error))?;
            return TlsProxy::open(client, access.reach).map(Way::Tls).map_err(|error| error.to_string());
        }
        if access.proxy.is_some() || has_proxy() {
            return Ok(Way::Direct);
        }
        Gate::open(access.reach).map(Way::Gate).map_err(|error| error.to_string())
    }

    /// The proxy inside the process.
    fn proxy(&self) -> Option<String> {
        match self {
            Way::Direct => None,
            Way::Gate(gate) => Some(gate.url()),
            Way::Tls(proxy) => Some(proxy.url()),
        }
    }

    /// Why the last request failed, if that is known here.
    fn take_failure(&self) -> Option<String> {
        match self {
            Way::Direct => None,
            Way::Gate(gate) => gate.take_failure(),
            Way::Tls(proxy) => proxy.take_failure(),
        }
    }
}

/// A client that shows a certificate to registries.
fn certified(access: &RegistryAccess, identity: &[u8]) -> reqwest::Result<reqwest::Client> {
    let mut client = outbound::guarded(reqwest::Client::builder(), access.reach)
        .read_timeout(access.timeout)
        .connect_timeout(access.timeout)
        .identity(reqwest::Identity::from_pem(identity)?);
    if let Some(certificate) = &access.certificate {
        client = client.tls_certs_merge(reqwest::Certificate::from_pem_bundle(certificate)?);
    }
    if let Some(proxy) = &access.proxy {
        client = client.proxy(reqwest::Proxy::all(proxy)?);
    }
    client.build()
}

impl Registry {
    /// Creates a client. Redirects of the registry to refused addresses are not followed, unless a proxy is configured
    /// in the access or the environment: then the proxy decides.
    pub fn new(access: RegistryAccess) -> Result<Self, RegistryError> {
        let way = Way::of(&access).map_err(RegistryError::Setup)?;
        let proxy = way.proxy().or(access.proxy);
        let is_plain = access.insecure || matches!(way, Way::Tls(_));
        let mut config = ClientConfig {
            protocol: if is_plain { ClientProtocol::Http } else { ClientProtocol::Https },
            read_timeout: Some(access.timeout),
            connect_timeout: Some(access.timeout),
            http_proxy: proxy.clone(),
            https_proxy: proxy,
            ..ClientConfig::default()
        };
        if let Some(data) = access.certificate {
            config.extra_root_certificates.push(Certificate { encoding: CertificateEncoding::Pem, data });
        }
        let login = match access.login {
            Login::Anonymous => RegistryAuth::Anonymous,
            Login::Basic(username, password) => RegistryAuth::Basic(username, password),
            Login::Token(token) => RegistryAuth::Bearer(token),
        };
        let client = Client::try_from(config).map_err(|error| RegistryError::Setup(error.to_string()))?;
        Ok(Registry { client, login, timeout: access.timeout, way })
    }

    /// All tags of an image.
    pub async fn tags(&self, image: &ImageName) -> Result<Vec<String>, RegistryError> {
        self.in_time(self.all_tags(image)).await
    }

    async fn all_tags(&self, image: &ImageName) -> Result<Vec<String>, RegistryError> {
        let reference = reference(image, "latest");
        let (mut tags, mut known) = (Vec::new(), HashSet::new());
        loop {
            let last = tags.last().map(String::as_str);
            let page = self.client.list_tags(&reference, &self.login, Some(PAGE), last).await;
            let page = page.map_err(|error| RegistryError::Failed(chain(&error)))?;
            let before = tags.len();
            tags.extend(page.tags.into_iter().filter(|tag| known.insert(tag.clone())));
            if tags.len() > MOST_TAGS {
                return Err(RegistryError::TooMany);
            }
            // Registries may return fewer than asked for although there are more, or all whatever is asked
            // for: only a page with nothing new is the end.
            if tags.len() == before {
                return Ok(tags);
            }
        }
    }

    /// The digest that a tag stands for.
    pub async fn digest(&self, image: &ImageName, tag: &str) -> Result<String, RegistryError> {
        let reference = reference(image, tag);
        let digest = self.client.fetch_manifest_digest(&reference, &self.login);
        self.in_time(async { digest.await.map_err(|error| RegistryError::Failed(chain(&error))) }).await
    }

    /// What the artifact with a digest consists of.
    pub async fn manifest(&self, image: &ImageName, digest: &str) -> Result<Manifest, RegistryError> {
        let reference = by_digest(image, digest);
        let manifest = self.client.pull_image_manifest(&reference, &self.login);
        let pulled = async { manifest.await.map_err(|error| RegistryError::Failed(chain(&error))) };
        Ok(self.in_time(pulled).await?.0.into())
    }

    /// What the artifact with a tag consists of, if there is one.
    pub async fn find(&self, image: &ImageName, tag: &str) -> Result<Option<Manifest>, RegistryError> {
        self.pull(reference(image, tag)).await
    }

    /// What the artifact with a digest consists of, if there is one.
    pub async fn find_by_digest(
        &self,
        image: &ImageName,
        digest: &str,
    ) -> Result<Option<Manifest>, RegistryError> {
        self.pull(by_digest(image, digest)).await
    }

    async fn pull(&self, reference: Reference) -> Result<Option<Manifest>, RegistryError> {
        let manifest = self.client.pull_image_manifest(&reference, &self.login);
        let pulled = self.in_time(async { found(manifest.await) }).await?;
        Ok(pulled.map(|(manifest, _)| manifest.into()))
    }

    /// What refers to the artifact with a digest, each with the type of artifact that it is. In registries that cannot
    /// be asked for that, clients list it under a tag.
    pub async fn referrers(&self, image: &ImageName, digest: &str) -> Result<Vec<Layer>, RegistryError> {
        let reference = by_digest(image, digest);
        self.client.store_auth_if_needed(reference.resolve_registry(), &self.login).await;
        let index = self.client.pull_referrers(&reference, None);
        // The client looks for the tag where the answer is 404; some registries have another answer.
        let index = match self.in_time(async { found(index.await) }).await? {
            Some(index) => Some(index),
            None => self.index(image, &digest.replace(':', "-")).await?,
        };
        let entries = index.map(|index| index.manifests).unwrap_or_default();
        let entry = |entry: ImageIndexEntry| Layer {
            media_type: entry.artifact_type.unwrap_or_default(),
            digest: entry.digest,
            size: u64::try_from(entry.size).unwrap_or_default(),
            annotations: entry.annotations.unwrap_or_default(),
        };
        Ok(entries.into_iter().map(entry).collect())
    }

    /// The list of manifests with a tag, if there is one.
    async fn index(&self, image: &ImageName, tag: &str) -> Result<Option<OciImageIndex>, RegistryError> {
        let reference = reference(image, tag);
        let manifest = self.client.pull_manifest(&reference, &self.login);
        match self.in_time(async { found(manifest.await) }).await? {
            Some((OciManifest::ImageIndex(index), _)) => Ok(Some(index)),
            _ => Ok(None),
        }
    }

    /// Reads a small layer, of which the digest is verified.
    pub async fn read(&self, image: &ImageName, layer: &Layer, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let mut content = Vec::new();
        self.download(image, layer, limit, &mut content).await?;
        Ok(content)
    }

    /// Downloads a layer, of which the digest is verified. It may have `limit` bytes, whatever it says.
    pub async fn download(
        &self,
        image: &ImageName,
        layer: &Layer,
        limit: u64,
        out: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(), RegistryError> {
        let fail = |error: &dyn std::error::Error| RegistryError::Failed(chain(error));
        let reference = by_digest(image, &layer.digest);
        let descriptor = OciDescriptor { digest: layer.digest.clone(), ..OciDescriptor::default() };
        self.in_time(async {
            // Pulling a manifest has logged in; a layer alone does not.
            self.client.store_auth_if_needed(reference.resolve_registry(), &self.login).await;
            let blob = self.client.pull_blob_stream(&reference, &descriptor).await;
            let mut stream = blob.map_err(|error| fail(&error))?.stream;
            let mut size = 0;
            while let Some(bytes) = stream.try_next().await.map_err(|error| fail(&error))? {
                size += bytes.len() as u64;
                if size > limit {
                    return Err(RegistryError::TooLarge(limit));
                }
                out.write_all(&bytes).await.map_err(|error| fail(&error))?;
            }
            out.flush().await.map_err(|error| fail(&error))
        })
        .await
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, RegistryError>>,
    ) -> Result<T, RegistryError> {
        let failure = || self.way.take_failure();
        // Failures of earlier requests have been reported.
        let _ = failure();
        let outcome = tokio::time::timeout(self.timeout, work).await;
        match outcome.unwrap_or(Err(RegistryError::TimedOut(self.timeout))) {
            Err(RegistryError::Failed(said)) => Err(RegistryError::Failed(failure().unwrap_or(said))),
            outcome => outcome,
        }
    }
}

/// Whether the environment configures a proxy.
fn has_proxy() -> bool {
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].iter().any(|name| {
        [(*name).to_owned(), name.to_lowercase()]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
    })
}

fn reference(image: &ImageName, tag: &str) -> Reference {
    Reference::with_tag(image.registry.clone(), image.repository.clone(), tag.to_owned())
}

fn by_digest(image: &ImageName, digest: &str) -> Reference {
    Reference::with_digest(image.registry.clone(), image.repository.clone(), digest.to_owned())
}

/// What a registry answered with; nothing if that does not exist, or if it cannot be asked for it.
fn found<T>(answer: Result<T, OciDistributionError>) -> Result<Option<T>, RegistryError> {
    let error = match answer {
        Ok(found) => return Ok(Some(found)),
        Err(error) => error,
    };
    let is_absent = match &error {
        OciDistributionError::ImageManifestNotFoundError(_) => true,
        OciDistributionError::ServerError { code, .. } => [400, 404, 405, 501].contains(code),
        OciDistributionError::RegistryError { envelope, .. } => envelope.errors.iter().any(|error| {
            matches!(
                error.code,
                OciErrorCode::ManifestUnknown
                    | OciErrorCode::NameUnknown
                    | OciErrorCode::NotFound
                    | OciErrorCode::Unsupported
            )
        }),
        _ => false,
    };
    if is_absent { Ok(None) } else { Err(RegistryError::Failed(chain(&error))) }
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let text = causes(error);
    // What answers a handshake with something else, or hangs up, speaks HTTP most of the time.
    if ["tls handshake eof", "InvalidContentType"].iter().any(|sign| text.contains(sign)) {
        return format!("{text}; if the registry has no certificate, set spec.insecure to true");
    }
    text
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}
