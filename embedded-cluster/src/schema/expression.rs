//! Rules in CEL that a schema demands of its values (`x-kubernetes-validations`).

use std::fmt;
use std::sync::Arc;

use admission_policy::{EvaluationError, Program, environment};
use cel::{Context, ExecutionError};
use serde_json::Value;

use super::{Shape, Type};

/// The stack on which rules are parsed, as large as that of `admission_policy`.
const STACK: usize = 16 * 1024 * 1024;

/// Words of CEL that cannot be the name of a field.
const RESERVED: &[&str] = &[
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
];

/// A rule in CEL.
#[derive(Clone)]
pub(crate) struct Rule {
    text: String,
    program: Arc<Program>,
    message: Option<String>,
    message_program: Option<Arc<Program>>,
    /// The reason of the error.
    pub(crate) reason: &'static str,
    /// The field that is to blame, as a path below the value.
    pub(crate) field: String,
    /// The rule compares with the value before.
    compares: bool,
    /// Such a rule holds for new values, too.
    optional_old: bool,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({})", self.text)
    }
}

/// Reads the rules of a schema. One that is no CEL, or wants a function that the library for CEL
/// does not have, is left out with a line in the log.
pub(super) fn compile(schema: &Value) -> Vec<Rule> {
    let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array);
    rules.into_iter().flatten().filter_map(compile_one).collect()
}

fn compile_one(rule: &Value) -> Option<Rule> {
    let text = |name: &str| rule.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let source = text("rule")?;
    let program = match Program::compile(&environment(), source) {
        Ok(program) => program,
        Err(error) => {
            tracing::warn!(rule = source, %error, "a rule of a schema is not evaluated");
            return None;
        }
    };
    Some(Rule {
        compares: mentions_old(source),
        program: Arc::new(program),
        message: text("message").map(|message| message.trim().to_owned()),
        message_program: text("messageExpression")
            .and_then(|source| Program::compile(&environment(), source).ok().map(Arc::new)),
        reason: match text("reason") {
            Some("FieldValueForbidden") => "FieldValueForbidden",
            Some("FieldValueRequired") => "FieldValueRequired",
            Some("FieldValueDuplicate") => "FieldValueDuplicate",
            _ => "FieldValueInvalid",
        },
        field: text("fieldPath").unwrap_or_default().to_owned(),
        optional_old: rule.get("optionalOldSelf").and_then(Value::as_bool).unwrap_or(false),
        text: source.to_owned(),
    })
}

/// Whether a rule, which can be compiled, uses the value before.
fn mentions_old(source: &str) -> bool {
    // The parser is recursive: it needs the stack that the program's own compilation had.
    let parse = || {
        let parsed = environment().compile(source);
        parsed.is_ok_and(|parsed| parsed.references().has_variable("oldSelf"))
    };
    source.contains("oldSelf")
        && std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, parse);
            thread.is_ok_and(|thread| thread.join().unwrap_or(true))
        })
}

impl Rule {
    /// What is to be said of a value that breaks the rule. `old` is the value before, if there was one.
    pub(crate) fn breach(&self, of: Type<'_>, value: &Value, old: Option<&Value>) -> Option<String> {
        if self.compares && old.is_none() && !self.optional_old {
            return None;
        }
        let variables = || {
            let mut context = Context::with_env(environment());
            context.add_variable_from_value("self", to_cel(of, value));
            if let Some(old) = old {
                context.add_variable_from_value("oldSelf", to_cel(of, old));
            }
            context
        };
        match self.program.evaluate(variables()) {
            Ok(cel::Value::Bool(true)) => None,
            Ok(cel::Value::Bool(false)) => Some(self.message(variables)),
            Ok(other) => {
                Some(format!("rule evaluates to a {} and not to a bool: {}", other.type_of(), self.text))
            }
            Err(EvaluationError::Failed(
                error @ (ExecutionError::UndeclaredReference(_) | ExecutionError::NoSuchOverload(_)),
            )) => {
                tracing::warn!(rule = self.text, %error, "a rule of a schema is not evaluated");
                None
            }
            Err(error) => Some(format!("rule evaluation error: {error}: {}", self.text)),
        }
    }

