//! Expressions in CEL, with the functions that Flux gives them.

use std::sync::Arc;

use admission_policy::{Program, environment};
use cel::extractors::This;
use cel::objects::OptionalValue;
use cel::{Context, Value};
use thiserror::Error;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExpressionError {
    /// It is not CEL.
    #[error("failed to compile expression: {0}")]
    Syntax(String),
    /// Its value is of another type.
    #[error(
        "failed to compile expression: CEL expression output type mismatch: expected {wanted}, got {got}"
    )]
    Type {
        /// The type that is wanted.
        wanted: &'static str,
        /// The type that it is of.
        got: String,
    },
    /// It fails for these variables.
    #[error("failed to evaluate expression: {0}")]
    Evaluation(String),
}

/// How many bytes an expression may have.
const LONGEST: usize = 4096;
/// An expression that is CEL.
pub struct Expression(Program);

impl Expression {
    /// Reads an expression, which must be short: whoever wrote it may be a tenant. What an evaluation may cost is limited.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > LONGEST {
            return Err(ExpressionError::Syntax(format!("it has more than {LONGEST} bytes")));
        }
        let compiled = Program::compile(&environment(), text);
        compiled.map(Self).map_err(|failure| ExpressionError::Syntax(failure.to_string()))
    }

    /// The truth of the expression.
    pub fn truth(&self, variables: &[(&str, &serde_json::Value)]) -> Result<bool, ExpressionError> {
        match self.value(variables)? {
            Value::Bool(truth) => Ok(truth),
            other => Err(mismatch("bool", &other)),
        }
    }

    /// The text that the expression makes.
    pub fn text(&self, variables: &[(&str, &serde_json::Value)]) -> Result<String, ExpressionError> {
        match self.value(variables)? {
            Value::String(text) => Ok(text.to_string()),
            other => Err(mismatch("string", &other)),
        }
    }

    fn value(&self, variables: &[(&str, &serde_json::Value)]) -> Result<Value, ExpressionError> {
        let failed = |failure: String| ExpressionError::Evaluation(failure);
        let mut context = Context::with_env(environment());
        for (name, end) in [("first", End::First), ("last", End::Last)] {
            let function = move |This(list): This<Arc<Vec<Value>>>| end.of(&list);
            context.add_function(name, function).map_err(|failure| failed(failure.to_string()))?;
        }
        for (name, value) in variables {
            let value = cel::to_value(value).map_err(|failure| failed(failure.to_string()))?;
            context.add_variable_from_value(*name, value);
        }
        self.0.evaluate(context).map_err(|failure| failed(failure.to_string()))
    }
}

/// An end of a list.
#[derive(Clone, Copy)]
enum End {
    First,
    Last,
}

impl End {
    /// The element there, if there is one.
    fn of(self, list: &[Value]) -> Value {
        let element = match self {
            Self::First => list.first(),
            Self::Last => list.last(),
        };
        Value::Opaque(Arc::new(element.cloned().map_or_else(OptionalValue::none, OptionalValue::of)))
    }
}

fn mismatch(wanted: &'static str, got: &Value) -> ExpressionError {
    ExpressionError::Type { wanted, got: got.type_of().to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Expression, ExpressionError};

    #[test]
    fn expressions_have_the_functions_of_flux() -> Result<(), ExpressionError> {
        let image = json!({"source": "Example.com/app:v1.0"});
        let texts = [
            ("image.source.split(':').last().value()", "v1.0"),
            ("image.source.split('/').first().value().lowerAscii()", "example.com"),
            ("image.source.split('x').first().orValue('none')", "E"),
        ];
        for (expression, wanted) in texts {
            assert_eq!(Expression::compile(expression)?.text(&[("image", &image)])?, wanted);
        }
        Ok(())
    }

    #[test]
    fn expressions_that_could_take_for_ever_fail() -> Result<(), ExpressionError> {
        let long = Expression::compile(&format!("'{}' == ''", "x".repeat(5000)));
        assert!(long.is_err_and(|error| error.to_string().contains("4096 bytes")));
        let list = json!({"items": (0..5_000).collect::<Vec<_>>()});
        let pairs = Expression::compile("self.items.all(a, self.items.all(b, a + b >= 0))")?;
        let error = pairs.truth(&[("self", &list)]).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("too expensive")));
        Ok(())
    }

    #[test]
    fn wrong_expressions_say_why() -> Result<(), ExpressionError> {
        assert!(matches!(Expression::compile("1 +"), Err(ExpressionError::Syntax(_))));
        let number = Expression::compile("1 + 1")?;
        assert!(matches!(number.truth(&[]), Err(ExpressionError::Type { wanted: "bool", .. })));
        let unknown = Expression::compile("nothing.here == 1")?;
        assert!(matches!(unknown.truth(&[]), Err(ExpressionError::Evaluation(_))));
        Ok(())
    }
}
