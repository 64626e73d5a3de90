//! What the steps of one build share: the schema in force, threads, texts and warnings.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::cancellation::Cancellation;
use crate::error::location_to_show;
use crate::parallel::Threads;
use crate::schema::Schema;
use crate::warning::Warning;
use crate::yaml::{Pos, Sources};

/// What transformers and other steps without I/O need of a build.
pub(crate) struct Context {
    pub(crate) sources: Arc<Sources>,
    /// The threads that this build may use.
    pub(crate) threads: Threads,
    /// What ends the build early.
    pub(crate) cancellation: Cancellation,
    schema: OnceLock<CustomSchema>,
    builtin_schema: Schema,
    warnings: Mutex<Vec<Warning>>,
}

struct CustomSchema {
    schema: Schema,
    /// What makes two custom schemas the same.
    key: String,
}

impl Context {
    /// A context with the built-in schema and no warnings.
    pub(crate) fn new(sources: Arc<Sources>, threads: Threads) -> Self {
        Context {
            sources,
            threads,
            cancellation: Cancellation::default(),
            schema: OnceLock::new(),
            builtin_schema: Schema::default(),
            warnings: Mutex::new(Vec::new()),
        }
    }

    /// The same, ended by this switch.
    pub(crate) fn cancelled_by(self, cancellation: Cancellation) -> Self {
        Context { cancellation, ..self }
    }

    /// The schema in force: the first custom one met from the root down, else the built-in.
    pub(crate) fn schema(&self) -> &Schema {
        self.schema.get().map_or(&self.builtin_schema, |custom| &custom.schema)
    }

    /// Puts a custom schema in force, unless one is already. `key` is equal for equal schemas.
    pub(crate) fn set_schema(&self, schema: Schema, key: String) {
        let _ = self.schema.set(CustomSchema { schema, key });
    }

    /// What tells the custom schema in force from others.
    pub(crate) fn schema_key(&self) -> Option<&str> {
        self.schema.get().map(|custom| custom.key.as_str())
    }

    /// Whether a custom schema is in force.
    pub(crate) fn has_custom_schema(&self) -> bool {
        self.schema.get().is_some()
    }

    /// Notes a warning.
    pub(crate) fn warn(&self, message: impl Into<String>, pos: Pos) {
        let warning =
            Warning { message: message.into(), location: location_to_show(&self.sources, pos), help: None };
        self.warnings().push(warning);
    }

    /// Notes a warning with a cure.
    pub(crate) fn warn_with_help(&self, message: impl Into<String>, pos: Pos, help: impl Into<String>) {
        let location = location_to_show(&self.sources, pos);
        self.warnings().push(Warning { message: message.into(), location, help: Some(help.into()) });
    }

    /// The warnings so far.
    pub(crate) fn warnings(&self) -> MutexGuard<'_, Vec<Warning>> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What outlives the build: the schema in force and the warnings.
    pub(crate) fn into_parts(self) -> (Schema, Vec<Warning>) {
        let schema = self.schema.into_inner().map_or(self.builtin_schema, |custom| custom.schema);
        (schema, self.warnings.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}
