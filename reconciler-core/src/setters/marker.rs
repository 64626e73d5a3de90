//! Markers that set nothing, and why. Flux ignores them without a word.

use std::collections::BTreeSet;
use std::fmt;

use kustomize_core::closest;

use super::line::{self, Stray};

/// What follows the name of a policy in a marker.
const SUFFIXES: [&str; 3] = ["tag", "name", "digest"];
/// The most of a comment that is repeated, in characters.
const MOST_CHARACTERS: usize = 80;
/// How many policies are listed.
const MOST_LISTED: usize = 5;

/// What there is besides the policies of an automation's namespace.
#[derive(Debug, Clone, Default)]
pub struct Others {
    /// The namespaces of the cluster.
    pub namespaces: BTreeSet<String>,
    /// The policies, each with its namespace before it.
    pub policies: BTreeSet<(String, String)>,
    /// The namespaces that have automations.
    pub automated: BTreeSet<String>,
}

/// The policies that a marker can name.
#[derive(Debug, Clone, Default)]
pub struct PolicyNames {
    /// The namespace of the automation.
    pub namespace: String,
    /// The names of its policies.
    pub policies: BTreeSet<String>,
    /// Other namespaces, unless the automation must not know of them.
    pub others: Option<Others>,
}

/// Why a marker sets nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkerFault {
    /// The comment is not JSON, or is more than that.
    Form,
    /// There is no scalar beside it.
    NoValue,
    /// It does not name a namespace and a policy.
    Text,
    /// What follows the policy is none of the known suffixes.
    Suffix(String),
    /// There is no such policy.
    NoPolicy {
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
        /// The policies that the namespace has.
        known: Vec<String>,
    },
    /// The policy is in another namespace, which has no automation.
    NoAutomation(String),
}

impl fmt::Display for MarkerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MarkerFault::Form => {
                f.write_str(r#"the comment has to be {"$imagepolicy": "NAMESPACE:NAME"} and nothing else"#)
            }
            MarkerFault::NoValue => f.write_str(
                "a marker has to stand behind a value, on the same line and outside of { } and [ ]",
            ),
            MarkerFault::Text => {
                f.write_str("a marker has to be NAMESPACE:NAME, or that and one of :tag, :name and :digest")
            }
            MarkerFault::Suffix(suffix) => {
                write!(f, "{suffix:?} is not one of tag, name and digest")
            }
            MarkerFault::NoPolicy { namespace, name, known } => {
                write!(f, "there is no ImagePolicy {namespace}/{name}")?;
                match &**known {
                    [] => write!(f, ", and namespace {namespace} has no others"),
                    known => write!(f, "; namespace {namespace} has {}", listed(known)),
                }
            }
            MarkerFault::NoAutomation(namespace) => write!(
                f,
                "an ImageUpdateAutomation sets the markers of its own namespace only, and there is none in {namespace}"
            ),
        }
    }
}

fn listed(known: &[String]) -> String {
    let shown = known[..known.len().min(MOST_LISTED)].join(", ");
    match known.len().saturating_sub(MOST_LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A marker that sets nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredMarker {
    /// The path of the file.
    pub file: String,
    /// The number of the line, counted from 1.
    pub line: usize,
    /// The marker, or the comment that was meant as one.
    pub text: String,
    /// Why it sets nothing.
    pub fault: MarkerFault,
    /// The marker that was probably meant.
    pub closest: Option<String>,
}

impl fmt::Display for IgnoredMarker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let IgnoredMarker { file, line, text, fault, closest } = self;
        write!(f, "{file}:{line}: {text}: {fault}")?;
        match closest {
            Some(closest) => write!(f, "; did you mean {closest:?}?"),
            None => Ok(()),
        }
    }
}

impl PolicyNames {
    /// The markers of a file that set nothing, from top to bottom.
    #[must_use]
    pub fn ignored(&self, file: &str, text: &str) -> Vec<IgnoredMarker> {
        let found = line::marked(text);
        let strays = found.stray.into_iter().map(|stray| self.stray(file, stray));
        let wrong = found.marked.iter().filter_map(|marked| {
            let (fault, closest) = self.fault(&marked.setter)?;
            let text = format!("{:?}", shortened(&marked.setter));
            Some(IgnoredMarker { file: file.to_owned(), line: marked.line, text, fault, closest })
        });
        let mut ignored: Vec<IgnoredMarker> = strays.chain(wrong).collect();
        ignored.sort_by_key(|marker| marker.line);
        ignored
    }

