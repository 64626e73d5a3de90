//! Artifacts in container registries: which one is meant, and reading its content.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use reconciler_api::oci_repository::{LayerSelector, OCIReference};
use reconciler_core::image::ImageName;
use reconciler_core::source::IgnoreRules;
use reconciler_core::{go, semver};

use super::archive::{ArchiveError, unpack};
use super::tree_store::{Limits, TreeError, TreeStore, Written};
use crate::image::{Layer, Registry, RegistryError};

/// How addresses of repositories begin.
const SCHEME: &str = "oci://";
/// The tag if nothing else is asked for.
const DEFAULT_TAG: &str = "latest";
/// The layer of a Helm chart, whose tags have `_` where its versions have `+`.
const HELM_CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// The largest layer that is downloaded, in bytes.
const LARGEST_LAYER: u64 = 512 << 20;

/// Why an artifact cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// The address is none of a repository.
    #[error("URL validation failed for '{url}': {message}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong.
        message: String,
    },
    /// It cannot be told which tag is meant.
    #[error("failed to determine the artifact tag for '{url}': {message}")]
    Tag {
        /// The address.
        url: String,
        /// What is wrong.
        message: String,
    },
    /// It cannot be told what a tag stands for.
    #[error("failed to determine artifact digest: {0}")]
    Digest(RegistryError),
    /// The artifact cannot be read.
    #[error("failed to pull artifact from '{url}': {source}")]
    Pull {
        /// The address.
        url: String,
        /// Why.
        source: RegistryError,
    },
    /// No layer is the one that is wanted.
    #[error("{0}")]
    Layer(String),
    /// The content of the layer cannot be used.
    #[error("failed to extract layer contents from artifact: {0}")]
    Extract(#[from] ArchiveError),
    /// The content cannot be stored.
    #[error("unable to archive artifact to storage: {0}")]
    Storage(String),
}

/// An artifact that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The revision, as status writes it: `tag@digest`, or the digest.
    pub revision: String,
    /// The digest.
    pub digest: String,
}

/// What an artifact holds.
#[derive(Debug)]
pub struct Content {
    /// Its files.
    pub files: Written,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// A repository in a registry.
pub struct OciRepository<'a> {
    /// The address, as the spec has it.
    pub url: &'a str,
    /// Its parts.
    pub name: &'a ImageName,
    /// The registry.
    pub registry: &'a Registry,
}

/// The name of the repository at an address.
///
/// # Errors
/// It is no address of a repository, or has a tag.
pub fn name_of(url: &str) -> Result<ImageName, OciError> {
    let fail = |message: String| OciError::Url { url: url.to_owned(), message };
    let Some(path) = url.strip_prefix(SCHEME) else {
        return Err(fail("URL must be in format 'oci://<domain>/<org>/<repo>'".to_owned()));
    };
    let name = ImageName::parse(path).map_err(|error| fail(error.to_string()))?;
    match (&name.tag, &name.digest) {
        (None, None) => Ok(name),
        (Some(tag), _) => Err(fail(format!("URL must not contain a tag; remove ':{tag}'"))),
        (None, Some(digest)) => Err(fail(format!("URL must not contain a digest; remove '@{digest}'"))),
    }
}

impl OciRepository<'_> {
    /// Finds out which artifact is meant now.
    ///
    /// # Errors
    /// There is none, or the registry cannot be asked.
    pub async fn resolve(
        &self,
        wanted: &OCIReference,
        selector: &LayerSelector,
    ) -> Result<Artifact, OciError> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(digest) = given(&wanted.digest) {
            return Ok(Artifact { revision: digest.clone(), digest });
        }
        let tag = match given(&wanted.semver) {
            Some(range) => self.newest(&range, given(&wanted.semver_filter), selector).await?,
            None => given(&wanted.tag).unwrap_or_else(|| DEFAULT_TAG.to_owned()),
        };
        let digest = self.registry.digest(self.name, &tag).await.map_err(OciError::Digest)?;
        Ok(Artifact { revision: format!("{tag}@{digest}"), digest })
    }

    /// The newest tag in a range of versions, of those that a pattern finds.
    async fn newest(
        &self,
        range: &str,
        filter: Option<String>,
        selector: &LayerSelector,
    ) -> Result<String, OciError> {
        let fail = |message: String| OciError::Tag { url: self.url.to_owned(), message };
        let tags = self.registry.tags(self.name).await.map_err(|error| fail(error.to_string()))?;
        pick(tags, range, filter.as_deref(), selector).map_err(fail)
    }

    /// Downloads a layer of an artifact into a file in `scratch`, and stores the files in it.
    ///
    /// # Errors
    /// The artifact cannot be read, has no such layer, or its content is refused.
    pub async fn pull(
        &self,
        artifact: &Artifact,
        selector: &LayerSelector,
        ignore: Option<String>,
        store: Arc<TreeStore>,
        scratch: &Path,
    ) -> Result<Content, OciError> {
        // What is copied is taken as it is.
        let ignore = match selector.operation.as_deref().unwrap_or("extract") {
            "" | "extract" => Some(ignore.unwrap_or_default()),
            "copy" => None,
            other => return Err(OciError::Layer(format!("unsupported layer operation: {other}"))),
        };
        let fail = |source| OciError::Pull { url: self.url.to_owned(), source };
        let manifest = self.registry.manifest(self.name, &artifact.digest).await.map_err(fail)?;
        let layer = select(&manifest.layers, selector.media_type.as_deref().unwrap_or_default())?;
        if layer.size > LARGEST_LAYER {
            return Err(OciError::Layer(format!("the layer is larger than {LARGEST_LAYER} bytes")));
        }
        let file = tempfile::tempfile_in(scratch).map_err(storage)?;
        let mut file = tokio::fs::File::from_std(file);
        self.registry.download(self.name, layer, LARGEST_LAYER, &mut file).await.map_err(fail)?;
        let file = file.into_std().await;
        let files = tokio::task::spawn_blocking(move || read(file, &store, ignore.as_deref())).await;
        Ok(Content { files: files.map_err(storage)??, annotations: manifest.annotations })
    }
}

