//! How far an object has come, by the expressions that a Kustomization gives for its kind.

use reconciler_api::kustomization::HealthCheckExpression;
use serde_json::Value;

use super::{Outcome, Status, unobserved};
use crate::expression::{Expression, ExpressionError};
use crate::object;

/// Expressions for the health of some kinds.
#[derive(Default)]
pub struct HealthExpressions(Vec<Rule>);

/// The expressions for one kind.
struct Rule {
    api_version: String,
    kind: String,
    /// The status that holds when the expression is true, in the order in which they are asked.
    questions: Vec<(Status, Expression)>,
}

impl HealthExpressions {
    /// Reads the expressions of a Kustomization.
    ///
    /// # Errors
    /// One that is no CEL. The message says which.
    pub fn compile(rules: &[HealthCheckExpression]) -> Result<Self, String> {
        rules
            .iter()
            .enumerate()
            .map(|(index, rule)| Rule::compile(index, rule))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The status of an object whose kind has expressions, as soon as its controller has seen the last change. None
    /// if it has none.
    #[must_use]
    pub fn status(&self, found: &Value) -> Option<Outcome> {
        let rule = self.rule(found)?;
        match unobserved(found) {
            Ok(Some(outcome)) => Some(outcome),
            Ok(None) => Some(rule.status(found)),
            Err(error) => Some(Outcome::plain(Status::InProgress, error.to_string())),
        }
    }
}

impl HealthExpressions {
    /// Whether there are expressions for the kind of an object.
    #[must_use]
    pub fn has_one_for(&self, found: &Value) -> bool {
        self.rule(found).is_some()
    }

    fn rule(&self, found: &Value) -> Option<&Rule> {
        let (api_version, kind) = (object::api_version(found), object::kind(found));
        self.0.iter().find(|rule| rule.api_version == api_version && rule.kind == kind)
    }
}

impl Rule {
    fn compile(index: usize, rule: &HealthCheckExpression) -> Result<Self, String> {
        let fail =
            |field: &str, error: ExpressionError| format!("spec.healthCheckExprs[{index}].{field}: {error}");
        let given = [
            (Status::InProgress, "inProgress", rule.in_progress.as_deref()),
            (Status::Failed, "failed", rule.failed.as_deref()),
            (Status::Current, "current", Some(rule.current.as_str())),
        ];
        let mut questions = Vec::new();
        for (status, field, text) in given {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                questions.push((status, Expression::compile(text).map_err(|error| fail(field, error))?));
            }
        }
        if rule.current.is_empty() {
            return Err(format!(
                "spec.healthCheckExprs[{index}].current is empty, and nothing else says what is healthy"
            ));
        }
        Ok(Rule {
            api_version: rule.api_version.clone(),
            kind: rule.kind.clone().unwrap_or_default(),
            questions,
        })
    }

    fn status(&self, found: &Value) -> Outcome {
        let fields: Vec<(&str, &Value)> =
            found.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value)).collect();
        for (status, expression) in &self.questions {
            match expression.truth(&fields) {
                Ok(true) => return Outcome::plain(*status, "by the expression of the Kustomization"),
                Ok(false) => {}
                // A field that is not there yet, most often.
                Err(error) => return Outcome::plain(Status::InProgress, error.to_string()),
            }
        }
        Outcome::plain(Status::InProgress, "no expression of the Kustomization is true")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expressions(current: &str) -> Result<HealthExpressions, String> {
        HealthExpressions::compile(&[HealthCheckExpression {
            api_version: "example.org/v1".to_owned(),
            kind: Some("Widget".to_owned()),
            in_progress: Some("has(status.busy) && status.busy".to_owned()),
            failed: Some("status.phase == 'Broken'".to_owned()),
            current: current.to_owned(),
        }])
    }

    #[test]
    fn the_first_expression_that_is_true_counts() -> Result<(), String> {
        let health = expressions("status.phase == 'Done' && status.replicas >= 1")?;
        let status = |status: Value| {
            let found = json!({"apiVersion": "example.org/v1", "kind": "Widget", "status": status});
            health.status(&found).map(|outcome| outcome.status)
        };
        assert_eq!(status(json!({"busy": true, "phase": "Broken"})), Some(Status::InProgress));
        assert_eq!(status(json!({"phase": "Broken"})), Some(Status::Failed));
        assert_eq!(status(json!({"phase": "Done", "replicas": 1})), Some(Status::Current));
        assert_eq!(status(json!({"phase": "Waiting"})), Some(Status::InProgress));
        assert_eq!(status(json!({})), Some(Status::InProgress));
        let old = json!({
            "apiVersion": "example.org/v1", "kind": "Widget",
            "metadata": {"generation": 2}, "status": {"observedGeneration": 1, "phase": "Broken"},
        });
        assert_eq!(health.status(&old).map(|outcome| outcome.status), Some(Status::InProgress));
        let other = json!({"apiVersion": "v1", "kind": "ConfigMap"});
        assert!(health.status(&other).is_none());
        Ok(())
    }

    #[test]
    fn what_is_healthy_has_to_be_said() {
        assert!(expressions("").err().unwrap_or_default().contains("current is empty"));
    }

    #[test]
    fn an_expression_that_is_no_cel_is_named() {
        let error = expressions("status.phase ==").err().unwrap_or_default();
        assert!(error.contains("spec.healthCheckExprs[0].current"), "{error}");
    }
}
