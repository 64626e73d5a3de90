//! Titles and bodies of pull requests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use reconciler_api::image_policy::{ImagePolicySpec, ImageRef};
use sha2::{Digest, Sha256};

use crate::setters::Change;

/// The most bytes of a body: GitHub takes 65,536 characters.
const LONGEST: usize = 60_000;
/// How much of that the table may take.
const LONGEST_TABLE: usize = LONGEST / 2;
/// The most characters of a title that every forge takes.
const LONGEST_TITLE: usize = 250;
/// What the comment starts with that says who opened a pull request.
const MARK: &str = "<!-- image-update-automation: ";
/// What the comment with the digest of an update starts with.
const DIGEST: &str = "<!-- image-update: ";

/// How a kustomization renders with an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendering {
    /// What it is called.
    pub name: String,
    /// What is different by resource, in the form of a diff, or why it does not render.
    pub difference: Result<String, String>,
}

/// The mark of everything that an automation opened: a comment in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(String);

impl Mark {
    /// The mark of an automation that updates a folder. Automations of other clusters may have the same name.
    pub fn new(namespace: &str, name: &str, folder: &str) -> Self {
        let folder = hex(&Sha256::digest(folder));
        Self(format!("{MARK}{namespace}/{name} {} -->", folder.get(..8).unwrap_or_default()))
    }

    /// Whether a body has the mark of any automation.
    pub(super) fn is_in(body: &str) -> bool {
        body.contains(MARK)
    }