/// Stores the files of an archive; all of them if there is nothing about what to ignore.
fn read(mut file: std::fs::File, store: &TreeStore, ignore: Option<&str>) -> Result<Written, OciError> {
    io::Seek::rewind(&mut file).map_err(storage)?;
    let mut writer = store.writer(Limits::default());
    match unpack(file, &mut writer) {
        Err(ArchiveError::Tree(TreeError::Storage(message))) => return Err(OciError::Storage(message)),
        outcome => outcome?,
    }
    let rules = ignore.map_or_else(IgnoreRules::default, |ignore| writer.rules(Some(ignore)));
    writer.finish(&rules).map_err(storage)
}

/// The newest of these tags in a range.
fn pick(
    tags: Vec<String>,
    range: &str,
    filter: Option<&str>,
    selector: &LayerSelector,
) -> Result<String, String> {
    let filter = filter.map(go::compile).transpose().map_err(|error| error.to_string())?;
    let constraints = semver::Constraints::parse(range)
        .map_err(|error| format!("semver '{range}' parse error: {error}"))?;
    let is_chart = selector.media_type.as_deref() == Some(HELM_CHART);
    let mut versions: Vec<String> =
        tags.into_iter().filter(|tag| filter.as_ref().is_none_or(|filter| filter.is_match(tag))).collect();
    if is_chart {
        versions.iter_mut().for_each(|tag| *tag = tag.replace('_', "+"));
    }
    let newest = semver::sort(Some(&constraints), &versions).into_iter().next();
    let newest = newest.ok_or_else(|| format!("no match found for semver: {range}"))?;
    Ok(if is_chart { newest.replace('+', "_") } else { newest })
}

/// The layer with a media type, the first one if none is given.
fn select<'a>(layers: &'a [Layer], media_type: &str) -> Result<&'a Layer, OciError> {
    let Some(first) = layers.first() else {
        return Err(OciError::Layer("no layers found in artifact".to_owned()));
    };
    if media_type.is_empty() {
        return Ok(first);
    }
    layers.iter().find(|layer| layer.media_type == media_type).ok_or_else(|| {
        OciError::Layer(format!("failed to find layer with media type '{media_type}' in artifact"))
    })
}

fn storage(error: impl std::fmt::Display) -> OciError {
    OciError::Storage(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_no_tag() {
        let message = |url: &str| name_of(url).err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(message("oci://host:5000/a/b"), "");
        assert_eq!(
            message("https://host/a"),
            "URL validation failed for 'https://host/a': URL must be in format 'oci://<domain>/<org>/<repo>'"
        );
        assert!(message("oci://host:5000/a/b:1").ends_with("URL must not contain a tag; remove ':1'"));
        assert!(!message(&format!("oci://host/a@sha256:{}", "0".repeat(64))).is_empty());
    }

    #[test]
    fn the_newest_tag_is_picked() {
        let tags =
            || ["1.0.0", "1.2.0", "1.10.0-rc.1", "2.0.0", "latest", "1.2.0_x"].map(str::to_owned).to_vec();
        let plain = LayerSelector::default();
        assert_eq!(pick(tags(), "1.x", None, &plain).as_deref(), Ok("1.2.0"));
        assert_eq!(pick(tags(), ">=1.0.0-0", Some("rc"), &plain).as_deref(), Ok("1.10.0-rc.1"));
        assert_eq!(pick(tags(), "3.x", None, &plain), Err("no match found for semver: 3.x".to_owned()));
        assert!(pick(tags(), "no range", None, &plain).is_err());
        let chart = LayerSelector { media_type: Some(HELM_CHART.to_owned()), operation: None };
        assert_eq!(pick(tags(), "1.2.0", Some("_"), &chart).as_deref(), Ok("1.2.0_x"));
    }
}
