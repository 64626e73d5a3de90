//! Objects of a store that speaks the protocol of S3.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use reconciler_core::source::{IGNORE_FILE, IgnoreRules};
use reqwest::{Client, Response, StatusCode};
use rusty_s3::actions::ListObjectsV2;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::tree_store::{Limits, TreeError, TreeStore, Written};
use crate::outbound::{self, BodyError, Reach, body};

/// The region of stores that have none.
const REGION: &str = "us-east-1";
/// How long a request is valid.
const VALID: Duration = Duration::from_secs(300);
/// Objects that are downloaded at the same time.
const CONCURRENCY: usize = 4;
/// The largest answer that is not an object, in bytes.
const LARGEST_ANSWER: u64 = 16 << 20;

/// How a bucket is accessed.
#[derive(Clone)]
pub struct BucketAccess {
    /// Host and port of the store.
    pub endpoint: String,
    /// Whether the store speaks HTTP without TLS.
    pub insecure: bool,
    /// The region.
    pub region: Option<String>,
    /// The name of the bucket.
    pub bucket: String,
    /// Only objects whose names start with this.
    pub prefix: String,
    /// The key and its secret; nothing for a bucket that anyone may read.
    pub login: Option<(String, String)>,
    /// A certificate of an authority, as PEM.
    pub certificate: Option<Vec<u8>>,
    /// The client's own certificate and its key, as PEM.
    pub identity: Option<Vec<u8>>,
    /// The address of a proxy.
    pub proxy: Option<String>,
    /// Which addresses store and proxy may have.
    pub reach: Reach,
    /// How long a request may take.
    pub timeout: Duration,
}

/// Why a bucket cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The client cannot be set up.
    #[error("{0}")]
    Setup(String),
    /// There is no such bucket.
    #[error("bucket '{0}' not found")]
    NotFound(String),
    /// It cannot be told whether there is the bucket.
    #[error("failed to confirm existence of '{bucket}' bucket: {message}")]
    Unconfirmed {
        /// The bucket.
        bucket: String,
        /// What is wrong.
        message: String,
    },
    /// The objects cannot be listed.
    #[error("indexation of objects from bucket '{bucket}' failed: {message}")]
    List {
        /// The bucket.
        bucket: String,
        /// What is wrong.
        message: String,
    },
    /// An object cannot be read.
    #[error("fetch from bucket '{bucket}' failed: failed to get '{object}' object: {message}")]
    Get {
        /// The bucket.
        bucket: String,
        /// The object.
        object: String,
        /// What is wrong.
        message: String,
    },
    /// The files cannot be stored.
    #[error("unable to archive artifact to storage: {0}")]
    Store(#[from] TreeError),
}

/// The objects of a bucket, with the tags that tell their contents apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index(BTreeMap<String, String>);

impl Index {
    /// The revision: a digest over all names and tags.
    #[must_use]
    pub fn revision(&self) -> String {
        let mut hash = Sha256::new();
        for (name, tag) in &self.0 {
            hash.update(format!("{name} {tag}\n"));
        }
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a request ended with, if not with an answer.
struct Refusal {
    status: Option<StatusCode>,
    message: String,
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Failed(error) => error.into(),
            BodyError::TooLarge(_) => Refusal { status: None, message: error.to_string() },
        }
    }
}

impl From<reqwest::Error> for Refusal {
    fn from(error: reqwest::Error) -> Self {
        // The address holds a signature.
        Refusal { status: None, message: outbound::causes(&error.without_url()) }
    }
}

/// A bucket.
pub struct BucketReader {
    access: BucketAccess,
    bucket: Bucket,
    credentials: Option<Credentials>,
    client: Client,
}

