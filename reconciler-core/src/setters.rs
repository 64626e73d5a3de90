//! Image markers in YAML files, and the values that policies give them.
//!
//! Only the bytes of a marked scalar change. Flux reads and writes the whole file instead, which costs
//! blank lines, comments and indentation. Scalars that go over several lines are left alone, except for
//! block scalars whose first line has the marker.

mod line;
mod marker;
mod message;
mod object;
mod push;

use std::collections::BTreeMap;

use reconciler_api::image_policy::ImageRef;
use reconciler_api::image_update_automation::UpdateStrategy;
use thiserror::Error;

pub use marker::{IgnoredMarker, MarkerFault, Others, PolicyNames};
pub use message::{DEFAULT_MESSAGE, MessageError, commit_message};
pub use object::ObjectIdentifier;
pub use push::{MissingRepository, PushError, PushPlan, plan_push};

use crate::go::quote;
use crate::image::ImageName;
use line::Marked;

/// A policy's latest image cannot be written into files.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("encountered invalid image ref {}: could not parse reference: {image}", quote(image))]
pub struct InvalidImage {
    /// The image as the policy has it.
    image: String,
}

/// What one marker's scalar was and is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The path of the file.
    pub file: String,
    /// The object that the marker is in.
    pub object: ObjectIdentifier,
    /// The value before.
    pub old_value: String,
    /// The value now.
    pub new_value: String,
    /// The text of the marker.
    pub setter: String,
}

/// The value of every marker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setters(BTreeMap<String, String>);

impl Setters {
    /// Gives the markers of a policy, `NAMESPACE:NAME` and that with `:tag`, `:name` or `:digest`, values.
    pub fn add(&mut self, namespace: &str, name: &str, latest: &ImageRef) -> Result<(), InvalidImage> {
        let digest = latest.digest.as_deref().unwrap_or_default();
        let mut image = format!("{}:{}", latest.name, latest.tag);
        if !digest.is_empty() {
            image += &format!("@{digest}");
        }
        if ImageName::parse(&image).is_err() {
            return Err(InvalidImage { image });
        }
        let marker = format!("{namespace}:{name}");
        self.0.insert(format!("{marker}:tag"), latest.tag.clone());
        self.0.insert(format!("{marker}:name"), latest.name.clone());
        self.0.insert(format!("{marker}:digest"), digest.to_owned());
        self.0.insert(marker, image);
        Ok(())
    }

    /// Sets the marked scalars of a file; nothing if none changes.
    pub fn apply(&self, file: &str, text: &str) -> Option<(String, Vec<Change>)> {
        let (mut out, mut done, mut changes) = (String::with_capacity(text.len()), 0, Vec::new());
        for marked in line::marked(text).marked {
            let Some(value) = self.0.get(&marked.setter) else { continue };
            let Some(object) = object::identify(text, marked.range.start) else { continue };
            let old_value = marked.value(text);
            if old_value == *value {
                continue;
            }
            out.push_str(&text[done..marked.range.start]);
            out.push_str(&marked.replacement(text, value));
            done = marked.range.end;
            let Marked { setter, .. } = marked;
            let file = file.to_owned();
            changes.push(Change { file, object, old_value, new_value: value.clone(), setter });
        }
        if changes.is_empty() {
            return None;
        }
        out.push_str(&text[done..]);
        Some((out, changes))
    }
}

/// An automation's strategy is not one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unsupported update strategy: {0}")]
pub struct UnknownStrategy(pub String);

/// The folder below the root of the repository that is searched, empty for all of it. No path leads out.
pub fn searched_folder(update: &UpdateStrategy) -> Result<String, UnknownStrategy> {
    if let Some(strategy) = update.strategy.as_deref().filter(|strategy| *strategy != "Setters") {
        return Err(UnknownStrategy(strategy.to_owned()));
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in update.path.as_deref().unwrap_or_default().split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// Whether files of this name are searched for markers.
pub fn is_searched(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == "Kustomization" || name.ends_with(".yaml") || name.ends_with(".yml")
}

/// What is said of a push: the commit, where it went, and its message.
pub fn push_summary(revision: &str, branch: &str, refspecs: &[String], message: &str) -> String {
    let short: String = revision.chars().take(7).collect();
    let mut summary = format!("pushed commit '{short}' to branch '{branch}'");
    if !refspecs.is_empty() {
        summary += &format!(" and refspecs '{}'", refspecs.join("', '"));
    }
    summary + "\n" + message
}

#[cfg(test)]
mod tests {
    use reconciler_api::image_policy::ImageRef;

    use super::{InvalidImage, Setters};

    #[test]
    fn only_the_marked_scalar_changes() -> Result<(), InvalidImage> {
        let mut setters = Setters::default();
        let latest = ImageRef { name: "nginx".to_owned(), tag: "1.30".to_owned(), digest: None };
        setters.add("apps", "nginx", &latest)?;
        let text = "# head\n\nkind: X\r\nmetadata: {name: a}\nspec:\n      image:   'nginx:1.29'\t# {\"$imagepolicy\": \"apps:nginx\"}\n\n      tag: 1 # {\"$imagepolicy\": \"apps:nginx:tag\"}\n      note: |\n        tag: 1 # {\"$imagepolicy\": \"apps:nginx:tag\"}\n";
        let wanted = "# head\n\nkind: X\r\nmetadata: {name: a}\nspec:\n      image:   'nginx:1.30'\t# {\"$imagepolicy\": \"apps:nginx\"}\n\n      tag: \"1.30\" # {\"$imagepolicy\": \"apps:nginx:tag\"}\n      note: |\n        tag: 1 # {\"$imagepolicy\": \"apps:nginx:tag\"}\n";
        let changed = setters.apply("a.yaml", text);
        assert_eq!(changed.as_ref().map(|(text, changes)| (&**text, changes.len())), Some((wanted, 2)));
        assert_eq!(setters.apply("a.yaml", wanted), None);
        Ok(())
    }
}
