//! Image tags: which are looked at, and which of them a policy takes.

mod name;
mod order;

use indexmap::IndexMap;
use reconciler_api::image_policy::{ImageRef, PolicyChoice, TagFilter};
use thiserror::Error;

pub use name::{ImageName, NameError};

use crate::go;
use order::Order;

/// How many tags the status of an image repository lists.
const LATEST_TAGS: usize = 10;

/// Why a policy takes no tag.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// The policy itself is wrong; only a change of it helps.
    #[error("{0}")]
    Invalid(String),
    /// No tag can be taken from those that there are.
    #[error("{0}")]
    NoTag(String),
}

/// The tags of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The tags that are not excluded, in descending byte order.
    pub tags: Vec<String>,
    /// Changes when the tags do.
    pub revision: String,
}

impl Scan {
    /// Keeps the tags that no pattern of the exclusion list matches.
    pub fn new(tags: Vec<String>, exclusion_list: &[String]) -> Result<Self, String> {
        let patterns = exclusion_list
            .iter()
            .map(|pattern| {
                go::compile(pattern)
                    .map_err(|failure| format!("failed to compile regex {pattern}: {failure}"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut tags = tags;
        tags.retain(|tag| !patterns.iter().any(|pattern| pattern.is_match(tag)));
        tags.sort_by(|one, other| other.cmp(one));
        let revision = checksum(&tags).to_string();
        Ok(Self { tags, revision })
    }

    /// The first tags, for the status.
    pub fn latest_tags(&self) -> &[String] {
        &self.tags[..self.tags.len().min(LATEST_TAGS)]
    }
}

/// The Adler-32 sum of the tags as a JSON list, which is what Flux shows as the revision.
///
/// Go writes `<`, `>` and `&` as escapes there, as well as the two line separators of Unicode.
fn checksum(tags: &[String]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    let list = serde_json::Value::from(tags).to_string();
    let mut buffer = [0; 4];
    for character in list.chars() {
        let text = match character {
            '<' => "\\u003c",
            '>' => "\\u003e",
            '&' => "\\u0026",
            '\u{2028}' => "\\u2028",
            '\u{2029}' => "\\u2029",
            other => other.encode_utf8(&mut buffer),
        };
        for byte in text.bytes() {
            low = (low + u32::from(byte)) % 65521;
            high = (high + low) % 65521;
        }
    }
    (high << 16) | low
}

/// The tag that a policy takes.
///
/// With a filter, only tags that match its pattern count, and the policy sees what it extracts.
pub fn latest(
    policy: &PolicyChoice,
    filter: Option<&TagFilter>,
    tags: &[String],
) -> Result<String, PolicyError> {
    let order =
        Order::new(policy).map_err(|reason| PolicyError::Invalid(format!("invalid policy: {reason}")))?;
    if tags.is_empty() {
        return Err(PolicyError::NoTag("no tags in database".to_owned()));
    }
    let Some(filter) = filter else {
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        return order.latest(&tags).map(str::to_owned).map_err(PolicyError::NoTag);
    };
    let extracted = filtered(filter, tags)?;
    let candidates: Vec<&str> = extracted.keys().map(String::as_str).collect();
    let latest = order.latest(&candidates).map_err(PolicyError::NoTag)?;
    Ok(extracted.get(latest).map_or(latest, |tag| *tag).to_owned())
}

/// What the filter extracts from each tag that it matches. Of equal ones the last stays.
fn filtered<'a>(filter: &TagFilter, tags: &'a [String]) -> Result<IndexMap<String, &'a str>, PolicyError> {
    let pattern = filter.pattern.as_deref().unwrap_or_default();
    let regex = go::compile(pattern).map_err(|failure| {
        let reason =
            format!("failed to filter tags: invalid regular expression pattern '{pattern}': {failure}");
        PolicyError::Invalid(reason)
    })?;
    let template = filter.extract.as_deref().unwrap_or_default();
    let mut extracted = IndexMap::new();
    for tag in tags {
        if let Some(captures) = regex.captures(tag) {
            let key = if template.is_empty() { tag.clone() } else { go::expand(template, &captures) };
            extracted.insert(key, tag.as_str());
        }
    }
    Ok(extracted)
}

/// What the condition of a policy says.
pub fn ready_message(latest: &ImageRef, previous: Option<&ImageRef>) -> String {
    let digest = |image: &ImageRef| image.digest.clone().filter(|digest| !digest.is_empty());
    let mut message = format!("Latest image tag for {} resolved to {}", latest.name, latest.tag);
    if let Some(digest) = digest(latest) {
        message += &format!(" with digest {digest}");
    }
    if let Some(previous) = previous.filter(|previous| *previous != latest) {
        message += &format!(" (previously {}:{}", previous.name, previous.tag);
        if let Some(digest) = digest(previous) {
            message += &format!("@{digest}");
        }
        message.push(')');
    }
    message
}