    fn stray(&self, file: &str, stray: Stray) -> IgnoredMarker {
        let Stray { line, comment, setter } = stray;
        let fault = if setter.is_some() { MarkerFault::NoValue } else { MarkerFault::Form };
        IgnoredMarker { file: file.to_owned(), line, text: shortened(comment.trim()), fault, closest: None }
    }

    /// What is wrong with the text of a marker, and what it should probably be.
    fn fault(&self, setter: &str) -> Option<(MarkerFault, Option<String>)> {
        let own = &*self.namespace;
        let (namespace, name, suffix) = match *setter.splitn(3, ':').collect::<Vec<_>>() {
            [namespace, name] => (namespace, name, None),
            [namespace, name, suffix] => (namespace, name, Some(suffix)),
            _ => {
                let meant = self.policies.contains(setter).then(|| format!("{own}:{setter}"));
                return Some((MarkerFault::Text, meant));
            }
        };
        if namespace.is_empty() || name.is_empty() {
            return Some((MarkerFault::Text, None));
        }
        let with_suffix = |namespace: &str, name: &str| match suffix {
            Some(suffix) => format!("{namespace}:{name}:{suffix}"),
            None => format!("{namespace}:{name}"),
        };
        // The namespace was forgotten.
        if suffix.is_none()
            && SUFFIXES.contains(&name)
            && self.policies.contains(namespace)
            && namespace != own
        {
            return Some((MarkerFault::Text, Some(format!("{own}:{setter}"))));
        }
        if namespace == own && !self.policies.contains(name) {
            let meant = closest(name, self.policies.iter().map(String::as_str));
            return Some((self.missing(own, name), meant.map(|meant| with_suffix(own, meant))));
        }
        if namespace != own {
            return self.foreign(namespace, name).map(|(fault, meant)| {
                (fault, meant.map(|(namespace, name)| with_suffix(&namespace, &name)))
            });
        }
        let suffix = suffix.filter(|suffix| !SUFFIXES.contains(suffix))?;
        let meant = closest(suffix, SUFFIXES).map(|meant| format!("{namespace}:{name}:{meant}"));
        Some((MarkerFault::Suffix(shortened(suffix)), meant))
    }

    /// What is wrong with a marker of another namespace. One that the cluster does not have may be that of another
    /// cluster, whose files are in the same repository.
    fn foreign(&self, namespace: &str, name: &str) -> Option<(MarkerFault, Option<(String, String)>)> {
        let own = &*self.namespace;
        let is_close = closest(namespace, [own]).is_some();
        let Some(others) = &self.others else {
            let is_meant = is_close && self.policies.contains(name);
            return is_meant.then(|| (MarkerFault::Text, Some((own.to_owned(), name.to_owned()))));
        };
        if others.policies.contains(&(namespace.to_owned(), name.to_owned())) {
            let is_alone = !others.automated.contains(namespace);
            return is_alone.then(|| (MarkerFault::NoAutomation(namespace.to_owned()), None));
        }
        if !others.namespaces.contains(namespace) && !is_close {
            return None;
        }
        let there = others.policies.iter().filter(|(found, _)| found == namespace).map(|(_, name)| &**name);
        let meant = if self.policies.contains(name) {
            Some((own.to_owned(), name.to_owned()))
        } else {
            closest(name, there).map(|name| (namespace.to_owned(), name.to_owned()))
        };
        Some((self.missing(namespace, name), meant))
    }

    fn missing(&self, namespace: &str, name: &str) -> MarkerFault {
        let known = match &self.others {
            _ if namespace == self.namespace => self.policies.iter().cloned().collect(),
            Some(others) => {
                let there = others.policies.iter().filter(|(found, _)| found == namespace);
                there.map(|(_, name)| name.clone()).collect()
            }
            None => Vec::new(),
        };
        MarkerFault::NoPolicy { namespace: namespace.to_owned(), name: shortened(name), known }
    }
}

