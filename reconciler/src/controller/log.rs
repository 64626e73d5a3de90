//! The log: one JSON object a line, as Flux's controllers write it.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::environment::Environment;

/// Writes lines of JSON.
pub struct Log {
    out: Mutex<Box<dyn Write + Send>>,
    environment: Environment,
    has_errors_only: bool,
}

impl Log {
    /// A log that goes to a writer.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Log { out: Mutex::new(Box::new(out)), environment: Environment::default(), has_errors_only: false }
    }

    /// The same with the time of this environment.
    #[must_use]
    pub fn with_environment(self, environment: Environment) -> Self {
        Log { environment, ..self }
    }

    /// The same with errors only.
    #[must_use]
    pub fn errors_only(self) -> Self {
        Log { has_errors_only: true, ..self }
    }

    /// Something happened. `fields` are the further fields of the line.
    pub fn info(&self, message: &str, fields: Value) {
        if !self.has_errors_only {
            self.write("info", message, fields);
        }
    }

    /// Something went wrong.
    pub fn error(&self, message: &str, fields: Value) {
        self.write("error", message, fields);
    }

    fn write(&self, level: &str, message: &str, fields: Value) {
        let mut line = Map::new();
        line.insert("level".to_owned(), json!(level));
        line.insert(
            "ts".to_owned(),
            json!(self.environment.now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()),
        );
        line.insert("msg".to_owned(), json!(message));
        if let Value::Object(mut fields) = fields {
            line.append(&mut fields);
        }
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        // Whoever reads the log may be gone, which is no reason to stop.
        let _ = self.out.lock().unwrap_or_else(PoisonError::into_inner).write_all(text.as_bytes());
    }
}