    fn message<'a>(&self, variables: impl FnOnce() -> Context<'a, 'a>) -> String {
        let made = self.message_program.as_ref().and_then(|program| program.evaluate(variables()).ok());
        if let Some(cel::Value::String(text)) = made
            && !text.trim().is_empty()
            && !text.contains('\n')
        {
            return text.trim().to_owned();
        }
        self.message.clone().unwrap_or_else(|| format!("failed rule: {}", self.text))
    }
}

/// A value as expressions see it. Fields are those that the type declares, under names that CEL allows;
/// a null is no field.
fn to_cel(of: Type<'_>, value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(truth) => cel::Value::Bool(*truth),
        Value::Number(number) => match (number.as_i64(), of.shape()) {
            (Some(whole), shape) if !matches!(shape, Shape::Number) => cel::Value::Int(whole),
            _ => cel::Value::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(list) => {
            cel::Value::List(Arc::new(list.iter().map(|item| to_cel(of.items(), item)).collect()))
        }
        Value::Object(map) => {
            let is_object = matches!(of.shape(), Shape::Object { .. });
            let entries = map.iter().filter(|(_, child)| !child.is_null());
            let entries = entries.map(|(name, child)| {
                let key = if is_object { escape(name) } else { name.clone() };
                (cel::objects::Key::String(Arc::new(key)), to_cel(of.field(name), child))
            });
            cel::Value::Map(entries.collect::<std::collections::HashMap<_, _>>().into())
        }
    }
}

/// The name of a field in expressions.
fn escape(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    if !name.contains("__") && !name.contains(['.', '-', '/']) {
        return name.to_owned();
    }
    name.replace("__", "__underscores__")
        .replace('.', "__dot__")
        .replace('-', "__dash__")
        .replace('/', "__slash__")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::escape;
    use crate::schema::custom;

    #[test]
    fn names_are_such_that_cel_allows_them() {
        assert_eq!(escape("a-b.c/d__e"), "a__dash__b__dot__c__slash__d__underscores__e");
        assert_eq!(escape("namespace"), "__namespace__");
        assert_eq!(escape("plain"), "plain");
    }

    #[test]
    fn rules_have_a_budget() {
        let nested = format!("self.n == 0{}", " + 1".repeat(5_000));
        let loops = "lists.range(2000).all(a, lists.range(2000).all(b, a + b >= self.n))";
        let old = format!("oldSelf == self || {nested}");
        let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}},
            "x-kubernetes-validations": [{"rule": nested}, {"rule": old}, {"rule": loops}, {"rule": "self.n > 0"}]});
        let (arena, id) = custom::compile(Some(&schema));
        let of = arena.at(id);
        let breaches: Vec<String> = of
            .target()
            .expressions
            .iter()
            .filter_map(|rule| rule.breach(of, &json!({"n": 0}), None))
            .collect();
        // Rules that are nested too deeply are not evaluated.
        assert_eq!(breaches.len(), 2, "{breaches:?}");
        assert!(breaches[0].contains("the evaluation is too expensive"), "{breaches:?}");
    }

    #[test]
    fn rules_see_numbers_as_they_are() {
        let schema = json!({"type": "object", "properties": {
            "least": {"type": "integer"}, "most": {"type": "integer"}, "part": {"type": "number"},
        }, "x-kubernetes-validations": [
            {"rule": "self.least + 1 <= self.most", "message": "too close"},
            {"rule": "!has(self.part) || self.part * 2.0 > 1.0"},
            {"rule": "self.most >= oldSelf.most", "messageExpression": "'was ' + string(oldSelf.most)"},
        ]});
        let (arena, id) = custom::compile(Some(&schema));
        let of = arena.at(id);
        let breaches = |value: &serde_json::Value, old: Option<&serde_json::Value>| -> Vec<String> {
            of.target().expressions.iter().filter_map(|rule| rule.breach(of, value, old)).collect()
        };
        assert_eq!(breaches(&json!({"least": 1, "most": 2, "part": 1}), None), [""; 0]);
        assert_eq!(breaches(&json!({"least": 2, "most": 2}), None), ["too close"]);
        let (new, old) = (json!({"least": 0, "most": 2, "part": 0.5}), json!({"most": 3}));
        let wanted = ["failed rule: !has(self.part) || self.part * 2.0 > 1.0", "was 3"];
        assert_eq!(breaches(&new, Some(&old)), wanted);
    }
}