impl BucketReader {
    /// Sets a client up.
    ///
    /// # Errors
    /// An address, certificate or proxy that cannot be used.
    pub fn new(access: BucketAccess) -> Result<Self, BucketError> {
        let setup = |error: &dyn std::fmt::Display| BucketError::Setup(error.to_string());
        let scheme = if access.insecure { "http" } else { "https" };
        let endpoint =
            Url::parse(&format!("{scheme}://{}", access.endpoint)).map_err(|error| setup(&error))?;
        let region = access.region.clone().filter(|region| !region.is_empty());
        let region = region.unwrap_or_else(|| REGION.to_owned());
        outbound::check_address(&endpoint, access.reach).map_err(|error| setup(&error))?;
        let bucket = Bucket::new(endpoint, UrlStyle::Path, access.bucket.clone(), region)
            .map_err(|error| setup(&error))?;
        let client = outbound::guarded(Client::builder().timeout(access.timeout), access.reach);
        let mut client = client.redirect(reqwest::redirect::Policy::none());
        if let Some(pem) = &access.certificate {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| setup(&error))?;
            client = client.tls_certs_merge(certificates);
        }
        if let Some(pem) = &access.identity {
            client = client.identity(reqwest::Identity::from_pem(pem).map_err(|error| setup(&error))?);
        }
        if let Some(proxy) = &access.proxy {
            client = client.proxy(reqwest::Proxy::all(proxy).map_err(|error| setup(&error))?);
        }
        let credentials = access.login.as_ref().map(|(key, secret)| Credentials::new(key, secret));
        let client = client.build().map_err(|error| setup(&error))?;
        Ok(BucketReader { access, bucket, credentials, client })
    }

    /// Lists the objects that are not to be left out.
    ///
    /// # Errors
    /// The bucket cannot be read, or there is none.
    pub async fn index(&self, ignore: Option<&str>) -> Result<Index, BucketError> {
        let name = &self.access.bucket;
        let confirm = self.bucket.head_bucket(self.credentials.as_ref());
        match self.send(self.client.head(confirm.sign(VALID))).await {
            Err(Refusal { status: Some(StatusCode::NOT_FOUND), .. }) => {
                return Err(BucketError::NotFound(name.clone()));
            }
            Err(Refusal { message, .. }) => {
                return Err(BucketError::Unconfirmed { bucket: name.clone(), message });
            }
            Ok(_) => {}
        }
        let rules = self.rules(ignore).await?;
        let list = |message: String| BucketError::List { bucket: name.clone(), message };
        let (mut index, mut token): (_, Option<String>) = (Index::default(), None);
        loop {
            let mut action = ListObjectsV2::new(&self.bucket, self.credentials.as_ref());
            action.with_prefix(self.access.prefix.as_str());
            if let Some(token) = &token {
                action.with_continuation_token(token.as_str());
            }
            let page = self
                .text(self.client.get(action.sign(VALID)))
                .await
                .map_err(|refusal| list(refusal.message))?;
            let page = ListObjectsV2::parse_response(&page).map_err(|error| list(error.to_string()))?;
            for object in page.contents {
                let is_file = !object.key.ends_with('/') && object.key != IGNORE_FILE;
                if is_file && !rules.is_ignored(&object.key, false) {
                    let tag = object.etag.unwrap_or_default();
                    index.0.insert(object.key, tag.trim_matches('"').to_owned());
                }
            }
            if index.len() > Limits::default().files {
                return Err(TreeError::TooMany(Limits::default().files).into());
            }
            match page.next_continuation_token {
                // A token that stays the same would lead nowhere.
                Some(next) if token.as_ref() != Some(&next) => token = Some(next),
                _ => return Ok(index),
            }
        }
    }

    /// The rules of the bucket and these.
    async fn rules(&self, ignore: Option<&str>) -> Result<IgnoreRules, BucketError> {
        let mut own = IgnoreRules::default();
        match self.get(IGNORE_FILE).await {
            Ok((text, _)) => own.add("", &String::from_utf8_lossy(&text)),
            Err(Refusal { status: Some(StatusCode::NOT_FOUND), .. }) => {}
            Err(Refusal { message, .. }) => {
                let (bucket, object) = (self.access.bucket.clone(), IGNORE_FILE.to_owned());
                return Err(BucketError::Get { bucket, object, message });
            }
        }
        if let Some(text) = ignore {
            own.add("", text);
        }
        Ok(IgnoreRules::of_bucket(own))
    }

    /// Downloads the objects of an index, and stores them. Those that are gone meanwhile are removed from it.
    ///
    /// # Errors
    /// An object cannot be read or stored.
    pub async fn fetch(&self, index: &mut Index, store: &Arc<TreeStore>) -> Result<Written, BucketError> {
        let limits = Limits::default();
        let mut writer = store.writer(limits);
        let names: Vec<String> = index.0.keys().cloned().collect();
        let objects = names.into_iter().map(async |name| {
            let got = self.get(&name).await;
            (name, got)
        });
        let mut objects = stream::iter(objects).buffered(CONCURRENCY);
        while let Some((object, got)) = objects.next().await {
            match got {
                Ok((bytes, tag)) => {
                    writer.file(&object, false, &*bytes)?;
                    if let Some(tag) = tag {
                        index.0.insert(object, tag);
                    }
                }
                Err(Refusal { status: Some(StatusCode::NOT_FOUND), .. }) => {
                    index.0.remove(&object);
                }
                Err(Refusal { message, .. }) => {
                    return Err(BucketError::Get { bucket: self.access.bucket.clone(), object, message });
                }
            }
        }
        drop(objects);
        Ok(writer.finish(&IgnoreRules::default())?)
    }

    /// The content of an object, and its tag.
    async fn get(&self, object: &str) -> Result<(Vec<u8>, Option<String>), Refusal> {
        let action = self.bucket.get_object(self.credentials.as_ref(), object);
        let answer = self.send(self.client.get(action.sign(VALID))).await?;
        let tag = answer.headers().get(http::header::ETAG).and_then(|tag| tag.to_str().ok());
        let tag = tag.map(|tag| tag.trim_matches('"').to_owned());
        Ok((body(answer, Limits::default().file).await?, tag))
    }

    async fn text(&self, request: reqwest::RequestBuilder) -> Result<String, Refusal> {
        let bytes = body(self.send(request).await?, LARGEST_ANSWER).await?;
        String::from_utf8(bytes)
            .map_err(|error| Refusal { status: None, message: format!("the answer is no text: {error}") })
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, Refusal> {
        let answer = request.send().await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let said = body(answer, LARGEST_ANSWER).await.unwrap_or_default();
        Err(Refusal { status: Some(status), message: refusal(status, &String::from_utf8_lossy(&said)) })
    }
}

/// What an answer says about why it was refused.
fn refusal(status: StatusCode, body: &str) -> String {
    let between = |open: &str, close: &str| Some(body.split_once(open)?.1.split_once(close)?.0);
    match (between("<Message>", "</Message>"), status) {
        (Some(message), _) => message.to_owned(),
        (None, StatusCode::FORBIDDEN) => "Access Denied.".to_owned(),
        (None, status) => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_revision_is_a_digest_of_names_and_tags() {
        let index =
            Index(BTreeMap::from([("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())]));
        // printf 'a 1\nb 2\n' | sha256sum
        assert_eq!(
            index.revision(),
            "sha256:2951835de33689a441bfa61bc7af99b1f0305ca8ec0ab4dd508f14f57b27ca23"
        );
        assert_eq!(
            Index::default().revision(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn refusals_say_why() {
        let body = "<Error><Code>AccessDenied</Code><Message>No.</Message></Error>";
        assert_eq!(refusal(StatusCode::FORBIDDEN, body), "No.");
        assert_eq!(refusal(StatusCode::BAD_GATEWAY, ""), "502 Bad Gateway");
    }
}
