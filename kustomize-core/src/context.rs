//! What every step of one build shares.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::error::{BuildError, ErrorKind};
use crate::host::Host;
use crate::option_names::NamedOption;
use crate::options::BuildOptions;
use crate::parallel::Crew;
use crate::schema::Schema;
use crate::store::{Recorder, Store};
use crate::warning::Warning;
use crate::yaml::{Pos, Sources};

/// One build: its host, options, texts, schema and warnings.
pub(crate) struct Context<'a> {
    pub(crate) host: &'a dyn Host,
    pub(crate) options: &'a BuildOptions,
    pub(crate) sources: Arc<Sources>,
    pub(crate) recorder: &'a Recorder<'a>,
    pub(crate) store: &'a Store,
    /// The threads that this build may use.
    pub(crate) crew: Crew,
    schema: OnceLock<CustomSchema>,
    builtin_schema: Schema,
    warnings: Mutex<Vec<Warning>>,
    /// Whether bases that were rendered before may be taken over.
    reuses: bool,
    has_reused: AtomicBool,
    is_spoiled: AtomicBool,
    /// Bytes of files that generators have put into resources.
    generated: AtomicUsize,
}

struct CustomSchema {
    schema: Schema,
    /// What makes two custom schemas the same.
    key: String,
}

/// How much that may be. The output can be four times as large, and no cluster stores a
/// hundredth of it in one resource.
const MAX_GENERATED: usize = 128 << 20;

impl<'a> Context<'a> {
    pub(crate) fn new(recorder: &'a Recorder<'a>, options: &'a BuildOptions) -> Self {
        let store = recorder.store();
        Context {
            host: recorder,
            options,
            sources: Arc::clone(&store.sources),
            recorder,
            store,
            crew: Crew::for_one_build(),
            schema: OnceLock::new(),
            builtin_schema: Schema::default(),
            warnings: Mutex::new(Vec::new()),
            reuses: true,
            has_reused: AtomicBool::new(false),
            is_spoiled: AtomicBool::new(false),
            generated: AtomicUsize::new(0),
        }
    }

    /// The same, for a build that does all of its work itself.
    pub(crate) fn without_reuse(recorder: &'a Recorder<'a>, options: &'a BuildOptions) -> Self {
        Context { reuses: false, ..Context::new(recorder, options) }
    }

    /// The schema in force: the first custom one met from the root down, else the built-in.
    pub(crate) fn schema(&self) -> &Schema {
        self.schema.get().map_or(&self.builtin_schema, |custom| &custom.schema)
    }

    /// Puts a custom schema in force, unless one is already. `key` is equal for equal schemas.
    ///
    /// What the built-in schema was asked before makes a difference, and bases that were taken
    /// over have asked nothing: such a build is spoiled.
    pub(crate) fn set_schema(&self, schema: Schema, key: String) {
        let _ = self.schema.set(CustomSchema { schema, key });
        self.recorder.note_effect();
        self.is_spoiled.fetch_or(self.has_reused.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// What tells the custom schema in force from others.
    pub(crate) fn schema_key(&self) -> Option<&str> {
        self.schema.get().map(|custom| custom.key.as_str())
    }

    /// Whether a custom schema is in force.
    pub(crate) fn has_custom_schema(&self) -> bool {
        self.schema.get().is_some()
    }

    /// Whether bases that were rendered before may be taken over.
    pub(crate) fn reuses(&self) -> bool {
        self.reuses
    }

    /// Notes that a base was taken over.
    pub(crate) fn note_reuse(&self) {
        self.has_reused.store(true, Ordering::Relaxed);
    }

    /// Whether this build has to be done again, without taking anything over.
    pub(crate) fn is_spoiled(&self) -> bool {
        self.is_spoiled.load(Ordering::Relaxed)
    }

    /// Counts the content of a file that becomes a part of a generated resource.
    ///
    /// # Errors
    /// All such files together are too large.
    pub(crate) fn count_generated(&self, bytes: usize) -> Result<(), BuildError> {
        let before = self.generated.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) <= MAX_GENERATED {
            return Ok(());
        }
        let message =
            format!("the files of all generators together are larger than {} MiB", MAX_GENERATED >> 20);
        Err(BuildError::new(ErrorKind::Generator, message)
            .with_help("no cluster takes a ConfigMap or Secret of more than about one MiB"))
    }

    /// An option as whoever reads the messages of this build would write it.
    pub(crate) fn option(&self, option: NamedOption) -> &'static str {
        self.options.option_names.of(option)
    }

    /// Notes a warning.
    pub(crate) fn warn(&self, message: impl Into<String>, pos: Pos) {
        let warning = Warning { message: message.into(), place: self.sources.place(pos), help: None };
        self.warnings().push(warning);
    }

    /// Notes a warning with a cure.
    pub(crate) fn warn_with_help(&self, message: impl Into<String>, pos: Pos, help: impl Into<String>) {
        let place = self.sources.place(pos);
        self.warnings().push(Warning { message: message.into(), place, help: Some(help.into()) });
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
