//! Image names: `registry.io/name:tag@sha256:digest`.

use crate::pattern::{BadPattern, Pattern};

/// The name of an image without tag and digest, as a kustomization gives it. kustomize makes a
/// regular expression of it as it is, so `.` stands for any character.
#[derive(Clone, Debug)]
pub(crate) enum NamePattern {
    /// Letters, digits and the like; dots match any character.
    Plain(String),
    /// A regular expression over name, tag and digest.
    Regex(Pattern),
}

impl NamePattern {
    pub(crate) fn new(name: &str) -> Result<Self, BadPattern> {
        let is_plain = name.chars().all(|c| {
            c.is_alphanumeric() || matches!(c, '.' | '/' | '-' | '_' | ':' | '@' | '#' | '%' | '~' | ' ')
        });
        if is_plain {
            return Ok(NamePattern::Plain(name.to_owned()));
        }
        let class = "[a-zA-Z0-9_.{}-]*";
        Pattern::anywhere(&format!("^{name}(:{class})?(@sha256:{class})?$")).map(NamePattern::Regex)
    }

    /// Whether an image has this name, with whatever tag and digest.
    pub(crate) fn is_match(&self, image: &str) -> bool {
        match self {
            NamePattern::Regex(pattern) => pattern.is_match(image),
            NamePattern::Plain(name) => after_name(name, image).is_some_and(is_tag_and_digest),
        }
    }
}

fn after_name<'a>(name: &str, image: &'a str) -> Option<&'a str> {
    if let Some(rest) = image.strip_prefix(name) {
        return Some(rest);
    }
    let mut rest = image.chars();
    for wanted in name.chars() {
        let found = rest.next()?;
        if wanted != found && (wanted != '.' || found == '\n') {
            return None;
        }
    }
    Some(rest.as_str())
}

fn is_tag_and_digest(text: &str) -> bool {
    fn skip(text: &str) -> &str {
        text.trim_start_matches(|c: char| {
            c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '{' | '}' | '-')
        })
    }
    let text = text.strip_prefix(':').map_or(text, skip);
    text.strip_prefix("@sha256:").map_or(text, skip).is_empty()
}

/// The parts of an image's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) name: &'a str,
    pub(crate) tag: &'a str,
    pub(crate) digest: &'a str,
}

/// Splits an image's name. A colon before the first slash belongs to the registry's port.
pub(crate) fn split(image: &str) -> Parts<'_> {
    let path = image.find('/').unwrap_or(0);
    let find = |mark: char| image[path..].find(mark).map(|at| path + at);
    let (name, tag, digest) = match (find(':'), find('@')) {
        (None, None) => (image, "", ""),
        (Some(colon), None) => (&image[..colon], &image[colon + 1..], ""),
        (Some(colon), Some(at)) if colon < at => (&image[..colon], &image[colon + 1..at], &image[at + 1..]),
        (_, Some(at)) => (&image[..at], "", &image[at + 1..]),
    };
    Parts { name, tag, digest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_kustomize_does() {
        // Expectations: kustomize's image_test.go.
        for (image, name, tag, digest) in [
            ("nginx", "nginx", "", ""),
            ("nginx:1.2.3", "nginx", "1.2.3", ""),
            ("nginx@sha256:12345", "nginx", "", "sha256:12345"),
            ("nginx:1.2.3@sha256:12345", "nginx", "1.2.3", "sha256:12345"),
            ("docker.io/nginx:1.2.3", "docker.io/nginx", "1.2.3", ""),
            ("foo.com:443/nginx:1.2.3", "foo.com:443/nginx", "1.2.3", ""),
            ("foo.com:443/nginx:1.2.3@sha256:12345", "foo.com:443/nginx", "1.2.3", "sha256:12345"),
        ] {
            assert_eq!(split(image), Parts { name, tag, digest });
        }
    }

    #[test]
    fn matches_names() {
        let matches = |name: &str, image: &str| NamePattern::new(name).unwrap().is_match(image);
        assert!(matches("nginx", "nginx:12345@sha256:xyz"));
        assert!(!matches("nginx", "nginx@sha512:xyz"));
        assert!(!matches("nginx", "nginx2"));
        assert!(matches("gcr.io/a", "gcrxio/a:{tag}"));
        assert!(matches("n.*x", "nginx"));
        assert!(!matches("nginx", "docker.io/nginx"));
        assert!(NamePattern::new("n(").is_err());
    }
}