/// A text of a user at a length that fits into a message.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> PolicyNames {
        let set = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        let pair = |namespace: &str, name: &str| (namespace.to_owned(), name.to_owned());
        PolicyNames {
            namespace: "staging".to_owned(),
            policies: set(&["nginx", "redis"]),
            others: Some(Others {
                namespaces: set(&["default", "staging", "images", "apps"]),
                policies: [pair("staging", "nginx"), pair("images", "web"), pair("apps", "web")].into(),
                automated: set(&["staging", "apps"]),
            }),
        }
    }

    /// What is said of one line.
    fn said(names: &PolicyNames, line: &str) -> String {
        let found = names.ignored("a.yaml", &format!("kind: X\n{line}\n"));
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_marker_that_sets_nothing_is_explained() {
        let marker = |text: &str| said(&names(), &format!("tag: x # {{\"$imagepolicy\": \"{text}\"}}"));
        for (text, words) in [
            ("staging:nginx", ""),
            ("staging:redis:digest", ""),
            ("apps:web:tag", ""),
            // Of another cluster.
            ("production:nginx", ""),
            (
                "staging:ngnix:tag",
                "there is no ImagePolicy staging/ngnix; namespace staging has nginx, redis; did you mean \"staging:nginx:tag\"?",
            ),
            (
                "staging:nginx:tags",
                "\"tags\" is not one of tag, name and digest; did you mean \"staging:nginx:tag\"?",
            ),
            ("nginx", "or that and one of :tag, :name and :digest; did you mean \"staging:nginx\"?"),
            ("nginx:tag", "or that and one of :tag, :name and :digest; did you mean \"staging:nginx:tag\"?"),
            (
                "default:nginx",
                "there is no ImagePolicy default/nginx, and namespace default has no others; did you mean \"staging:nginx\"?",
            ),
            ("stagin:redis:tag", "did you mean \"staging:redis:tag\"?"),
            (
                "images:web",
                "an ImageUpdateAutomation sets the markers of its own namespace only, and there is none in images",
            ),
        ] {
            let found = marker(text);
            assert!(found.ends_with(words) && found.is_empty() == words.is_empty(), "{text}: {found}");
            assert!(found.is_empty() || found.starts_with(&format!("a.yaml:2: \"{text}\": ")), "{found}");
        }
    }

    #[test]
    fn a_comment_that_was_meant_as_a_marker_is_explained() {
        for (line, words) in [
            ("tag: x # {'$imagepolicy': 'staging:nginx'}", "the comment has to be"),
            ("tag: x # {$imagepolicy: staging:nginx}", "the comment has to be"),
            ("tag: x # {\"imagepolicy\": \"staging:nginx\"}", "the comment has to be"),
            ("tag: x # see {\"$imagepolicy\": \"staging:nginx\"}", "the comment has to be"),
            ("# {\"$imagepolicy\": \"staging:nginx\"}", "a marker has to stand behind a value"),
            ("c: {image: x} # {\"$imagepolicy\": \"staging:nginx\"}", "a marker has to stand behind a value"),
            ("image: # {\"$imagepolicy\": \"staging:nginx\"}", "a marker has to stand behind a value"),
            // Remarks, and what was commented out.
            ("# The $imagepolicy is that of staging.", ""),
            ("#- image: x # {\"$imagepolicy\": \"staging:nope\"}", ""),
            ("note: |\n  tag: x # {\"$imagepolicy\": \"staging:nope\"}", ""),
            ("tag: x # the image policy", ""),
        ] {
            let found = said(&names(), line);
            assert!(found.contains(words) && found.is_empty() == words.is_empty(), "{line}: {found}");
        }
    }

    #[test]
    fn nothing_is_said_of_namespaces_that_must_not_be_known() {
        let strict = PolicyNames { others: None, ..names() };
        let marker = |text: &str| said(&strict, &format!("tag: x # {{\"$imagepolicy\": \"{text}\"}}"));
        assert_eq!(marker("images:web"), "");
        assert_eq!(marker("default:nginx"), "");
        assert!(marker("stagin:nginx").ends_with("did you mean \"staging:nginx\"?"));
    }
}
