//! Expressions in CEL, with the functions that Flux gives them.

use std::sync::Arc;

use admission_policy::environment;
use cel::extractors::This;
use cel::objects::OptionalValue;
use cel::{Context, Program, Value};
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

/// An expression that is CEL.
pub struct Expression(Program);

impl Expression {
    /// Reads an expression.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        environment().compile(text).map(Self).map_err(|failure| ExpressionError::Syntax(failure.to_string()))
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
        self.0.execute(&context).map_err(|failure| failed(failure.to_string()))
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
    fn wrong_expressions_say_why() -> Result<(), ExpressionError> {
        assert!(matches!(Expression::compile("1 +"), Err(ExpressionError::Syntax(_))));
        let number = Expression::compile("1 + 1")?;
        assert!(matches!(number.truth(&[]), Err(ExpressionError::Type { wanted: "bool", .. })));
        let unknown = Expression::compile("nothing.here == 1")?;
        assert!(matches!(unknown.truth(&[]), Err(ExpressionError::Evaluation(_))));
        Ok(())
    }
}
