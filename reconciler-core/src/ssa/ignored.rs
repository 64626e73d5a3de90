//! Fields that a Kustomization leaves to others: `spec.ignore`.

use reconciler_api::kustomization::IgnoreRule;
use regex::Regex;
use serde_json::Value;

use crate::go;
use crate::object;

/// Rules for fields to leave to others.
#[derive(Clone, Debug, Default)]
pub struct IgnoredFields(Vec<Rule>);

/// A field of an object.
type Field = fn(&Value) -> &str;

#[derive(Clone, Debug)]
struct Rule {
    paths: Vec<String>,
    patterns: Vec<(Field, Regex)>,
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
}

/// One requirement of a selector of labels.
#[derive(Clone, Debug)]
enum Requirement {
    Exists(String),
    Absent(String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
}

impl IgnoredFields {
    /// Reads the rules of a Kustomization.
    ///
    /// # Errors
    /// A pattern or selector that cannot be read.
    pub fn compile(rules: &[IgnoreRule]) -> Result<Self, String> {
        rules.iter().map(Rule::compile).collect::<Result<_, _>>().map(IgnoredFields)
    }

    /// The JSON pointers of the fields of an object that are left to others.
    #[must_use]
    pub fn of(&self, object: &Value) -> Vec<&str> {
        let rules = self.0.iter().filter(|rule| rule.matches(object));
        rules.flat_map(|rule| rule.paths.iter().map(String::as_str)).collect()
    }
}

fn version(object: &Value) -> &str {
    let version = object::api_version(object);
    version.split_once('/').map_or(version, |(_, version)| version)
}

impl Rule {
    fn compile(rule: &IgnoreRule) -> Result<Self, String> {
        let target = rule.target.clone().unwrap_or_default();
        let wanted: [(Field, &Option<String>); 5] = [
            (object::group, &target.group),
            (version, &target.version),
            (object::kind, &target.kind),
            (object::name, &target.name),
            (object::namespace, &target.namespace),
        ];
        let mut patterns = Vec::new();
        for (field, pattern) in wanted {
            let Some(pattern) = pattern.as_deref().filter(|pattern| !pattern.is_empty()) else { continue };
            let pattern = go::compile(&format!("^(?:{pattern})$")).map_err(|failure| failure.to_string())?;
            patterns.push((field, pattern));
        }
        Ok(Rule {
            paths: rule.paths.clone(),
            patterns,
            labels: requirements(target.label_selector.as_deref().unwrap_or_default())?,
            annotations: requirements(target.annotation_selector.as_deref().unwrap_or_default())?,
        })
    }

    fn matches(&self, object: &Value) -> bool {
        let all = |requirements: &[Requirement], value: &dyn Fn(&str) -> Option<String>| {
            requirements.iter().all(|requirement| requirement.holds(value))
        };
        self.patterns.iter().all(|(field, pattern)| pattern.is_match(field(object)))
            && all(&self.labels, &|key| object::label(object, key).map(str::to_owned))
            && all(&self.annotations, &|key| object::annotation(object, key).map(str::to_owned))
    }
}

impl Requirement {
    fn holds(&self, value: &dyn Fn(&str) -> Option<String>) -> bool {
        match self {
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Absent(key) => value(key).is_none(),
            Requirement::In(key, values) => value(key).is_some_and(|value| values.contains(&value)),
            Requirement::NotIn(key, values) => value(key).is_none_or(|value| !values.contains(&value)),
        }
    }
}

/// Reads a selector like `a=b,c!=d,e,!f,g in (h, i)`.
fn requirements(text: &str) -> Result<Vec<Requirement>, String> {
    let mut requirements = Vec::new();
    let mut rest = text;
    while !rest.trim().is_empty() {
        // Commas in parentheses divide values.
        let mut depth = 0;
        let end = rest.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            c == ',' && depth == 0
        });
        let (part, after) = end.map_or((rest, ""), |end| (&rest[..end], &rest[end + 1..]));
        requirements.push(requirement(part.trim())?);
        rest = after;
    }
    Ok(requirements)
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let values = |text: &str| {
        let inner = text.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let inner = inner.ok_or_else(|| format!("unable to parse requirement: {text}"))?;
        Ok::<_, String>(inner.split(',').map(|value| value.trim().to_owned()).collect())
    };
    let key = |text: &str| text.trim().to_owned();
    if let Some((name, rest)) = text.split_once(" notin ") {
        Ok(Requirement::NotIn(key(name), values(rest)?))
    } else if let Some((name, rest)) = text.split_once(" in ") {
        Ok(Requirement::In(key(name), values(rest)?))
    } else if let Some((name, value)) = text.split_once("!=") {
        Ok(Requirement::NotIn(key(name), vec![key(value)]))
    } else if let Some((name, value)) = text.split_once('=') {
        Ok(Requirement::In(key(name), vec![key(value.trim_start_matches('='))]))
    } else if let Some(name) = text.strip_prefix('!') {
        Ok(Requirement::Absent(key(name)))
    } else if text.contains(char::is_whitespace) || text.is_empty() {
        Err(format!("unable to parse requirement: {text}"))
    } else {
        Ok(Requirement::Exists(key(text)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_pick_objects() -> Result<(), Box<dyn std::error::Error>> {
        let rules: Vec<IgnoreRule> = serde_json::from_value(json!([
            {"paths": ["/spec/replicas"], "target": {"kind": "Deployment|StatefulSet", "labelSelector": "a in (b, c),!d"}},
            {"paths": ["/spec/x"]},
        ]))?;
        let ignored = IgnoredFields::compile(&rules)?;
        let object = |kind: &str, label: &str| json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"labels": {"a": label}}});
        assert_eq!(ignored.of(&object("Deployment", "c")), ["/spec/replicas", "/spec/x"]);
        assert_eq!(ignored.of(&object("Deployment", "z")), ["/spec/x"]);
        assert_eq!(ignored.of(&object("XDeployment", "c")), ["/spec/x"]);
        assert!(requirements("a b").is_err());
        Ok(())
    }
}