    /// Whether a body has this mark.
    pub(super) fn marks(&self, body: &str) -> bool {
        body.contains(&self.0)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The mark of an update in a body.
pub(super) fn digest_mark(digest: &str) -> String {
    format!("{DIGEST}{digest} -->")
}

/// Identifies an update by the files that it writes. The commit below it does not count.
pub fn digest<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hash = Sha256::new();
    for (path, content) in files {
        for part in [path.as_bytes(), content] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The body of a pull request that is closed because its update is no longer wanted. The same update may be
/// proposed again later.
pub fn without_digest(body: &str) -> String {
    let kept: Vec<&str> = body.lines().filter(|line| !line.starts_with(DIGEST)).collect();
    format!("**Closed: this update is no longer wanted.**\n\n{}\n", kept.join("\n"))
}

/// An update, as a pull request describes it.
pub struct Update<'a> {
    /// The namespace and name of the automation.
    pub automation: (&'a str, &'a str),
    /// The folder that files are named from.
    pub folder: &'a str,
    /// What each policy picked.
    pub latest: &'a BTreeMap<String, ImageRef>,
    /// The policies.
    pub policies: &'a BTreeMap<String, ImagePolicySpec>,
    /// The values that change.
    pub changes: &'a [Change],
}

impl Update<'_> {
    /// A title that names the images with their tags.
    pub fn title(&self) -> String {
        let changed: BTreeSet<&str> = self.changes.iter().map(|change| policy_of(&change.setter)).collect();
        let images: BTreeSet<String> = changed
            .iter()
            .filter_map(|name| self.latest.get(*name))
            .map(|image| format!("{} to {}", image.name.rsplit('/').next().unwrap_or(&image.name), image.tag))
            .collect();
        let all: Vec<String> = images.into_iter().collect();
        let title = match &*all {
            [] => "Update images".to_owned(),
            [one] => format!("Update {one}"),
            [first, second] => format!("Update {first} and {second}"),
            _ => format!("Update {} images", all.len()),
        };
        title.chars().take(LONGEST_TITLE).collect()
    }

    /// The body: old and new values with their policies, what is different in the rendered resources, and marks
    /// by which the pull request is found again.
    pub fn body(&self, mark: &Mark, digest: &str, renderings: &[Rendering]) -> String {
        let (namespace, name) = self.automation;
        let end = format!("\n{mark}\n{}\n", digest_mark(digest));
        let mut text = format!("The ImageUpdateAutomation `{namespace}/{name}` found newer images.\n\n");
        self.table(&mut text);
        let most = LONGEST - end.len();
        for rendering in renderings {
            let (words, difference) = match &rendering.difference {
                Ok(difference) if difference.is_empty() => continue,
                Ok(difference) => ("changes:", difference),
                Err(error) => ("does not render with this update:", error),
            };
            let heading = format!("\n{} {words}\n\n", code(&rendering.name));
            // Fences and the words about what is left out need room, too.
            let room = most.saturating_sub(text.len() + heading.len() + 200);
            let Some(block) = block(difference, room) else {
                text += "\nThe differences of more kustomizations are left out.\n";
                break;
            };
            text += &heading;
            text += &block;
        }
        text + &end
    }

    fn table(&self, text: &mut String) {
        text.push_str("| Image | Update | File | Policy |\n|---|---|---|---|\n");
        for (number, change) in self.changes.iter().enumerate() {
            let policy = policy_of(&change.setter);
            let image = self.latest.get(policy).map_or("", |image| &*image.name);
            let file = format!("{}/{}", self.folder, change.file);
            let rule = self.policies.get(policy).map(|policy| format!(": {}", cell(&rule(policy))));
            let row = format!(
                "| {} | {} → {} | {} | {}{} |\n",
                cell(image),
                cell(&change.old_value),
                cell(&change.new_value),
                cell(file.trim_start_matches('/')),
                cell(policy),
                rule.unwrap_or_default(),
            );
            if text.len() + row.len() > LONGEST_TABLE {
                text.push_str(&format!("\n{} more values change.\n", self.changes.len() - number));
                break;
            }
            text.push_str(&row);
        }
    }
}

/// The policy that a marker names.
fn policy_of(setter: &str) -> &str {
    setter.split(':').nth(1).unwrap_or(setter)
}

/// How a policy picks.
fn rule(spec: &ImagePolicySpec) -> String {
    let choice = &spec.policy;
    let order = |name: &str, order: &Option<String>| format!("{name} {}", order.as_deref().unwrap_or("asc"));
    let rule = match (&choice.semver, &choice.alphabetical, &choice.numerical) {
        (Some(semver), ..) => format!("semver {}", semver.range),
        (_, Some(policy), _) => order("alphabetical", &policy.order),
        (.., Some(policy)) => order("numerical", &policy.order),
        _ => String::new(),
    };
    match spec.filter_tags.as_ref().and_then(|filter| filter.pattern.as_deref()) {
        Some(pattern) => format!("{rule}, of tags like {pattern}"),
        None => rule,
    }
}

/// Text as code within a line.
fn code(text: &str) -> String {
    let plain: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    format!("`{}`", plain.replace('`', "'"))
}

/// A value in a cell of a table.
fn cell(text: &str) -> String {
    if text.is_empty() { "nothing".to_owned() } else { code(text).replace('|', "\\|") }
}

/// A text as a block of code, as many lines of it as there is room for; nothing if there is none.
fn block(text: &str, room: usize) -> Option<String> {
    let mut end = text.len();
    if end > room {
        let start = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= room).last()?;
        end = text[..start].rfind('\n')?;
    }
    let kept = text[..end].trim_end();
    let longest = kept.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let rest = if end < text.len() { "\nMore of this is left out.\n" } else { "" };
    Some(format!("{fence}diff\n{kept}\n{fence}\n{rest}"))
}

#[cfg(test)]
mod tests {
    use reconciler_api::image_policy::{PolicyChoice, SemverPolicy};
    use reconciler_api::reference::NamespacedReference;

    use super::*;
    use crate::setters::ObjectIdentifier;

    fn change(setter: &str, old: &str, new: &str) -> Change {
        Change {
            file: "kustomization.yaml".to_owned(),
            object: ObjectIdentifier::default(),
            old_value: old.to_owned(),
            new_value: new.to_owned(),
            setter: setter.to_owned(),
        }
    }

    fn latest(images: &[(&str, &str, &str)]) -> BTreeMap<String, ImageRef> {
        let image =
            |name: &str, tag: &str| ImageRef { name: name.to_owned(), tag: tag.to_owned(), digest: None };
        images.iter().map(|(policy, name, tag)| ((*policy).to_owned(), image(name, tag))).collect()
    }

    fn policies(names: &[&str]) -> BTreeMap<String, ImagePolicySpec> {
        let spec = ImagePolicySpec {
            image_repository_ref: NamespacedReference { name: "image".to_owned(), namespace: None },
            policy: PolicyChoice {
                semver: Some(SemverPolicy { range: ">=1 || 2".to_owned() }),
                ..PolicyChoice::default()
            },
            filter_tags: None,
            digest_reflection_policy: None,
            interval: None,
            suspend: false,
        };
        names.iter().map(|name| ((*name).to_owned(), spec.clone())).collect()
    }

