//! Expressions in CEL.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::objects::{Key, Map};
use cel::{Context, Env, ExecutionError, extensions};
use serde_json::Value;

use crate::library;
use crate::program::{EvaluationError, Program};

/// What expressions can use: CEL's own functions, those for strings, lists, numbers and encodings, and those of
/// Kubernetes.
#[must_use]
pub fn environment() -> Arc<Env> {
    ENVIRONMENT.clone()
}

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    // An extension that is not there is missing from expressions, which then say so.
    let _ = env.add_extension(extensions::strings);
    let _ = env.add_extension(extensions::lists);
    let _ = env.add_extension(extensions::math);
    let _ = env.add_extension(extensions::encoders);
    let _ = env.add_extension(library::extension);
    Arc::new(env)
});

/// The variables of expressions.
#[derive(Clone)]
pub(crate) struct Variables(Vec<(&'static str, cel::Value)>);

impl Variables {
    pub(crate) fn new() -> Self {
        Variables(Vec::new())
    }

    pub(crate) fn set(&mut self, name: &'static str, value: &Value) {
        self.put(name, to_cel(value));
    }

    fn put(&mut self, name: &'static str, value: cel::Value) {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value));
    }

    /// Adds what named expressions make, in their order, each with those before it, as the map `variables`.
    /// One that fails is missing from the map: what uses it fails as well. Returns the failures.
    pub(crate) fn add_named<'a>(&mut self, named: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
        let mut map = HashMap::new();
        let mut failures = Vec::new();
        self.put("variables", cel::Value::Map(Map { map: Arc::new(map.clone()) }));
        for (name, expression) in named {
            match self.value(expression) {
                Ok(value) => {
                    map.insert(Key::String(Arc::new(name.to_owned())), value);
                    self.put("variables", cel::Value::Map(Map { map: Arc::new(map.clone()) }));
                }
                Err(error) => failures.push(format!("variable '{name}': {error}")),
            }
        }
        failures
    }

    fn value(&self, expression: &str) -> Result<cel::Value, String> {
        let program = Program::compile(&ENVIRONMENT, expression).map_err(|error| error.to_string())?;
        let mut context = Context::with_env(ENVIRONMENT.clone());
        for (name, value) in &self.0 {
            context.add_variable_from_value(*name, value.clone());
        }
        program.evaluate(context).map_err(|error| match error {
            EvaluationError::Failed(ExecutionError::UndeclaredReference(name)) => {
                format!("there is no variable or function '{name}' here")
            }
            other => other.to_string(),
        })
    }

    /// The truth of an expression.
    pub(crate) fn truth(&self, expression: &str) -> Result<bool, String> {
        match self.value(expression)? {
            cel::Value::Bool(truth) => Ok(truth),
            other => Err(format!("it is a {} and not a bool", other.type_of())),
        }
    }

    /// The text that an expression makes; nothing if that is null.
    pub(crate) fn text(&self, expression: &str) -> Result<Option<String>, String> {
        match self.value(expression)? {
            cel::Value::String(text) => Ok(Some(text.to_string())),
            cel::Value::Null => Ok(None),
            other => Err(format!("it is a {} and not a string", other.type_of())),
        }
    }
}

/// A value for expressions. Whole numbers are signed, as in objects.
fn to_cel(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(truth) => cel::Value::Bool(*truth),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => cel::Value::Int(number),
            (None, Some(number)) => cel::Value::Float(number),
            (None, None) => cel::Value::Null,
        },
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(list) => cel::Value::List(Arc::new(list.iter().map(to_cel).collect())),
        Value::Object(fields) => {
            let fields =
                fields.iter().map(|(key, value)| (Key::String(Arc::new(key.clone())), to_cel(value)));
            cel::Value::Map(Map { map: Arc::new(fields.collect()) })
        }
    }
}
