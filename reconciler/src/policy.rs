//! Policies in files: ValidatingAdmissionPolicies and, with the feature `rego`, modules in Rego.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use admission_policy::{Action, Objects, Operation, Policies, Request};
use reconciler_core::object;
use serde::Deserialize;
use serde_json::Value;

#[cfg(feature = "rego")]
mod rego;
#[cfg(not(feature = "rego"))]
#[path = "policy/without_rego.rs"]
mod rego;

pub use rego::ARGUMENT;
#[cfg(feature = "rego")]
pub use rego_policy::serve;

/// What a policy has against an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the policy.
    pub policy: String,
    /// Why, in the policy's words.
    pub message: String,
    /// The policy, what it does, and why.
    pub text: String,
    /// What follows.
    pub level: Level,
}

/// What follows from a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The object is refused.
    Denied,
    /// Who applies it is warned.
    Warning,
    /// It is noted for an audit.
    Note,
}

impl Finding {
    /// Whether the object is refused.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.level == Level::Denied
    }
}

/// An object that policies are asked about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The object as it will be.
    pub object: &'a Value,
    /// The object as it is, if it exists: policies are asked about a change then, otherwise about a new object.
    pub old: Option<&'a Value>,
}

impl<'a> Subject<'a> {
    fn request(&self, resource: &'a str) -> Request<'a> {
        let operation = if self.old.is_some() { Operation::Update } else { Operation::Create };
        Request { old_object: self.old, ..Request::new(operation, self.object, resource) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<admission_policy::Finding> for Finding {
    fn from(finding: admission_policy::Finding) -> Self {
        let has = |action| finding.actions.contains(&action);
        let level = match (has(Action::Deny), has(Action::Warn)) {
            (true, _) => Level::Denied,
            (false, true) => Level::Warning,
            (false, false) => Level::Note,
        };
        Finding { text: finding.to_string(), level, policy: finding.policy, message: finding.message }
    }
}

impl From<admission_policy::Annotation> for Finding {
    fn from(annotation: admission_policy::Annotation) -> Self {
        Finding {
            text: annotation.to_string(),
            level: Level::Note,
            policy: annotation.policy,
            message: format!("{}: {}", annotation.key, annotation.value),
        }
    }
}

/// What was read of files with policies.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// Policies, their bindings, and what they refer to.
    objects: Vec<Value>,
    /// Modules in Rego, with their paths.
    modules: Vec<(String, String)>,
}

impl Files {
    /// Whether a file can have policies, by its name. Tests of Rego modules have none.
    #[must_use]
    pub fn is_one(name: &str) -> bool {
        [".yaml", ".yml"].iter().any(|end| name.ends_with(end))
            || is_rego(name) && !name.ends_with("_test.rego")
    }

    /// Adds a file.
    ///
    /// # Errors
    /// It is no YAML, or Rego that is not supported here.
    pub fn add(&mut self, path: &str, text: &[u8]) -> Result<(), String> {
        if is_rego(path) {
            let text = String::from_utf8(text.to_vec()).map_err(|_| format!("{path} is not UTF-8"))?;
            rego::check_support(path)?;
            self.modules.push((path.to_owned(), text));
            return Ok(());
        }
        for document in serde_yaml::Deserializer::from_slice(text) {
            let value = Value::deserialize(document).map_err(|error| format!("{path}: {error}"))?;
            if rego::is_template(&value) {
                rego::check_support(path)?;
            }
            if !value.is_null() {
                self.objects.push(value);
            }
        }
        Ok(())
    }
}

fn is_rego(name: &str) -> bool {
    name.ends_with(".rego")
}

/// Policies that are asked about objects.
#[derive(Clone, Debug)]
pub struct PolicySet {
    objects: Vec<Value>,
    policies: Policies,
    rego: rego::Rego,
}

impl PolicySet {
    /// The policies in files. Modules in Rego are evaluated in processes of the program `evaluator`, called with
    /// [`ARGUMENT`].
    ///
    /// # Errors
    /// A policy cannot be read, or there is none.
    pub fn new(files: Files, evaluator: &Path) -> Result<Self, String> {
        let policies =
            Policies::of(&Objects::new(files.objects.iter().cloned())).map_err(|error| error.to_string())?;
        if let Some((binding, policy)) = policies.without_policy() {
            return Err(format!(
                "ValidatingAdmissionPolicyBinding '{binding}' names the ValidatingAdmissionPolicy '{policy}', which is in none of the files"
            ));
        }
        let rego = rego::Rego::new(files.modules, &files.objects, evaluator)?;
        if policies.is_empty() && rego.is_empty() {
            return Err("there is no ValidatingAdmissionPolicy with a ValidatingAdmissionPolicyBinding, and no policy in Rego"
                .to_owned());
        }
        Ok(PolicySet { objects: files.objects, policies, rego })
    }

    /// What the policies have against each of some objects, and what they note. Parameters and namespaces can be among
    /// `all`, the objects that belong together.
    ///
    /// # Errors
    /// A module in Rego has a mistake, fails, or exceeds its limits.
    pub fn check<'a>(
        &self,
        subjects: &[Subject<'_>],
        all: impl IntoIterator<Item = &'a Value>,
    ) -> Result<Vec<Vec<Finding>>, String> {
        let lookup = self.lookup(all);
        let resource = |Subject { object, .. }: &Subject<'_>| {
            lookup.resource(object::api_version(object), object::kind(object))
        };
        let resources: Vec<String> = subjects.iter().map(resource).collect();
        let requests: Vec<Request<'_>> =
            subjects.iter().zip(&resources).map(|(subject, resource)| subject.request(resource)).collect();
        let mut findings = self.rego.check(&requests, &lookup)?;
        for (request, findings) in requests.iter().zip(&mut findings) {
            let review = self.policies.review(request, &lookup);
            let found = review.findings.into_iter().map(Finding::from);
            findings.splice(0..0, found.chain(review.annotations.into_iter().map(Finding::from)));
        }
        Ok(findings)
    }

    /// The policies that select namespaces by labels, each with a namespace of some of these objects whose labels are not
    /// known: the Namespace is neither in the files of the policies nor among `all`. Whether such a policy is about these
    /// objects cannot be told.
    pub fn unknown_namespaces<'a>(
        &self,
        subjects: &[Subject<'_>],
        all: impl IntoIterator<Item = &'a Value>,
    ) -> BTreeSet<(String, String)> {
        let lookup = self.lookup(all);
        let mut unknown = BTreeSet::new();
        for subject in subjects {
            let resource = lookup.resource(object::api_version(subject.object), object::kind(subject.object));
            for policy in self.policies.without_namespace(&subject.request(&resource), &lookup) {
                unknown.insert((policy.to_owned(), object::namespace(subject.object).to_owned()));
            }
        }
        unknown
    }

    fn lookup<'a>(&self, all: impl IntoIterator<Item = &'a Value>) -> Objects {
        Objects::new(self.objects.iter().cloned().chain(all.into_iter().cloned()))
    }
}