    #[test]
    fn titles_name_the_images() {
        let latest = latest(&[("a", "ghcr.io/org/web", "1.2"), ("b", "nginx", "1.30"), ("c", "redis", "8")]);
        let changes = [
            change("ns:a", "1", "2"),
            change("ns:a:tag", "1", "2"),
            change("ns:b:tag", "1", "2"),
            change("ns:c", "7", "8"),
        ];
        let title = |count: usize| {
            let (changes, policies) = (&changes[..count], &BTreeMap::new());
            Update { automation: ("ns", "a"), folder: "", latest: &latest, policies, changes }.title()
        };
        assert_eq!(title(2), "Update web to 1.2");
        assert_eq!(title(3), "Update nginx to 1.30 and web to 1.2");
        assert_eq!(title(4), "Update 3 images");
    }

    #[test]
    fn bodies_show_values_differences_and_policies() {
        let update = Update {
            automation: ("staging", "web"),
            folder: "apps/staging",
            latest: &latest(&[("nginx-policy", "nginx", "1.30.0")]),
            policies: &policies(&["nginx-policy"]),
            changes: &[change("staging:nginx-policy:tag", "1.20.0", "1.30.0")],
        };
        let rendering = |name: &str, difference: Result<&str, &str>| Rendering {
            name: name.to_owned(),
            difference: difference.map(str::to_owned).map_err(str::to_owned),
        };
        let renderings = [
            rendering("flux-system/staging", Ok("@@ changed Deployment nginx @@\n```\n")),
            rendering("flux-system/same", Ok("")),
            rendering("flux-system/broken", Err("a.yaml:3: no")),
        ];
        let mark = Mark::new("staging", "web", "apps/staging");
        let body = update.body(&mark, "d1", &renderings);
        let expected = "The ImageUpdateAutomation `staging/web` found newer images.

| Image | Update | File | Policy |
|---|---|---|---|
| `nginx` | `1.20.0` → `1.30.0` | `apps/staging/kustomization.yaml` | `nginx-policy`: `semver >=1 \\|\\| 2` |

`flux-system/staging` changes:

````diff
@@ changed Deployment nginx @@
```
````

`flux-system/broken` does not render with this update:

```diff
a.yaml:3: no
```
";
        assert_eq!(body, format!("{expected}\n{mark}\n<!-- image-update: d1 -->\n"));
        let closed = without_digest(&body);
        assert!(!closed.contains("d1") && mark.marks(&closed));
    }

    #[test]
    fn bodies_are_short_enough_and_tables_stay_whole() {
        let changes = vec![change("ns:a|b", "`x`\n|", ""); 2_000];
        let (latest, policies) = (BTreeMap::new(), BTreeMap::new());
        let update = Update {
            automation: ("ns", "a"),
            folder: "",
            latest: &latest,
            policies: &policies,
            changes: &changes,
        };
        let long = || Rendering { name: "a".to_owned(), difference: Ok("→ line\n".repeat(LONGEST)) };
        let body = update.body(&Mark::new("ns", "a", ""), "d", &[long(), long()]);
        assert!(body.len() > LONGEST - 1_000 && body.len() <= LONGEST, "{}", body.len());
        assert!(body.ends_with("-->\n<!-- image-update: d -->\n"));
        for words in ["more values change", "\n```\n\nMore of this is left out.", "more kustomizations"] {
            assert!(body.contains(words), "{words}");
        }
        assert!(body.contains("| nothing | `'x' \\|` → nothing | `kustomization.yaml` | `a\\|b` |\n"));
        let line = Rendering { name: "a".to_owned(), difference: Ok("x".repeat(LONGEST)) };
        let body = update.body(&Mark::new("ns", "a", ""), "d", &[line]);
        assert!(body.len() < LONGEST && body.contains("more kustomizations are left out"));
    }

    #[test]
    fn digests_tell_updates_apart() {
        let of = |path: &str, content: &str| digest([(path, content.as_bytes())]);
        assert_eq!(of("a", "b").len(), 64);
        assert_eq!(of("a", "b"), of("a", "b"));
        assert_ne!(of("a", "bc"), of("ab", "c"));
    }
}
