//! One build: its host, options and store, beside the context that its steps share.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::host::Host;
use crate::options::BuildOptions;
use crate::parallel::Threads;
use crate::schema::Schema;
use crate::store::{Recorder, Store};

/// What loading and accumulating need of a build, on top of its [`Context`].
pub(crate) struct BuildContext<'a> {
    pub(crate) host: &'a dyn Host,
    pub(crate) options: &'a BuildOptions,
    pub(crate) recorder: &'a Recorder<'a>,
    pub(crate) store: &'a Store,
    context: Context,
    /// Whether bases that were rendered before may be taken over.
    reuses: bool,
    has_reused: AtomicBool,
    is_spoiled: AtomicBool,
    /// Bytes of files that generators have put into resources.
    generated: AtomicUsize,
}

/// How much that may be. The output can be four times as large, and no cluster stores a
/// hundredth of it in one resource.
const MAX_GENERATED: usize = 128 << 20;

impl<'a> BuildContext<'a> {
    pub(crate) fn new(recorder: &'a Recorder<'a>, options: &'a BuildOptions, threads: Threads) -> Self {
        let store = recorder.store();
        BuildContext {
            host: recorder,
            options,
            recorder,
            store,
            context: Context::new(Arc::clone(&store.sources), threads)
                .cancelled_by(options.cancellation.clone()),
            reuses: true,
            has_reused: AtomicBool::new(false),
            is_spoiled: AtomicBool::new(false),
            generated: AtomicUsize::new(0),
        }
    }

    /// The same, for a build that does all of its work itself.
    pub(crate) fn without_reuse(
        recorder: &'a Recorder<'a>,
        options: &'a BuildOptions,
        threads: Threads,
    ) -> Self {
        BuildContext { reuses: false, ..BuildContext::new(recorder, options, threads) }
    }

    /// Puts a custom schema in force, unless one is already. `key` is equal for equal schemas.
    ///
    /// What the built-in schema was asked before makes a difference, and bases that were taken
    /// over have asked nothing: such a build is spoiled.
    pub(crate) fn set_schema(&self, schema: Schema, key: String) {
        self.context.set_schema(schema, key);
        self.recorder.note_effect();
        self.is_spoiled.fetch_or(self.has_reused.load(Ordering::Relaxed), Ordering::Relaxed);
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

    /// The context, for what outlives the build.
    pub(crate) fn into_context(self) -> Context {
        self.context
    }
}

/// So that what needs only the context can be called with the whole.
impl Deref for BuildContext<'_> {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}
