//! What every step of one build shares.

use std::sync::{Mutex, OnceLock, PoisonError};

use crate::host::Host;
use crate::options::BuildOptions;
use crate::schema::Schema;
use crate::warning::Warning;
use crate::yaml::{Pos, Sources};

/// One build: its host, options, texts, schema and warnings.
pub(crate) struct Context<'a> {
    pub(crate) host: &'a dyn Host,
    pub(crate) options: &'a BuildOptions,
    pub(crate) sources: Sources,
    schema: OnceLock<Schema>,
    builtin_schema: Schema,
    warnings: Mutex<Vec<Warning>>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(host: &'a dyn Host, options: &'a BuildOptions) -> Self {
        Context {
            host,
            options,
            sources: Sources::default(),
            schema: OnceLock::new(),
            builtin_schema: Schema::default(),
            warnings: Mutex::new(Vec::new()),
        }
    }

    /// The schema in force: the first custom one met from the root down, else the built-in.
    pub(crate) fn schema(&self) -> &Schema {
        self.schema.get().unwrap_or(&self.builtin_schema)
    }

    /// Puts a custom schema in force, unless one is already.
    pub(crate) fn set_schema(&self, schema: Schema) {
        let _ = self.schema.set(schema);
    }

    /// Whether a custom schema is in force.
    pub(crate) fn has_custom_schema(&self) -> bool {
        self.schema.get().is_some()
    }

    /// Notes a warning.
    pub(crate) fn warn(&self, message: impl Into<String>, pos: Pos) {
        let warning = Warning { message: message.into(), place: self.sources.place(pos), help: None };
        self.push_warning(warning);
    }

    /// Notes a warning with a cure.
    pub(crate) fn warn_with_help(&self, message: impl Into<String>, pos: Pos, help: impl Into<String>) {
        let place = self.sources.place(pos);
        self.push_warning(Warning { message: message.into(), place, help: Some(help.into()) });
    }

    fn push_warning(&self, warning: Warning) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    /// What outlives the build: the texts, the schema in force, the warnings.
    pub(crate) fn into_parts(self) -> (Sources, Schema, Vec<Warning>) {
        let schema = self.schema.into_inner().unwrap_or(self.builtin_schema);
        (self.sources, schema, self.warnings.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}
