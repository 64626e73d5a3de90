//! Nobody grants rights that they do not have.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping>.

use std::collections::HashSet;

use serde_json::Value;

use crate::access::{self, RBAC, User};
use crate::call::Call;
use crate::request::Target;
use crate::state::State;
use crate::status::{ApiError, FieldError, Subject};

/// How many single rights of a role are looked at. Roles that people write have a few dozen.
const MOST: usize = 20_000;
/// How often a single right is compared with a rule that the author holds.
const MOST_COMPARISONS: usize = 1_000_000;
/// The longest word of a rule that is compared, in bytes. Names in Kubernetes have at most 253.
const LONGEST: usize = 512;
/// How many missing rights a message has, and how many characters of each word.
const SHOWN: usize = 20;
const SHOWN_OF_WORD: usize = 100;

/// A single right of a role, without its verb.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Right<'a> {
    Resource { group: &'a str, resource: &'a str, name: Option<&'a str> },
    Url(&'a str),
}

/// The words of a rule that the author of a role holds.
struct Held<'a> {
    verbs: HashSet<&'a str>,
    groups: HashSet<&'a str>,
    resources: HashSet<&'a str>,
    names: HashSet<&'a str>,
    urls: Vec<&'a str>,
}

/// Refuses a role, or a binding to a role, with rights that its author does not have.
pub(crate) fn check(call: &Call<'_>, value: &Value) -> Result<(), ApiError> {
    let kind = call.kind;
    if kind.group != RBAC {
        return Ok(());
    }
    check_urls(call, value)?;
    if access::is_admin(call.user) {
        return Ok(());
    }
    let namespace = &*call.target.namespace;
    let name = value["metadata"]["name"].as_str().unwrap_or_default();
    let is_binding = kind.plural.ends_with("bindings");
    let (verb, role, rules) = if is_binding {
        let reference = &value["roleRef"];
        let role = reference["name"].as_str().unwrap_or_default();
        let resource = if reference["kind"] == "ClusterRole" { "clusterroles" } else { "roles" };
        let rules = access::role_rules(call.state, reference, namespace);
        let subject = Subject { group: RBAC, resource, kind: "", name: role };
        ("bind", (resource, role), rules.ok_or_else(|| ApiError::not_found(subject))?)
    } else {
        let rules = value["rules"].as_array().cloned().unwrap_or_default();
        ("escalate", (&*kind.plural, name), rules)
    };
    let target = Target {
        group: RBAC.to_owned(),
        version: "v1".to_owned(),
        resource: role.0.to_owned(),
        namespace: namespace.to_owned(),
        name: role.1.to_owned(),
        subresource: String::new(),
    };
    if access::allows(call.state, call.user, verb, &target) {
        return Ok(());
    }
    let missing = missing(call.state, call.user, namespace, &rules);
    if missing.is_empty() {
        return Ok(());
    }
    let User { name: user, groups } = call.user;
    let groups: Vec<String> = groups.iter().map(|group| format!("{group:?}")).collect();
    let detail = format!(
        "user {user:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        groups.join(" "),
        missing.join("\n")
    );
    let subject = Subject { group: RBAC, resource: &kind.plural, kind: "", name };
    Err(ApiError::forbidden(subject, &detail))
}

