//! Gatekeeper's ConstraintTemplates and constraints.

use admission_policy::{Action, Lookup, Request, Selector};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;
use crate::program::{Module, Program};

/// The group of constraints.
const CONSTRAINTS: &str = "constraints.gatekeeper.sh/";
/// The group of templates.
const TEMPLATES: &str = "templates.gatekeeper.sh/";

/// A constraint, with the program of its template.
#[derive(Clone, Debug)]
pub(crate) struct Constraint {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) action: Action,
    parameters: Value,
    matches: Match,
}

#[derive(Deserialize)]
struct TemplateSpec {
    crd: Crd,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Crd {
    spec: CrdSpec,
}

#[derive(Deserialize)]
struct CrdSpec {
    names: Names,
}

#[derive(Deserialize)]
struct Names {
    kind: String,
}

#[derive(Deserialize)]
struct Target {
    #[serde(default)]
    rego: String,
    #[serde(default)]
    libs: Vec<String>,
    #[serde(default)]
    code: Vec<Code>,
}

#[derive(Deserialize)]
struct Code {
    engine: String,
    #[serde(default)]
    source: Value,
}

#[derive(Deserialize)]
struct Source {
    rego: String,
    #[serde(default)]
    libs: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConstraintSpec {
    #[serde(default)]
    enforcement_action: Option<String>,
    #[serde(default, rename = "match")]
    matches: Match,
    #[serde(default)]
    parameters: Value,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Match {
    #[serde(default)]
    kinds: Vec<Kinds>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    namespaces: Vec<String>,
    #[serde(default)]
    excluded_namespaces: Vec<String>,
    #[serde(default)]
    label_selector: Option<Selector>,
    #[serde(default)]
    namespace_selector: Option<Selector>,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Kinds {
    #[serde(default)]
    api_groups: Vec<String>,
    #[serde(default)]
    kinds: Vec<String>,
}

/// The programs of templates, each with its constraints.
pub(crate) fn read(objects: &[Value]) -> Result<Vec<(Program, Vec<Constraint>)>, Error> {
    let is_of = |object: &&Value, group: &str| {
        object["apiVersion"].as_str().is_some_and(|version| version.starts_with(group))
    };
    let mut found = Vec::new();
    let mut kinds = Vec::new();
    for object in objects.iter().filter(|object| is_of(object, TEMPLATES)) {
        let (kind, program) = template(object).map_err(|reason| failure(object, &reason))?;
        kinds.push(kind);
        found.push((program, Vec::new()));
    }
    for object in objects.iter().filter(|object| is_of(object, CONSTRAINTS)) {
        let kind = object["kind"].as_str().unwrap_or_default();
        let index = kinds.iter().position(|known| known == kind);
        let index = index.ok_or_else(|| failure(object, "there is no ConstraintTemplate of this kind"))?;
        let constraint = constraint(object, kind).map_err(|reason| failure(object, &reason))?;
        if let Some((_, constraints)) = found.get_mut(index) {
            constraints.push(constraint);
        }
    }
    Ok(found)
}

fn failure(object: &Value, reason: &str) -> Error {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Error(format!("{} {:?}: {reason}", text(&object["kind"]), text(&object["metadata"]["name"])))
}

/// The kind of the constraints of a template, and its program.
fn template(object: &Value) -> Result<(String, Program), String> {
    let spec = TemplateSpec::deserialize(&object["spec"]).map_err(|error| format!("spec: {error}"))?;
    let [target] = spec.targets.as_slice() else {
        return Err("spec.targets must have one entry".to_owned());
    };
    let rego = target.code.iter().find(|code| code.engine == "Rego");
    let source = match (rego, target.code.first()) {
        (Some(code), _) => {
            Source::deserialize(&code.source).map_err(|error| format!("spec.targets[0].code: {error}"))?
        }
        (None, Some(code)) => {
            return Err(format!("the engine {} is not supported: write it in Rego", code.engine));
        }
        (None, None) => Source { rego: target.rego.clone(), libs: target.libs.clone() },
    };
    if source.rego.trim().is_empty() {
        return Err("spec.targets[0].rego is empty".to_owned());
    }
    let texts = || source.libs.iter().chain([&source.rego]);
    if texts().any(|text| text.contains("data.inventory")) {
        return Err("it uses data.inventory, the objects of the cluster, which are not known here".to_owned());
    }
    let kind = spec.crd.spec.names.kind;
    let entry = format!("ConstraintTemplate {kind}");
    let libs = source.libs.iter().enumerate();
    let libs =
        libs.map(|(index, text)| Module { path: format!("{entry} libs[{index}]"), text: text.clone() });
    let modules =
        [Module { path: entry.clone(), text: source.rego.clone() }].into_iter().chain(libs).collect();
    Ok((kind, Program { modules, entry: Some(entry) }))
}

fn constraint(object: &Value, kind: &str) -> Result<Constraint, String> {
    let spec = object.get("spec").cloned().unwrap_or_else(|| json!({}));
    let spec = ConstraintSpec::deserialize(spec).map_err(|error| format!("spec: {error}"))?;
    let action = match spec.enforcement_action.as_deref() {
        None | Some("" | "deny") => Action::Deny,
        Some("warn") => Action::Warn,
        Some("dryrun") => Action::Audit,
        Some(other) => return Err(format!("spec.enforcementAction: {other:?} is not supported")),
    };
    if let Some(other) =
        spec.matches.scope.as_deref().filter(|scope| !matches!(*scope, "*" | "Cluster" | "Namespaced"))
    {
        return Err(format!("spec.match.scope: {other:?} is none of *, Cluster and Namespaced"));
    }
    // Rules can always look at parameters.
    let parameters = if spec.parameters.is_null() { json!({}) } else { spec.parameters };
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    Ok(Constraint { kind: kind.to_owned(), name, action, parameters, matches: spec.matches })
}

impl Constraint {
    /// Whether the constraint is about an object.
    pub(crate) fn matches(&self, request: &Request<'_>, lookup: &impl Lookup) -> bool {
        let Match { kinds, scope, namespaces, excluded_namespaces, label_selector, namespace_selector, name } =
            &self.matches;
        let has = |list: &[String], wanted: &str| list.iter().any(|one| one == "*" || one == wanted);
        let is_namespace = request.group().is_empty() && request.kind() == "Namespace";
        let namespace = if is_namespace { request.name() } else { request.namespace() };
        let is_one_of = |list: &[String]| list.iter().any(|pattern| is_like(pattern, namespace));
        let is_listed = kinds.is_empty()
            || kinds.iter().any(|wanted| {
                (wanted.api_groups.is_empty() || has(&wanted.api_groups, request.group()))
                    && (wanted.kinds.is_empty() || has(&wanted.kinds, request.kind()))
            });
        let scope = match scope.as_deref() {
            Some("Cluster") => request.namespace().is_empty(),
            Some("Namespaced") => !request.namespace().is_empty(),
            _ => true,
        };
        // What is in no namespace is always meant.
        is_listed
            && scope
            && (namespace.is_empty() || namespaces.is_empty() || is_one_of(namespaces))
            && (namespace.is_empty() || !is_one_of(excluded_namespaces))
            && name.as_ref().is_none_or(|pattern| is_like(pattern, request.name()))
            && label_selector
                .as_ref()
                .is_none_or(|wanted| request.object.is_some_and(|object| wanted.matches(object)))
            && namespace_selector.as_ref().is_none_or(|wanted| wanted.matches_namespace(request, lookup))
    }

    /// The input of the rules.
    pub(crate) fn input(&self, request: &Request<'_>) -> Value {
        let mut review = request.to_value();
        review["object"] = request.object.cloned().unwrap_or_default();
        review["oldObject"] = request.old_object.cloned().unwrap_or_default();
        json!({"review": review, "parameters": self.parameters})
    }
}

/// Whether a name is like a pattern, which may start and end with `*`.
fn is_like(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(""), _) => true,
        (Some(rest), Some(_)) => name.contains(rest.trim_end_matches('*')),
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
    }
}
