//! Names of images.

use thiserror::Error;

/// The registry of names that have none.
const DEFAULT_REGISTRY: &str = "index.docker.io";

/// Why a text does not name an image repository.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// The name starts like an address.
    #[error("image '{image}' should not include URL scheme; remove '{scheme}://'")]
    Scheme {
        /// The name.
        image: String,
        /// What stands before `://`.
        scheme: String,
    },
    /// The name has a tag or digest.
    #[error("image '{image}' should not include a tag; remove ':{tag}'")]
    Tag {
        /// The name.
        image: String,
        /// What stands after the colon.
        tag: String,
    },
    /// The name is not one at all.
    #[error("could not parse reference: {0}")]
    Malformed(String),
}

/// An image repository's name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    /// Host and port of the registry.
    pub registry: String,
    /// The path within the registry.
    pub repository: String,
    /// The tag, if the name has one.
    pub tag: Option<String>,
    /// The digest, if the name has one.
    pub digest: Option<String>,
}

impl ImageName {
    /// Reads the name of a repository, which may have neither tag nor digest.
    pub fn parse_repository(image: &str) -> Result<Self, NameError> {
        let image_text = || image.to_owned();
        if let Some((scheme, _)) = image.split_once("://") {
            return Err(NameError::Scheme { image: image_text(), scheme: scheme.to_owned() });
        }
        let name = Self::parse(image)?;
        let path = image.strip_prefix(&*name.registry).unwrap_or(image);
        match path.split(':').nth(1) {
            Some(tag) => Err(NameError::Tag { image: image_text(), tag: tag.to_owned() }),
            None => Ok(name),
        }
    }

    /// Reads a name with or without a tag or a digest.
    pub fn parse(image: &str) -> Result<Self, NameError> {
        Self::take_apart(image).ok_or_else(|| NameError::Malformed(image.to_owned()))
    }

    fn take_apart(image: &str) -> Option<Self> {
        let (rest, digest) = match image.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (image, None),
        };
        if let Some(digest) = digest {
            let hexadecimal = digest.strip_prefix("sha256:")?;
            let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            if hexadecimal.len() != 64 || !hexadecimal.bytes().all(digit) {
                return None;
            }
        }
        // A colon before a slash belongs to the registry's port.
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (rest, None),
        };
        let tag = tag.filter(|tag| !tag.is_empty());
        let in_tag = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if tag.is_some_and(|tag| tag.len() > 128 || !tag.bytes().all(in_tag)) {
            return None;
        }
        let (registry, repository) = match path.split_once('/') {
            Some((registry, repository)) if registry.contains(['.', ':']) => (registry, repository),
            _ => (DEFAULT_REGISTRY, path),
        };
        let in_path =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-./".contains(&byte);
        if !(2..=255).contains(&repository.len()) || !repository.bytes().all(in_path) {
            return None;
        }
        let in_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
        if !registry.bytes().all(in_host) {
            return None;
        }
        let registry = if registry == "docker.io" { DEFAULT_REGISTRY } else { registry };
        let implied = registry == DEFAULT_REGISTRY && !repository.contains('/');
        Some(Self {
            registry: registry.to_owned(),
            repository: if implied { format!("library/{repository}") } else { repository.to_owned() },
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// The name with its registry, without tag and digest.
    pub fn canonical(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }
}