/// Refuses rules for URLs where they would apply to resources as well, or only in a namespace.
fn check_urls(call: &Call<'_>, value: &Value) -> Result<(), ApiError> {
    let mut errors = Vec::new();
    for (index, rule) in value["rules"].as_array().into_iter().flatten().enumerate() {
        if !access::is_for_urls(rule) {
            continue;
        }
        let mut wrong = |detail: &str| {
            let field = format!("rules[{index}].nonResourceURLs");
            errors.push(FieldError::invalid(field, &rule["nonResourceURLs"], detail));
        };
        if call.kind.namespaced {
            wrong("namespaced rules cannot apply to non-resource URLs");
        }
        let fields = ["apiGroups", "resources", "resourceNames"];
        if fields.iter().any(|field| access::texts(rule.get(field)).next().is_some()) {
            wrong("rules cannot apply to both regular resources and non-resource URLs");
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    let name = value["metadata"]["name"].as_str().unwrap_or_default();
    Err(ApiError::invalid(call.kind.subject(name), &errors))
}

/// The rights in the rules that the user does not have, as Kubernetes prints them.
fn missing(state: &State, user: &User, namespace: &str, rules: &[Value]) -> Vec<String> {
    let held = access::rules(state, user, namespace);
    let held: Vec<Held<'_>> = held.iter().map(Held::new).collect();
    let cost_of_right: usize = held.iter().map(|rule| 1 + rule.urls.len()).sum();
    let (mut missing, mut count) = (Vec::new(), 0_usize);
    for rule in rules {
        let words = |field: &str| access::texts(rule.get(field)).collect::<Vec<_>>();
        let (groups, resources, names) = (words("apiGroups"), words("resources"), words("resourceNames"));
        let (urls, verbs) = (words("nonResourceURLs"), words("verbs"));
        if [&groups, &resources, &names, &urls, &verbs].into_iter().flatten().any(|word| word.len() > LONGEST)
        {
            return vec![format!("a word of more than {LONGEST} bytes, which is too long to compare")];
        }
        let of_rule = if urls.is_empty() {
            groups.len().saturating_mul(resources.len()).saturating_mul(names.len().max(1))
        } else {
            urls.len()
        };
        count = count.saturating_add(of_rule.saturating_mul(verbs.len().max(1)));
        if count > MOST {
            return vec![format!("more than {MOST} single rights, which are too many to compare")];
        }
        if count.saturating_mul(cost_of_right) > MOST_COMPARISONS {
            return vec![format!(
                "single rights that take more than {MOST_COMPARISONS} comparisons with the rules that the user has, \
                 which are too many"
            )];
        }
        let names: Vec<Option<&str>> =
            if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
        let rights: Vec<Right<'_>> = if urls.is_empty() {
            let pairs =
                groups.iter().flat_map(|group| resources.iter().map(move |resource| (group, resource)));
            pairs
                .flat_map(|(group, resource)| {
                    names.iter().map(move |&name| Right::Resource { group, resource, name })
                })
                .collect()
        } else {
            urls.into_iter().map(Right::Url).collect()
        };
        for right in rights {
            let lacks = |verb: &&str| !held.iter().any(|rule| rule.has(&right, verb));
            let verbs: Vec<&str> = verbs.iter().copied().filter(lacks).collect();
            if !verbs.is_empty() {
                missing.push((right, verbs));
            }
        }
    }
    missing.sort();
    let more = missing.len().saturating_sub(SHOWN);
    let mut texts: Vec<String> =
        missing.iter().take(SHOWN).map(|(right, verbs)| text_of(right, verbs)).collect();
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    texts
}

/// A right as Kubernetes prints it, with long words cut.
fn text_of(right: &Right<'_>, verbs: &[&str]) -> String {
    let cut = |word: &str| match word.char_indices().nth(SHOWN_OF_WORD) {
        Some((end, _)) => format!("{:?}", format!("{}…", &word[..end])),
        None => format!("{word:?}"),
    };
    let mut fields = match right {
        Right::Url(url) => vec![("NonResourceURLs", cut(url))],
        Right::Resource { group, resource, name } => {
            let name = name.map(|name| ("ResourceNames", cut(name)));
            [("APIGroups", cut(group)), ("Resources", cut(resource))].into_iter().chain(name).collect()
        }
    };
    let verbs: Vec<String> = verbs.iter().take(SHOWN).map(|verb| cut(verb)).collect();
    fields.push(("Verbs", verbs.join(" ")));
    let fields: Vec<String> = fields.iter().map(|(title, words)| format!("{title}:[{words}]")).collect();
    format!("{{{}}}", fields.join(", "))
}

impl<'a> Held<'a> {
    fn new(rule: &'a Value) -> Held<'a> {
        let words = |field: &str| access::texts(rule.get(field)).collect();
        let urls: Vec<&str> = access::texts(rule.get("nonResourceURLs")).collect();
        Held {
            verbs: words("verbs"),
            groups: words("apiGroups"),
            resources: words("resources"),
            names: words("resourceNames"),
            urls,
        }
    }

    /// Whether the rule grants a single right.
    fn has(&self, right: &Right<'_>, verb: &str) -> bool {
        let includes = |words: &HashSet<&str>, word: &str| words.contains("*") || words.contains(word);
        if !includes(&self.verbs, verb) {
            return false;
        }
        match *right {
            Right::Url(wanted) => self.urls.iter().any(|held| {
                *held == wanted || held.strip_suffix('*').is_some_and(|start| wanted.starts_with(start))
            }),
            Right::Resource { group, resource, name } => {
                let below = resource.split_once('/').map(|(_, below)| format!("*/{below}"));
                self.urls.is_empty()
                    && includes(&self.groups, group)
                    && (includes(&self.resources, resource)
                        || below.is_some_and(|below| self.resources.contains(&*below)))
                    && (self.names.is_empty() || name.is_some_and(|name| self.names.contains(name)))
            }
        }
    }
}
